"""A statement as CSV: UTF-8 with a byte order mark, one file a sheet, details as they are read.

A cell of text that a spreadsheet would take for a formula is defused by an apostrophe before it.
Numbers of ours stay bare digits, for programs; whoever opens the file in a spreadsheet by a double
click loses their last digits there and should take the Excel file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import date, datetime

from ledger.money import yuan_text
from settlement.books.monthly_statement import (
    DETAIL_COLUMNS,
    Cell,
    Column,
    Form,
    Sheet,
    Tally,
    detail_cells,
)
from settlement.clock import local_time
from settlement.spreadsheet import defused

MARK = b"\xef\xbb\xbf"


def sheet_csv(sheet: Sheet) -> bytes:
    """One sheet, with its sums as the last row."""
    return MARK + _rows((_heading(sheet.columns), *sheet_rows(sheet)))


async def details_csv(
    details: AsyncIterator[Sequence[Sequence[Cell]]], tally: Tally | None = None
) -> AsyncIterator[bytes]:
    """The details, piece by piece; what they come to, into the tally where there is one."""
    yield MARK + _rows((_heading(DETAIL_COLUMNS),))
    async for rows in details:
        if tally is not None:
            for row in rows:
                tally.add(row)
        yield _rows(_texts(DETAIL_COLUMNS, detail_cells(row)) for row in rows)


def sheet_rows(sheet: Sheet) -> Iterator[list[str]]:
    """The rows of a sheet as text, its sums last."""
    for row in sheet.rows:
        yield _texts(sheet.columns, row)
    sums = _texts(sheet.columns, sheet.totals())
    yield ["合计", *sums[1:]]


def cell_text(form: Form, cell: Cell) -> str:
    """A cell as text: yuan with two decimals, days and times of the region."""
    if cell is None:
        return ""
    if form is Form.MONEY and isinstance(cell, int):
        return yuan_text(cell)
    if isinstance(cell, datetime):
        return f"{local_time(cell):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, date):
        return cell.isoformat()
    return defused(cell) if isinstance(cell, str) else str(cell)


def _heading(columns: Sequence[Column]) -> list[str]:
    return [f"{one.heading}（元）" if one.form is Form.MONEY else one.heading for one in columns]


def _texts(columns: Sequence[Column], cells: Iterable[Cell]) -> list[str]:
    return [cell_text(column.form, cell) for column, cell in zip(columns, cells, strict=True)]


def _rows(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
