"""Sheets of numbers as an Excel file: what every workbook that finance hands out looks like.

Amounts are numbers with two decimals, written from whole fen without passing through a float; sums
are formulas with their values beside them, so that a reader without a spreadsheet sees them too;
what names something is text, and never a formula. The library keeps one row in memory and writes
the others to temporary files. Which sheets there are is not known here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from msgspec import Struct
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from settlement.books.monthly_statement import Cell, Column, Form, Sheet
from settlement.clock import local_time

HEADING = 3
_FONT = "宋体"
OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
    "strings_to_numbers": False, "default_date_format": "yyyy-mm-dd",
}  # fmt: skip


class Heading(Struct, frozen=True, kw_only=True):
    """What stands above every sheet of a workbook."""

    title: str
    note: str
    made_at: datetime


def workbook_bytes(heading: Heading, sheets: Sequence[Sheet], *, frozen: int = 2) -> bytes:
    """A workbook of some sheets: the same of the same."""
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        path = Path(folder) / "workbook.xlsx"
        with xlsxwriter.Workbook(str(path), {**OPTIONS, "tmpdir": folder}) as book:
            book.set_properties({
                "title": heading.title,
                "created": local_time(heading.made_at).replace(tzinfo=None),
            })  # fmt: skip
            formats = Formats(book)
            for sheet in sheets:
                page = book.add_worksheet(sheet.title)
                write_sheet(page, formats, heading, sheet, frozen=frozen)
        return path.read_bytes()


def write_sheet(
    page: Worksheet, formats: Formats, heading: Heading, sheet: Sheet, *, frozen: int
) -> None:
    """A sheet below its title, with its sums below it; so many columns stay in sight."""
    set_up(page, sheet.columns, first=HEADING, frozen=frozen)
    page.write_string(0, 0, f"{heading.title} {sheet.title}", formats.title)
    page.write_string(1, 0, heading.note, formats.note)
    write_heading(page, formats, sheet.columns, HEADING)
    for at, row in enumerate(sheet.rows, HEADING + 1):
        write_row(page, formats, sheet.columns, at, row)
    rows = (HEADING + 1, HEADING + len(sheet.rows))
    write_totals(page, formats, sheet.columns, rows, sheet.totals())


class Formats:
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


def set_up(page: Worksheet, columns: Sequence[Column], *, first: int, frozen: int) -> None:
    """Widths, what stays in sight above and left, and how it is printed."""
    for at, column in enumerate(columns):
        page.set_column(at, at, column.width)
    page.freeze_panes(first + 1, frozen)
    page.repeat_rows(first)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.set_footer("&L&A&R第 &P 页，共 &N 页")


def write_heading(
    page: Worksheet, formats: Formats, columns: Sequence[Column], at: int
) -> None:
    """The headings of the columns."""
    page.set_row(at, 30)
    for place, column in enumerate(columns):
        page.write_string(at, place, column.heading, formats.heading)


def write_row(
    page: Worksheet, formats: Formats, columns: Sequence[Column], at: int, cells: Sequence[Cell]
) -> None:
    """One row of cells."""
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


def write_totals(
    page: Worksheet, formats: Formats, columns: Sequence[Column], rows: tuple[int, int],
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
