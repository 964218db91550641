"""A merchant of WeChat Pay (商户) as an operator describes it, and its keys, read from files."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from protocol.wechat.sealing import APIV3_KEY_BYTES
from protocol.wechat.signing import SigningKey, VerifyingKey
from settlement.payments.payment import Timers

TIMERS = Timers(
    query_after=(5.0, 5.0, 10.0),
    payer_query_after=(5.0, 5.0),
    undo_after=30.0,
    payer_undo_after=45.0,
    undo_not_before=15.0,
)
"""WeChat's own advice: ask after 5 s, give up after 30 to 45 s, reverse not before 15 s."""


class MerchantConfigError(Exception):
    """A merchant cannot be used as it is described; the text says which entry and why."""


class WechatMerchant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table `[wechat.…]`. Keys are names of files, relative to the file that names them."""

    mchid: str
    """商户号; of a partner (服务商) its own"""
    appid: str
    sub_mchid: str = ""
    """特约商户号, where a partner collects for it"""
    sub_appid: str = ""
    api: Literal["v2", "v3"] = "v2"
    """v3 where WeChat has granted codepay of API v3"""

    base_url: str = "https://api.mch.weixin.qq.com"
    backup_url: str = "https://api2.mch.weixin.qq.com"
    connect_seconds: float = 3.0
    answer_seconds: float = 10.0

    merchant_serial: str = ""
    """证书序列号 of the private key"""
    merchant_private_key_file: str = ""
    merchant_certificate_file: str = ""
    """v2 only: reversal and refund show it on the line (双向证书)"""
    apiv3_key_file: str = ""
    apiv2_key_file: str = ""
    apiv2_sign_type: Literal["MD5", "HMAC-SHA256"] = "HMAC-SHA256"
    platform_public_key_id: str = ""
    """PUB_KEY_ID_…"""
    platform_public_key_file: str = ""
    platform_certificate_files: Mapping[str, str] = {}
    """by serial number; more come from /v3/certificates"""
    ca_file: str = ""
    """who vouches for the host; empty: whom the machine trusts"""

    phone: bool = False
    """Payers may pay on their own phones: WeChat has granted JSAPI支付 (API v3)."""
    app_secret_file: str = ""
    """of the official account whose page the payer opens; without it only an institution's own
    program can say who pays"""
    sign_in_url: str = "https://open.weixin.qq.com/connect/oauth2/authorize"
    open_api_url: str = "https://api.weixin.qq.com"

    store_id: str = ""
    """门店编号 as WeChat knows it"""
    store_out_id: str = ""
    """the merchant's own number of the store"""
    device_ip: str = "127.0.0.1"
    unsigned_refusals: bool = False
    """Take refusals (4xx) at their word although they carry no signature. Whether WeChat signs
    every refusal is not documented; unsigned ones are `unknown` by default."""
    code_life_seconds: float = 120.0
    """After so long no payment code is alive: a number that WeChat does not know by then stays
    unpaid."""

    @property
    def merchant_no(self) -> str:
        """Whose money it is."""
        return self.sub_mchid or self.mchid


class WechatKeys:
    """Secrets of a merchant. Shows none of them."""

    def __init__(
        self, *, signing: SigningKey | None = None, platform: dict[str, VerifyingKey] | None = None,
        apiv3_key: bytes = b"", apiv2_key: str = "", tls: ssl.SSLContext | None = None,
        app_secret: str = "",
    ) -> None:  # fmt: skip
        self.signing = signing
        self.platform = platform or {}
        self.apiv3_key = apiv3_key
        self.apiv2_key = apiv2_key
        self.app_secret = app_secret
        self.tls = tls


def read_merchant(table: Mapping[str, object]) -> WechatMerchant:
    """Of a TOML table. Raises MerchantConfigError."""
    try:
        return msgspec.convert(table, type=WechatMerchant)
    except msgspec.ValidationError as exc:
        raise MerchantConfigError(f"wechat: {exc}") from exc


def load_keys(merchant: WechatMerchant, folder: Path) -> WechatKeys:
    """Raises MerchantConfigError for a file that is missing, unreadable or not what it should be;
    the text names the entry and the file, never what is in it."""
    apiv3_key = _text(folder, "apiv3_key_file", merchant.apiv3_key_file).encode()
    if apiv3_key and len(apiv3_key) != APIV3_KEY_BYTES:
        raise MerchantConfigError(f"apiv3_key_file: the key has {APIV3_KEY_BYTES} characters")
    keys = WechatKeys(
        signing=_signing_key(folder, merchant.merchant_private_key_file),
        platform=_platform_keys(merchant, folder),
        apiv3_key=apiv3_key,
        apiv2_key=_text(folder, "apiv2_key_file", merchant.apiv2_key_file),
        tls=_tls(merchant, folder),
        app_secret=_text(folder, "app_secret_file", merchant.app_secret_file),
    )
    for entry, missing in _missing(merchant, keys):
        if missing:
            of_phone = merchant.phone and merchant.api == "v2" and entry != "apiv2_key_file"
            why = "phone = true" if of_phone else f"api = {merchant.api!r}"
            raise MerchantConfigError(f"{entry}: {why} needs it")
    return keys


def _missing(merchant: WechatMerchant, keys: WechatKeys) -> tuple[tuple[str, bool], ...]:
    of_v2 = (("apiv2_key_file", not keys.apiv2_key),)
    of_v3 = (
        ("merchant_private_key_file", keys.signing is None),
        ("merchant_serial", not merchant.merchant_serial),
        ("apiv3_key_file", not keys.apiv3_key),
    )
    if merchant.api == "v3":
        return of_v3
    return of_v2 + of_v3 if merchant.phone else of_v2


def _signing_key(folder: Path, name: str) -> SigningKey | None:
    if not name:
        return None
    try:
        return SigningKey(_bytes(folder, "merchant_private_key_file", name))
    except (ValueError, TypeError) as exc:
        raise MerchantConfigError(f"merchant_private_key_file: {name}: not an RSA key") from exc


def _platform_keys(merchant: WechatMerchant, folder: Path) -> dict[str, VerifyingKey]:
    named = dict(merchant.platform_certificate_files)
    if merchant.platform_public_key_file:
        named[merchant.platform_public_key_id] = merchant.platform_public_key_file
    keys: dict[str, VerifyingKey] = {}
    for serial, name in named.items():
        try:
            keys[serial] = VerifyingKey(_bytes(folder, "platform key", name))
        except ValueError as exc:
            raise MerchantConfigError(f"platform key {serial}: {name}: not an RSA key") from exc
    return keys


def _tls(merchant: WechatMerchant, folder: Path) -> ssl.SSLContext | None:
    if not (merchant.merchant_certificate_file or merchant.ca_file):
        return None
    trusted = str(folder / merchant.ca_file) if merchant.ca_file else None
    try:
        context = ssl.create_default_context(cafile=trusted)
        if merchant.merchant_certificate_file:
            context.load_cert_chain(
                folder / merchant.merchant_certificate_file,
                folder / merchant.merchant_private_key_file,
            )
    except (OSError, ssl.SSLError) as exc:
        raise MerchantConfigError(f"merchant_certificate_file or ca_file: {exc}") from exc
    return context


def _text(folder: Path, entry: str, name: str) -> str:
    return _bytes(folder, entry, name).decode("ascii", "replace").strip() if name else ""


def _bytes(folder: Path, entry: str, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as exc:
        raise MerchantConfigError(f"{entry}: {name}: {exc.strerror}") from exc
