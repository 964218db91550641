"""A merchant of UnionPay (商户) as an operator describes it, and its keys, read from files.

docs/reference/channels/unionpay.md is its page. What the public text leaves open is a setting here,
with the careful choice as its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.x509 import Certificate
from msgspec import Struct

from protocol.unionpay.certificates import (
    CertificateError,
    SigningKey,
    Trust,
    certificates_of,
    is_authority,
    signing_key_of,
)
from protocol.unionpay.statement import SEPARATOR
from settlement.payments.payment import Timers

REVERSAL_SECONDS_MAX = 45.0
"""Our rule: from the first byte of a payment to that of its reversal (99)."""
MER_ID_LENGTH = 15


class UnionPayConfigError(Exception):
    """A merchant cannot be used as it is described; the text says which entry and why."""


class UnionPayMerchant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table `[unionpay.…]`. Files are relative to the file that names them."""

    mer_id: str
    """商户代码"""
    access_type: str = "0"
    """接入类型: 0 merchant, 1 acquirer, 2 platform"""
    terminal_id: str = ""
    """终端号, eight letters and digits, for orders whose own terminal has no such number"""
    base_url: str = "https://gateway.95516.com"
    file_url: str = "https://filedownload.95516.com"

    key_file: str
    """our key and certificate: PKCS#12 (.pfx), or PEM with both"""
    key_password_file: str = ""
    trusted_file: str
    """PEM: UnionPay's own signing certificates, or a root"""
    intermediate_file: str = ""
    """PEM: what leads from a certificate of UnionPay's to the root"""
    trusted_owner: str = ""
    """the owner that a certificate must name where a root is trusted: 中国银联股份有限公司"""

    phone: bool = False
    """Payers may pay on their own phones: UnionPay has granted 申请二维码 (主扫)."""
    pay_accepted_is_final: bool = False
    """Does 00 to a payment mean paid? If not, a notification or a query has to say so."""
    refund_accepted_is_final: bool = False
    """The same for a void or a refund."""
    void_within_day: bool = True
    """Give back whole payments by a void (31) while their clearing day is open."""
    absent_after_seconds: float = 30.0
    """An order that UnionPay still does not know so long after it was sent cannot arrive any
    more: undoing it succeeds."""
    clearing_margin_seconds: float = 60.0
    """How far our clock and the way of a message may shift a transaction at 23:00."""
    rescan_codes: tuple[str, ...] = ("44",)
    """Response codes that ask for a fresh QR code."""
    file_absent_codes: tuple[str, ...] = ("98",)
    """Response codes that say: no statement yet."""
    statement_separator: str = SEPARATOR
    """For whoever reads statements: the byte between two columns; empty: any."""
    notify_parameters: tuple[str, ...] = ()
    """Query parameters of our own notification address, in case they come in the form as well."""
    no_notify_url: str = "http://www.specialUrl.com"
    """What goes into `backUrl` where nothing should be notified."""

    query_after: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    undo_after: float = 38.0
    connect_seconds: float = 2.0
    query_seconds: float = 4.0
    """for the answer to a query"""
    answer_seconds: float = 10.0
    """for any other answer but a statement"""
    file_seconds: float = 120.0

    @property
    def timers(self) -> Timers:
        """UnionPay does not say whether the payer is asked for a password, so both are alike."""
        return Timers(
            query_after=self.query_after, payer_query_after=self.query_after,
            undo_after=self.undo_after, payer_undo_after=self.undo_after,
        )  # fmt: skip


class UnionPayKeys(Struct, frozen=True):
    """Secrets of a merchant, and whom it believes."""

    signing: SigningKey
    trust: Trust


def read_merchant(table: Mapping[str, object]) -> UnionPayMerchant:
    """Of a TOML table. Raises UnionPayConfigError."""
    try:
        merchant = msgspec.convert(table, type=UnionPayMerchant)
    except msgspec.ValidationError as fault:
        raise UnionPayConfigError(f"unionpay: {fault}") from fault
    for is_wrong, said in _rules(merchant):
        if is_wrong:
            raise UnionPayConfigError(f"unionpay: {said}")
    return merchant


def load_keys(merchant: UnionPayMerchant, folder: Path) -> UnionPayKeys:
    """Raises UnionPayConfigError for a file that is missing or not what it should be; the text
    names the entry and the file, never what is in it."""
    password = None
    if merchant.key_password_file:
        password = _bytes(folder, "key_password_file", merchant.key_password_file).strip()
    data = _bytes(folder, "key_file", merchant.key_file)
    try:
        signing = signing_key_of(data, password)
    except CertificateError as fault:
        raise UnionPayConfigError(f"key_file: {merchant.key_file}: {fault}") from fault
    anchors = _certificates(folder, "trusted_file", merchant.trusted_file)
    if any(map(is_authority, anchors)) and not merchant.trusted_owner:
        raise UnionPayConfigError(
            "trusted_owner: a root in trusted_file issues certificates of others too; name UnionPay"
        )
    between: list[Certificate] = []
    if merchant.intermediate_file:
        between = _certificates(folder, "intermediate_file", merchant.intermediate_file)
    trust = Trust(anchors, intermediates=between, owner=merchant.trusted_owner)
    return UnionPayKeys(signing, trust)


def _rules(merchant: UnionPayMerchant) -> list[tuple[bool, str]]:
    mer_id, separator = merchant.mer_id, merchant.statement_separator
    latest = REVERSAL_SECONDS_MAX - merchant.connect_seconds - merchant.query_seconds
    return [
        (
            not (mer_id.isascii() and mer_id.isalnum() and len(mer_id) == MER_ID_LENGTH),
            f"mer_id: {MER_ID_LENGTH} letters and digits",
        ),
        (
            not 0 < merchant.undo_after < latest,
            f"undo_after: above 0 and below {latest:g}, so that a reversal leaves within"
            f" {REVERSAL_SECONDS_MAX:g} s also behind a query (connect_seconds, query_seconds)",
        ),
        (
            not merchant.query_after or min(merchant.query_after) <= 0,
            "query_after: at least one gap, each above 0",
        ),
        (
            len(separator) > 1 or not separator.isascii(),
            "statement_separator: one ASCII character, or none for any",
        ),
    ]


def _certificates(folder: Path, entry: str, name: str) -> list[Certificate]:
    data = _bytes(folder, entry, name)
    try:
        return certificates_of(data)
    except CertificateError as fault:
        raise UnionPayConfigError(f"{entry}: {name}: {fault}") from fault


def _bytes(folder: Path, entry: str, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as fault:
        raise UnionPayConfigError(f"{entry}: {name}: {fault.strerror}") from fault
