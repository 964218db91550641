"""Lines of the statement files (对账文件): GBK, fixed width, cut by bytes.

A Chinese name takes two bytes a character, and the second one may look like any separator; so a
line is cut first and decoded afterwards. A line that cannot be read becomes a fault that names it;
the others are read. Every row keeps its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from protocol.unionpay.layouts import ZM, ZME, Layout

SEPARATOR = " "
"""Between two columns. Not confirmed; "" reads any byte, as long as it is the same in a line."""

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_SIGNED = re.compile(r"[CD][0-9]+", re.ASCII)
_CREDIT, _DEBIT = "C", "D"


class RowFault(Struct, frozen=True, kw_only=True):
    """A line that cannot be read."""

    line: int
    """from 1"""
    column: str = ""
    reason: str
    raw: bytes


class Row(Struct, frozen=True, kw_only=True):
    """A line, cut; `values` by the names of `layouts`, without padding."""

    line: int
    raw: bytes
    values: Mapping[str, str]


_R = TypeVar("_R", bound=Row)


class Transaction(Row, frozen=True, kw_only=True):
    """A line of ZM. Fees and settled amounts are as the merchant sees them: what it gets is
    positive (C), what it pays negative (D)."""

    query_id: str
    order_id: str
    txn_type: str
    txn_time: str
    """MMDDhhmmss"""
    amount_fen: int
    fee_fen: int
    settled_fen: int
    orig_query_id: str
    orig_order_id: str
    terminal_id: str


class Adjustment(Row, frozen=True, kw_only=True):
    """A line of ZME; what is not known for sure is in `values`."""

    trace_no: str
    txn_time: str
    amount_fen: int


def transactions(
    data: bytes, *, separator: str = SEPARATOR
) -> tuple[list[Transaction], list[RowFault]]:
    """A ZM file."""
    return _read(data, ZM, separator, _transaction)


def adjustments(
    data: bytes, *, separator: str = SEPARATOR
) -> tuple[list[Adjustment], list[RowFault]]:
    """A ZME file."""
    return _read(data, ZME, separator, _adjustment)


def line_of(values: Mapping[str, str], layout: Layout, *, separator: str = SEPARATOR) -> bytes:
    """A line with its end; columns that are not given are blank. ValueError for what does not
    fit."""
    unknown = values.keys() - set(layout.names)
    if unknown:
        raise ValueError(f"no such column: {', '.join(sorted(unknown))}")
    fields = []
    for column in layout.columns:
        field = values.get(column.name, "").encode("gbk")
        if len(field) > column.width:
            raise ValueError(f"{column.name} has more than {column.width} bytes")
        fields.append(field.ljust(column.width))
    return separator.encode("ascii").join(fields) + b"\r\n"


def unsigned(amount_fen: int) -> str:
    """An amount without sign, n12."""
    return f"{amount_fen:012d}"


def signed(amount_fen: int) -> str:
    """An amount with C (the merchant gets it) or D (it pays), and n12."""
    return f"{_DEBIT if amount_fen < 0 else _CREDIT}{abs(amount_fen):012d}"


class _UnreadableError(Exception):
    """A line or a column of it is not what it should be."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


def _read(
    data: bytes, layout: Layout, separator: str, make: Callable[[Row], _R]
) -> tuple[list[_R], list[RowFault]]:
    rows: list[_R] = []
    faults: list[RowFault] = []
    for number, raw in _lines(data):
        try:
            rows.append(make(Row(line=number, raw=raw, values=_cut(raw, layout, separator))))
        except _UnreadableError as bad:
            faults.append(RowFault(line=number, column=bad.column, reason=bad.reason, raw=raw))
    return rows, faults


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if line.strip():
            yield number, line


def _cut(raw: bytes, layout: Layout, separator: str) -> dict[str, str]:
    if len(raw) != layout.width:
        raise _UnreadableError(f"{len(raw)} bytes instead of {layout.width}")
    values: dict[str, str] = {}
    expected = separator.encode("ascii")
    position = 0
    for column in layout.columns:
        end = position + column.width
        try:
            values[column.name] = raw[position:end].decode("gbk").strip()
        except UnicodeDecodeError:
            raise _UnreadableError("not GBK", column.name) from None
        between = raw[end : end + 1]
        expected = expected or between
        if between and between != expected:
            raise _UnreadableError(f"{between!r} instead of {expected!r} behind it", column.name)
        position = end + 1
    return values


def _transaction(row: Row) -> Transaction:
    values = row.values
    if not values["queryId"]:
        raise _UnreadableError("empty", "queryId")
    return Transaction(
        line=row.line, raw=row.raw, values=values, query_id=values["queryId"],
        order_id=values["orderId"], txn_type=values["txnType"], txn_time=values["txnTime"],
        amount_fen=_unsigned(row, "txnAmt"), fee_fen=_signed(row, "fee"),
        settled_fen=_signed(row, "settleAmt"), orig_query_id=values["origQryId"],
        orig_order_id=values["origOrderId"], terminal_id=values["termId"],
    )  # fmt: skip


def _adjustment(row: Row) -> Adjustment:
    return Adjustment(
        line=row.line, raw=row.raw, values=row.values, trace_no=row.values["traceNo"],
        txn_time=row.values["txnTime"], amount_fen=_unsigned(row, "txnAmt"),
    )  # fmt: skip


def _unsigned(row: Row, column: str) -> int:
    text = row.values[column]
    if not _DIGITS.fullmatch(text):
        raise _UnreadableError("no amount", column)
    return int(text)


def _signed(row: Row, column: str) -> int:
    text = row.values[column]
    if not _SIGNED.fullmatch(text):
        raise _UnreadableError("no amount with C or D", column)
    return int(text[1:]) if text[0] == _CREDIT else -int(text[1:])
