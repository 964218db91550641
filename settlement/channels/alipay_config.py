"""A merchant at Alipay (商户) as an operator describes it, and its keys, read from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from protocol.alipay import signing
from protocol.alipay.gateway import Caller
from protocol.alipay.signing import KeyFormError, PrivateKey, PublicKey

PRODUCTION = "https://openapi.alipay.com"


class AlipayConfigError(Exception):
    """A merchant cannot be used as it is described; the text says which entry and why."""


class AlipayMerchant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table `[alipay.…]`. Keys are names of files, relative to the file that names them."""

    app_id: str
    """应用 APPID"""
    seller_id: str
    """商户 PID, 16 digits that begin with 2088; what notifications and bills name"""
    private_key_file: str
    """应用私钥: PEM, or the bare text that Alipay's key tool writes"""
    alipay_public_key_file: str
    """支付宝公钥, or in certificate mode 支付宝公钥证书"""
    app_cert_file: str = ""
    """应用公钥证书; with the next one it turns certificate mode on"""
    alipay_root_cert_file: str = ""
    """支付宝根证书"""
    app_auth_token_file: str = ""
    """of a service provider that acts for the merchant"""
    base_url: str = PRODUCTION
    """the sandbox is another one"""
    store_id: str = ""
    """门店编号, shown in the bill"""
    service_provider_id: str = ""
    """系统商编号 (PID of the software's maker)"""
    timeout_express: str = ""
    """How long the payer may take to confirm, as 3m; empty leaves it to Alipay (about 3 minutes)"""
    connect_seconds: float = 3.0
    answer_seconds: float = 10.0
    code_life_seconds: float = 300.0
    """After so long no payment code is alive: a payment that Alipay does not know by then was not
    made and will not be. Codes change every minute; this leaves room."""
    phone: Literal["", "precreate", "wap"] = ""
    """How payers pay on their own phones, where Alipay has granted it: `precreate` (预下单) gives
    an address that Alipay opens or scans, `wap` (手机网站支付) a page that any browser opens"""
    bill_over_tls: bool = True
    """Fetch a bill over TLS even where its link says http, if the gateway is spoken to over TLS"""


class AlipayKeys(Struct, frozen=True, kw_only=True, eq=False):
    """Secrets of a merchant. Shows none of them."""

    private: PrivateKey
    alipay: PublicKey
    caller: Caller

    def __repr__(self) -> str:
        """Without the token."""
        return f"AlipayKeys({self.caller.app_id})"


def read_merchant(table: Mapping[str, object]) -> AlipayMerchant:
    """Of a TOML table. Raises AlipayConfigError."""
    try:
        merchant = msgspec.convert(table, type=AlipayMerchant)
    except msgspec.ValidationError as exc:
        raise AlipayConfigError(f"alipay: {exc}") from exc
    if bool(merchant.app_cert_file) != bool(merchant.alipay_root_cert_file):
        raise AlipayConfigError(
            "alipay: certificate mode needs both app_cert_file and alipay_root_cert_file"
        )
    return merchant


def load_keys(merchant: AlipayMerchant, folder: Path) -> AlipayKeys:
    """Raises AlipayConfigError for a file that is missing, unreadable or not what it should be;
    the text names the file, never what is in it."""
    token = _file(folder, merchant.app_auth_token_file).decode("ascii", "replace").strip()
    app_cert = _file(folder, merchant.app_cert_file)
    root_cert = _file(folder, merchant.alipay_root_cert_file)
    try:
        return AlipayKeys(
            private=PrivateKey.of(_file(folder, merchant.private_key_file)),
            alipay=PublicKey.of(_file(folder, merchant.alipay_public_key_file)),
            caller=Caller(
                app_id=merchant.app_id,
                app_auth_token=token,
                app_cert_sn=signing.certificate_serial(app_cert) if app_cert else "",
                alipay_root_cert_sn=signing.root_serial(root_cert) if root_cert else "",
            ),
        )
    except KeyFormError as exc:
        raise AlipayConfigError(f"a key of {merchant.app_id} in {folder}: {exc}") from exc


def _file(folder: Path, name: str) -> bytes:
    if not name:
        return b""
    try:
        return (folder / name).read_bytes()
    except OSError as exc:
        raise AlipayConfigError(f"{folder / name} cannot be read: {exc.strerror}") from exc
