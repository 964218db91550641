"""Rows of a bill on their way into the database: text of COPY, in a file that nobody else sees,
until the bill is proven. A portion of it is one short statement.

A row is spooled without what all rows of its file begin with: the day of a bill may be known only
after its last row.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from typing import IO

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.bill import BillKind, BillRow, MoveRow
from settlement.lanes import lane_of
from settlement.numbers import lane_in, parse

PORTION_ROWS = 50_000
"""Written at a time: a fraction of a second, so that no transaction is long."""
_TOGETHER = 2_000
"""Rows put together before they are written to the spool."""
_READ_BYTES = 512 * 1024
_FIRST_COLUMNS = ("file_no", "bill_day", "channel", "merchant")
_TABS = 10
"""Between the fields of a spooled row of either table."""
_NULL = "\\N"


class _Table(Struct, frozen=True):
    """Where rows of a kind go."""

    name: str
    columns: tuple[str, ...]


_TABLES = {
    BillKind.TRADE: _Table(
        "bill_row",
        (
            "lane", "row_no", "kind", "amount_fen", "fee_fen", "at", "order_no", "refund_no",
            "channel_no", "channel_refund_no", "status",
        ),
    ),
    BillKind.FUNDS: _Table(
        "bill_movement",
        (
            "lane", "row_no", "why", "direction", "amount_fen", "balance_fen", "at", "flow_no",
            "business_no", "order_no", "said",
        ),
    ),
}  # fmt: skip


class FileRows(Struct, frozen=True, kw_only=True):
    """What all rows of a file have in common."""

    file_no: int
    day: date
    channel: str
    merchant: str


class RowSpool:
    """Rows of one file of one kind. Close it."""

    def __init__(self, kind: BillKind, *, lanes: int) -> None:
        self._table = _TABLES[kind]
        self._lanes = lanes
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._ends = [0]
        """places where portions end"""

    def take(self, rows: Iterator[BillRow], merchant: Callable[[], str]) -> None:
        """All rows. `merchant` is asked once the first one came: their lane is that of our number,
        else that of the merchant's."""
        lanes, waiting, else_lane = self._lanes, list[str](), -1
        for count, row in enumerate(rows, 1):
            if else_lane < 0:
                else_lane = lane_of(merchant(), lanes)
            number = parse(row.order_no)
            lane = else_lane if number is None else lane_in(number)
            waiting.append(_text(row, lane if lane < lanes else else_lane))
            if count % _TOGETHER == 0:
                self._put(waiting)
                if count % PORTION_ROWS == 0:
                    self._ends.append(self._file.tell())
        self._put(waiting)
        self._ends.append(self._file.tell())

    async def write(self, connection: Connection[Record], of: FileRows) -> None:
        """Into their table, a portion at a time, each for itself."""
        first = f"{of.file_no}\t{of.day}\t{of.channel}\t{_clean(of.merchant)}\t".encode()
        for begin, end in zip(self._ends, self._ends[1:], strict=False):
            if begin < end:
                await connection.copy_to_table(
                    self._table.name, schema_name="settlement",
                    columns=(*_FIRST_COLUMNS, *self._table.columns),
                    source=self._portion(first, begin, end),
                )  # fmt: skip

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def _put(self, waiting: list[str]) -> None:
        self._file.write("".join(waiting).encode())
        waiting.clear()

    async def _portion(self, first: bytes, begin: int, end: int) -> AsyncIterator[bytes]:
        """The stretch of the spool, with what all rows begin with before each."""
        self._file.seek(begin)
        starts_line, left = True, end - begin
        while left > 0:
            data = self._file.read(min(_READ_BYTES, left))
            left -= len(data)
            ends_line = data.endswith(b"\n")
            inner = data[:-1] if ends_line else data
            told = inner.replace(b"\n", b"\n" + first) + (b"\n" if ends_line else b"")
            yield first + told if starts_line else told
            starts_line = ends_line


def _text(row: BillRow, lane: int) -> str:
    """A row of COPY's text. What would be a mark in it is escaped, in the rare row that has one."""
    text = _line(row, lane)
    if "\\" in text or "\0" in text or "\r" in text or text.count("\t") != _TABS:
        return _line(_escaped(row), lane)
    return text


def _line(row: BillRow, lane: int) -> str:
    if isinstance(row, MoveRow):
        balance = _NULL if row.balance_fen is None else row.balance_fen
        return (
            f"{lane}\t{row.row_no}\t{row.why:d}\t{row.direction}\t{row.amount_fen}\t{balance}\t"
            f"{row.at}\t{row.flow_no}\t{row.business_no}\t{row.order_no}\t{row.said}\n"
        )
    number, is_refund, at, order, refund, channel_no, back_no, status, amount_fen, fee_fen = row
    return (
        f"{lane}\t{number}\t{2 if is_refund else 1}\t{amount_fen}\t{fee_fen}\t{at}\t{order}\t"
        f"{refund}\t{channel_no}\t{back_no}\t{status}\n"
    )


def _escaped(row: BillRow) -> BillRow:
    if isinstance(row, MoveRow):
        return row._replace(
            flow_no=_clean(row.flow_no), business_no=_clean(row.business_no),
            order_no=_clean(row.order_no), said=_clean(row.said),
        )  # fmt: skip
    return row._replace(
        order_no=_clean(row.order_no), refund_no=_clean(row.refund_no),
        channel_no=_clean(row.channel_no), channel_refund_no=_clean(row.channel_refund_no),
        status=_clean(row.status),
    )  # fmt: skip


def _clean(text: str) -> str:
    return text.translate(_ESCAPES)


_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\ufffd"}
)
