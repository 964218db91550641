"""The bill of a day of one-code payment (一码付账单): its form, read and written.

Nobody published one, so it is ours as the rest of that wire (protocol/onecode.py): UTF-8, one JSON
object a line. The first line says whose bill of which day it is, the last one what the rows come
to; between them stands what moved, and nothing that did not. Money is fen.

    {"bill":"onecode","merchantNo":"ONE0000001","billDate":"2026-11-23"}
    {"at":"2026-11-23 10:00:00","kind":"PAY","outTradeNo":"…","tradeNo":"…","fen":1234,"feeFen":7}
    {"rows":1,"paidFen":1234,"backFen":0,"feeFen":7}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec
from msgspec import Struct

NAME = "onecode"
BEGINS = '{"bill":"onecode"'
"""How the first line does: no other channel's bill begins so."""


class Kind(StrEnum):
    """What moved."""

    PAY = "PAY"
    REFUND = "REFUND"
    UNDO = "UNDO"
    """a payment that was taken back whole"""


class BillDamagedError(Exception):
    """The file is not whole, or none of these; the text says where."""


class Head(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    bill: str
    merchantNo: str
    billDate: str
    """yyyy-mm-dd"""


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What moved."""

    at: str
    """yyyy-mm-dd HH:MM:SS, the platform's clock"""
    kind: str
    outTradeNo: str
    tradeNo: str
    outRefundNo: str = ""
    refundId: str = ""
    fen: int
    """never negative"""
    feeFen: int = 0
    """what the platform keeps; negative where it gives a fee back"""


class Foot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line."""

    rows: int
    paidFen: int
    backFen: int
    feeFen: int


_ENCODE = msgspec.json.Encoder().encode
_HEAD = msgspec.json.Decoder(Head).decode
_ROW = msgspec.json.Decoder(Row).decode
_FOOT = msgspec.json.Decoder(Foot).decode
_WRONG = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class OneCodeBill:
    """A bill that is read once: `head` at once, `rows` one after the other, then `foot`."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Raises BillDamagedError for what does not begin as one."""
        self._lines = iter(lines)
        first = next(self._lines, b"")
        try:
            self.head = _HEAD(first)
        except _WRONG as exc:
            raise BillDamagedError(f"line 1: {exc}") from exc
        if self.head.bill != NAME:
            raise BillDamagedError(f"line 1: a bill of {self.head.bill[:20]!r}")
        self.foot: Foot | None = None

    def rows(self) -> Iterator[tuple[int, Row | str]]:
        """Each row with the number of its line, or why it cannot be read. Raises BillDamagedError
        where the last line is not there, is no last line, or comes too early."""
        held: tuple[int, bytes] | None = None
        for number, line in enumerate(self._lines, 2):
            if held is not None:
                yield held[0], _row(held[1])
            held = number, line
        if held is None:
            raise BillDamagedError("the last line is missing")
        try:
            self.foot = _FOOT(held[1])
        except _WRONG as exc:
            raise BillDamagedError(f"line {held[0]} is no last line: {exc}") from exc


def _row(line: bytes) -> Row | str:
    try:
        return _ROW(line)
    except _WRONG as exc:
        return str(exc)


def write_bill(merchant_no: str, day: str, rows: Iterable[Row]) -> str:
    """The bill as a platform gives it."""
    told = list(rows)
    paid = sum(row.fen for row in told if row.kind == Kind.PAY)
    foot = Foot(
        rows=len(told), paidFen=paid, backFen=sum(row.fen for row in told) - paid,
        feeFen=sum(row.feeFen for row in told),
    )  # fmt: skip
    lines = (Head(bill=NAME, merchantNo=merchant_no, billDate=day), *told, foot)
    return "".join(f"{_ENCODE(line).decode()}\n" for line in lines)
