"""一码付: the 医保码 that named a person also pays the rest, from the wallet its holder signed for.

What is known in public are its two steps, "is the holder signed, and for which wallet" and "pay"
(channels.md 9.3); the wire is not. So everything here is ours [?]: JSON over POST, amounts in fen,
HMAC-SHA256 both ways. Only the simulator speaks it. When a region shows its own, this module and
the adapter change, and nothing behind them.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import Struct

SIGN, PAY, QUERY, UNDO = "/onecode/sign", "/onecode/pay", "/onecode/query", "/onecode/undo"
REFUND, REFUND_QUERY = "/onecode/refund", "/onecode/refundQuery"
BILL = "/onecode/bill"
MERCHANT, TIMESTAMP, SIGNATURE = (
    "x-onecode-merchant", "x-onecode-timestamp", "x-onecode-signature",
)  # fmt: skip

DONE = "SUCCESS"
"""`code` of an answer that says what was asked for"""
CLOCK_SECONDS_MAX = 300
"""An answer from further off is not believed."""


class State(StrEnum):
    """Of a payment."""

    PAID = "PAID"
    PAYING = "PAYING"
    """the payer must confirm on the phone"""
    FAILED = "FAILED"
    """the payer could not"""
    CLOSED = "CLOSED"


class RefundState(StrEnum):
    """Of a refund."""

    DONE = "DONE"
    PROCESSING = "PROCESSING"
    FAILED = "FAILED"


class SignRequest(Struct, frozen=True, kw_only=True):
    """Is the holder signed?"""

    ecQrCode: str


class PayRequest(Struct, frozen=True, kw_only=True):
    """Collect."""

    outTradeNo: str
    totalFen: int
    ecQrCode: str
    subject: str
    terminalId: str = ""
    operatorId: str = ""


class OrderRequest(Struct, frozen=True, kw_only=True):
    """About a payment: query, undo."""

    outTradeNo: str


class RefundRequest(Struct, frozen=True, kw_only=True):
    """Give back, or ask whether it was."""

    outTradeNo: str
    outRefundNo: str
    refundFen: int


class BillRequest(Struct, frozen=True, kw_only=True):
    """The bill of a day that is over."""

    billDate: str
    """yyyy-mm-dd"""


class Reply(Struct, frozen=True, kw_only=True):
    """What every answer has."""

    code: str
    message: str = ""
    outTradeNo: str = ""
    """of what is about a payment"""


class SignReply(Reply, frozen=True, kw_only=True):
    """Of `SIGN`."""

    wallet: str = ""
    """wechat, alipay …: for which the holder signed; empty for none"""


class PayReply(Reply, frozen=True, kw_only=True):
    """Of `PAY`, `QUERY`, `UNDO`."""

    tradeNo: str = ""
    state: str = ""
    totalFen: int | None = None
    refundedFen: int | None = None
    wallet: str = ""


class RefundReply(Reply, frozen=True, kw_only=True):
    """Of `REFUND`, `REFUND_QUERY`."""

    outRefundNo: str = ""
    refundId: str = ""
    state: str = ""
    refundFen: int | None = None


class BillReply(Reply, frozen=True, kw_only=True):
    """Of `BILL`."""

    billDate: str = ""
    content: str = ""
    """the file (protocol/onecode_bills.py)"""


NOTHING_MOVED, BILL_NOT_READY = "NO_BILL", "BILL_NOT_READY"
"""`code` of an answer without a bill: none because nothing moved, and not yet"""
Kind = TypeVar("Kind", bound=Struct)
_ENCODE = msgspec.json.Encoder().encode


def body_of(content: Struct) -> bytes:
    """As it is sent and signed."""
    return _ENCODE(content)


def content_of(body: bytes, kind: type[Kind]) -> Kind:
    """Raises ValueError for what is none."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError("not of this form") from exc


def request_signature(key: bytes, path: str, timestamp: str, body: bytes) -> str:
    """Of a request, in hex."""
    return _mac(key, f"{path}\n{timestamp}\n".encode() + body)


def answer_signature(key: bytes, asked: str, timestamp: str, body: bytes) -> str:
    """Of an answer; `asked` is the signature of its request, which binds it to that."""
    return _mac(key, f"{asked}\n{timestamp}\n".encode() + body)


def is_same(one: str, other: str) -> bool:
    """Whether two signatures are one, in a time that says nothing."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _mac(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()
