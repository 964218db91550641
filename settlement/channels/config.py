"""The merchants of a server, from a TOML file (docs/reference/channels/README.md).

    notify_base = "https://pay.example.org"      # where channels reach us
    cashier_base = "https://pay.example.org"     # where payers' phones reach us

    [[merchant]]
    channel = "wechat"                           # wechat, alipay, unionpay or onecode
    custody = "own"                              # own or agency (DOMAIN 1)
    institutions = ["P44190000001"]              # ["*"]: all that have no merchant of their own

    [merchant.settings]                          # what its adapter asks for

Keys are files beside it; none of them is ever shown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from settlement.channels import alipay_config, onecode_config, unionpay_config, wechat_config
from settlement.channels.alipay import AlipayChannel
from settlement.channels.http1 import AddressError
from settlement.channels.onecode import OneCodeChannel
from settlement.channels.port import Channel
from settlement.channels.registry import EVERYBODY, Place, Tills
from settlement.channels.signer import Signer
from settlement.channels.unionpay import UnionPayChannel
from settlement.channels.wechat import WechatChannel
from settlement.clock import Clock
from settlement.payments.payment import ChannelName, Custody


class ChannelsError(Exception):
    """The merchants cannot be used as they are described; the text says which and why."""


class _Merchant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    channel: ChannelName
    custody: Custody = Custody.OWN
    institutions: tuple[str, ...] = (EVERYBODY,)
    settings: dict[str, object] = {}


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    notify_base: str = ""
    cashier_base: str = ""
    merchant: tuple[_Merchant, ...] = ()
    decoder: tuple[dict[str, object], ...] = ()
    """who decodes codes of persons: settlement/region/config.py reads them"""


class NamedMerchant(Struct, frozen=True, kw_only=True):
    """A merchant by its number, without the door to it."""

    channel: ChannelName
    merchant_no: str
    institutions: tuple[str, ...]


def merchants_named(path: Path) -> tuple[NamedMerchant, ...]:
    """Which merchants a file has, for whoever only lists them: no key is read. Raises
    ChannelsError."""
    found = []
    for number, one in enumerate(_read(path).merchant, 1):
        try:
            merchant_no = _NUMBERS[one.channel](one.settings)
        except _WRONG as exc:
            raise ChannelsError(f"{path}: merchant {number}: {exc}") from exc
        found.append(
            NamedMerchant(
                channel=one.channel, merchant_no=merchant_no, institutions=one.institutions
            )
        )
    return tuple(found)


def load_tills(path: Path, *, signer: Signer, clock: Clock) -> Tills:
    """All merchants of a file, with their keys. One may stand there twice, for institutions in
    whose name it collects and others, but not with other settings. Raises ChannelsError."""
    file = _read(path)
    settings: dict[tuple[ChannelName, str], tuple[int, Mapping[str, object]]] = {}
    merchants: dict[tuple[ChannelName, str], Channel] = {}
    places: dict[tuple[str, ChannelName], Place] = {}
    for number, one in enumerate(file.merchant, 1):
        try:
            channel = _MAKERS[one.channel](one.settings, path.parent, signer, clock)
        except _WRONG as exc:
            raise ChannelsError(f"{path}: merchant {number}: {exc}") from exc
        named = one.channel, channel.merchant_no
        first, described = settings.setdefault(named, (number, one.settings))
        if described != one.settings:
            raise ChannelsError(
                f"{path}: merchant {number}: {channel.merchant_no} of {one.channel} is described"
                f" otherwise as merchant {first}"
            )
        merchants.setdefault(named, channel)
        for institution in one.institutions:
            place = institution, one.channel
            if place in places:
                raise ChannelsError(
                    f"{path}: merchant {number}: {institution} has another {one.channel} merchant"
                )
            places[place] = Place(merchant_no=channel.merchant_no, custody=one.custody)
    return Tills(
        merchants, places, notify_base=file.notify_base, cashier_base=file.cashier_base
    )


def _read(path: Path) -> _File:
    try:
        text = path.read_text("utf-8")
        return msgspec.convert(tomllib.loads(text), type=_File)
    except OSError as exc:
        raise ChannelsError(f"{path}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise ChannelsError(f"{path}: {exc}") from exc


def _wechat(table: Mapping[str, object], folder: Path, signer: Signer, clock: Clock) -> Channel:
    merchant = wechat_config.read_merchant(table)
    keys = wechat_config.load_keys(merchant, folder)
    return WechatChannel(merchant, keys, signer=signer, clock=clock)


def _alipay(table: Mapping[str, object], folder: Path, signer: Signer, clock: Clock) -> Channel:
    merchant = alipay_config.read_merchant(table)
    keys = alipay_config.load_keys(merchant, folder)
    return AlipayChannel(merchant, keys, signer=signer, clock=clock)


def _unionpay(table: Mapping[str, object], folder: Path, signer: Signer, clock: Clock) -> Channel:
    merchant = unionpay_config.read_merchant(table)
    keys = unionpay_config.load_keys(merchant, folder)
    return UnionPayChannel(merchant, keys, signer=signer, clock=clock)


def _onecode(table: Mapping[str, object], folder: Path, _signer: Signer, clock: Clock) -> Channel:
    merchant = onecode_config.read_merchant(table)
    return OneCodeChannel(merchant, onecode_config.load_key(merchant, folder), clock=clock)


_MAKERS: Mapping[
    ChannelName, Callable[[Mapping[str, object], Path, Signer, Clock], Channel]
] = {
    ChannelName.WECHAT: _wechat,
    ChannelName.ALIPAY: _alipay,
    ChannelName.UNIONPAY: _unionpay,
    ChannelName.ONECODE: _onecode,
}
_NUMBERS: Mapping[ChannelName, Callable[[Mapping[str, object]], str]] = {
    ChannelName.WECHAT: lambda table: wechat_config.read_merchant(table).merchant_no,
    ChannelName.ALIPAY: lambda table: alipay_config.read_merchant(table).seller_id,
    ChannelName.UNIONPAY: lambda table: unionpay_config.read_merchant(table).mer_id,
    ChannelName.ONECODE: lambda table: onecode_config.read_merchant(table).merchant_no,
}
_WRONG = (
    AddressError,
    wechat_config.MerchantConfigError,
    alipay_config.AlipayConfigError,
    unionpay_config.UnionPayConfigError,
    onecode_config.OneCodeConfigError,
)
