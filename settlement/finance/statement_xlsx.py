"""A statement as an Excel file: the three sheets that people read first, then the details.

How cells look is in sheet_xlsx.py. The library keeps one row in memory and writes the others to
temporary files in `directory`, which is gone with them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from settlement.books.monthly_statement import (
    DETAIL_COLUMNS,
    DETAIL_TITLE,
    Cell,
    Form,
    Sheet,
    StatementHead,
    Tally,
    detail_cells,
    sheets,
    whole,
)
from settlement.clock import local_time
from settlement.finance.sheet_xlsx import (
    HEADING,
    OPTIONS,
    Formats,
    Heading,
    set_up,
    write_heading,
    write_row,
    write_sheet,
    write_totals,
)

DETAILS_MAX = 1_000_000
"""Excel has 1,048,576 rows."""


class TooLongError(Exception):
    """More details than a sheet of Excel has rows."""


async def write_workbook(
    path: Path, directory: Path, head: StatementHead,
    details: AsyncIterator[Sequence[Sequence[Cell]]],
) -> int:  # fmt: skip
    """Write the whole file; how many details it has. Raises TooLongError."""
    with xlsxwriter.Workbook(str(path), {**OPTIONS, "tmpdir": str(directory)}) as book:
        book.set_properties({
            "title": f"{head.name} {head.month:%Y-%m} 医保结算对账单",
            "created": local_time(head.made_at).replace(tzinfo=None),
        })  # fmt: skip
        formats = Formats(book)
        heading = Heading(
            title=f"{head.name} {head.month:%Y年%m月}",
            note=f"机构编码 {head.institution}　金额单位：元　生成时间 "
            f"{local_time(head.made_at):%Y-%m-%d %H:%M:%S}", made_at=head.made_at,
        )  # fmt: skip
        empty = sheets(head, ())
        before = [book.add_worksheet(one.title) for one in empty]
        tally = Tally()
        count = await _write_details(book.add_worksheet(DETAIL_TITLE), formats, details, tally)
        for page, sheet in zip(before, sheets(head, tally.groups()), strict=True):
            write_sheet(page, formats, heading, sheet, frozen=3)
        _write_check(before[0], formats, sheets(head, tally.groups())[0], count)
        before[0].activate()
    return count


async def _write_details(
    page: Worksheet, formats: Formats, details: AsyncIterator[Sequence[Sequence[Cell]]],
    tally: Tally,
) -> int:  # fmt: skip
    """The details below their headings, and their sums below them."""
    set_up(page, DETAIL_COLUMNS, first=0, frozen=3)
    write_heading(page, formats, DETAIL_COLUMNS, 0)
    count = 0
    sums = [0] * len(DETAIL_COLUMNS)
    adding = [at for at, column in enumerate(DETAIL_COLUMNS) if column.adds_up]
    async for rows in details:
        if count + len(rows) > DETAILS_MAX:
            raise TooLongError(f"more than {DETAILS_MAX} rows")
        for row in rows:
            count += 1
            tally.add(row)
            write_row(page, formats, DETAIL_COLUMNS, count, detail_cells(row))
            for at in adding:
                sums[at] += whole(row[at])
    totals = [sums[at] if column.adds_up else None for at, column in enumerate(DETAIL_COLUMNS)]
    write_totals(page, formats, DETAIL_COLUMNS, (1, count), totals)
    page.autofilter(0, 0, max(count, 1), len(DETAIL_COLUMNS) - 1)
    return count


def _write_check(page: Worksheet, formats: Formats, sheet: Sheet, count: int) -> None:
    """Below the summary: by how much each sum differs from that of the details. Always nothing; it
    says so to whoever changes a cell."""
    at = HEADING + len(sheet.rows) + 2
    page.write_string(at, 0, "与明细核对（应为零）", formats.note)
    places = {column.heading: place for place, column in enumerate(DETAIL_COLUMNS)}
    for place, column in enumerate(sheet.columns):
        if column.form is not Form.MONEY or column.heading not in places:
            continue
        ours = f"{xl_col_to_name(place)}{at}"
        theirs = f"'{DETAIL_TITLE}'!{xl_col_to_name(places[column.heading])}{count + 2}"
        page.write_formula(at, place, f"={ours}-{theirs}", formats.cell[Form.MONEY], Decimal(0))
