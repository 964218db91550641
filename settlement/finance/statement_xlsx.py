"""A statement as an Excel file: the three sheets that people read first, then the details.

Amounts are numbers with two decimals, written from whole fen without passing through a float; sums
are formulas with their values beside them, so that a reader without a spreadsheet sees them too;
numbers that name something are text. The library keeps one row in memory and writes the others to
temporary files in `directory`, which is gone with them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from settlement.clock import local_time
from settlement.monthly_statement import (
    DETAIL_COLUMNS,
    DETAIL_TITLE,
    Cell,
    Column,
    Form,
    Sheet,
    StatementHead,
    Tally,
    detail_cells,
    sheets,
    whole,
)

DETAILS_MAX = 1_000_000
"""Excel has 1,048,576 rows."""
_TITLE_ROWS = 3
_HEADING = 3
_FONT = "宋体"
_OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
    "strings_to_numbers": False, "default_date_format": "yyyy-mm-dd",
}  # fmt: skip


class TooLongError(Exception):
    """More details than a sheet of Excel has rows."""


class _Formats:
    """How cells look."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        plain = {"font_name": _FONT, "font_size": 10}
        line = {**plain, "border": 1, "border_color": "#C9D1D9"}
        money = {"num_format": "#,##0.00;[Red]-#,##0.00"}
        total = {"bold": True, "top": 2, "bg_color": "#F2F5F7"}
        self.title: Format = book.add_format({**plain, "font_size": 14, "bold": True})
        self.note: Format = book.add_format({**plain, "font_color": "#5B6775"})
        self.heading: Format = book.add_format({
            **line, "bold": True, "bg_color": "#E6F1F5", "text_wrap": True, "valign": "vcenter",
            "align": "center",
        })  # fmt: skip
        self.cell: dict[Form, Format] = {
            Form.TEXT: book.add_format({**line, "num_format": "@"}),
            Form.COUNT: book.add_format({**line, "num_format": "#,##0"}),
            Form.MONEY: book.add_format({**line, **money}),
            Form.DAY: book.add_format({**line, "num_format": "yyyy-mm-dd"}),
            Form.MOMENT: book.add_format({**line, "num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        self.total: dict[Form, Format] = {
            form: book.add_format({**line, **total, **(money if form is Form.MONEY else {})})
            for form in Form
        }


async def write_workbook(
    path: Path, directory: Path, head: StatementHead,
    details: AsyncIterator[Sequence[Sequence[Cell]]],
) -> int:  # fmt: skip
    """Write the whole file; how many details it has. Raises TooLongError."""
    with xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": str(directory)}) as book:
        book.set_properties({
            "title": f"{head.name} {head.month:%Y-%m} 医保结算对账单",
            "created": local_time(head.made_at).replace(tzinfo=None),
        })  # fmt: skip
        formats = _Formats(book)
        empty = sheets(head, ())
        before = [book.add_worksheet(one.title) for one in empty]
        tally = Tally()
        count = await _write_details(book.add_worksheet(DETAIL_TITLE), formats, details, tally)
        for page, sheet in zip(before, sheets(head, tally.groups()), strict=True):
            _write_sheet(page, formats, head, sheet)
        _write_check(before[0], formats, sheets(head, tally.groups())[0], count)
        before[0].activate()
    return count


async def _write_details(
    page: Worksheet, formats: _Formats, details: AsyncIterator[Sequence[Sequence[Cell]]],
    tally: Tally,
) -> int:  # fmt: skip
    """The details below their headings, and their sums below them."""
    _set_up(page, DETAIL_COLUMNS, first=0, frozen=3)
    _write_heading(page, formats, DETAIL_COLUMNS, 0)
    count = 0
    sums = [0] * len(DETAIL_COLUMNS)
    adding = [at for at, column in enumerate(DETAIL_COLUMNS) if column.adds_up]
    async for rows in details:
        if count + len(rows) > DETAILS_MAX:
            raise TooLongError(f"more than {DETAILS_MAX} rows")
        for row in rows:
            count += 1
            tally.add(row)
            _write_row(page, formats, DETAIL_COLUMNS, count, detail_cells(row))
            for at in adding:
                sums[at] += whole(row[at])
    totals = [sums[at] if column.adds_up else None for at, column in enumerate(DETAIL_COLUMNS)]
    _write_totals(page, formats, DETAIL_COLUMNS, (1, count), totals)
    page.autofilter(0, 0, max(count, 1), len(DETAIL_COLUMNS) - 1)
    return count


def _write_sheet(page: Worksheet, formats: _Formats, head: StatementHead, sheet: Sheet) -> None:
    _set_up(page, sheet.columns, first=_HEADING, frozen=3)
    page.write_string(0, 0, f"{head.name} {head.month:%Y年%m月} {sheet.title}", formats.title)
    page.write_string(
        1, 0, f"机构编码 {head.institution}　金额单位：元　生成时间 "
        f"{local_time(head.made_at):%Y-%m-%d %H:%M:%S}", formats.note,
    )  # fmt: skip
    _write_heading(page, formats, sheet.columns, _HEADING)
    for at, row in enumerate(sheet.rows, _HEADING + 1):
        _write_row(page, formats, sheet.columns, at, row)
    rows = (_HEADING + 1, _HEADING + len(sheet.rows))
    _write_totals(page, formats, sheet.columns, rows, sheet.totals())


def _write_check(page: Worksheet, formats: _Formats, sheet: Sheet, count: int) -> None:
    """Below the summary: by how much each sum differs from that of the details. Always nothing; it
    says so to whoever changes a cell."""
    at = _HEADING + len(sheet.rows) + 2
    page.write_string(at, 0, "与明细核对（应为零）", formats.note)
    places = {column.heading: place for place, column in enumerate(DETAIL_COLUMNS)}
    for place, column in enumerate(sheet.columns):
        if column.form is not Form.MONEY or column.heading not in places:
            continue
        ours = f"{xl_col_to_name(place)}{at}"
        theirs = f"'{DETAIL_TITLE}'!{xl_col_to_name(places[column.heading])}{count + 2}"
        page.write_formula(at, place, f"={ours}-{theirs}", formats.cell[Form.MONEY], Decimal(0))


def _set_up(page: Worksheet, columns: Sequence[Column], *, first: int, frozen: int) -> None:
    for at, column in enumerate(columns):
        page.set_column(at, at, column.width)
    page.freeze_panes(first + 1, frozen)
    page.repeat_rows(first)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&L&A&R第 &P 页，共 &N 页")


def _write_heading(
    page: Worksheet, formats: _Formats, columns: Sequence[Column], at: int
) -> None:
    page.set_row(at, 30)
    for place, column in enumerate(columns):
        page.write_string(at, place, column.heading, formats.heading)


def _write_row(
    page: Worksheet, formats: _Formats, columns: Sequence[Column], at: int, cells: Sequence[Cell]
) -> None:
    for place, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        style = formats.cell[column.form]
        if isinstance(cell, int):
            page.write_number(at, place, number(column.form, cell), style)
        elif isinstance(cell, datetime):
            page.write_datetime(at, place, local_time(cell).replace(tzinfo=None), style)
        elif isinstance(cell, date):
            page.write_datetime(at, place, cell, style)
        elif cell:
            page.write_string(at, place, cell, style)


def _write_totals(
    page: Worksheet, formats: _Formats, columns: Sequence[Column], rows: tuple[int, int],
    totals: Sequence[int | None],
) -> None:  # fmt: skip
    """The sums of some rows, counted from 0, as formulas in the row below them."""
    first, last = rows
    at = max(last, first - 1) + 1
    page.write_string(at, 0, "合计", formats.total[Form.TEXT])
    for place, (column, total) in enumerate(zip(columns, totals, strict=True)):
        if total is None:
            if place:
                page.write_blank(at, place, None, formats.total[column.form])
            continue
        name = xl_col_to_name(place)
        formula = f"=SUM({name}{first + 1}:{name}{last + 1})" if last >= first else "=0"
        page.write_formula(
            at, place, formula, formats.total[column.form], number(column.form, total)
        )


def number(form: Form, amount: int) -> Decimal:
    """A count as it is, fen as yuan."""
    return Decimal(amount).scaleb(-2) if form is Form.MONEY else Decimal(amount)
