"""What others wrote is text in every file that a spreadsheet opens, whatever it begins with."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from settlement.books.monthly_statement import Form
from settlement.books.payout_files import sheet_text
from settlement.elsewhere.regional_clearing import Mark
from settlement.finance.sheet_xlsx import OPTIONS as WORKBOOK_OPTIONS
from settlement.finance.statement_csv import cell_text
from settlement.serve.regional_reports import _cells as leg_cells
from settlement.spreadsheet import DANGEROUS, harmless
from settlement.storage.regional_clearing import Leg
from tests.kit.hostile import FORMULAS

CELLS = (*FORMULAS, "-2+3+cmd|' /C calc'!A0", "-1e5", "＝1+1", "＋1", "－1", "＠x", "\n=1")


def shown(text: str) -> list[list[str]]:
    """The cells that a spreadsheet reads."""
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("text", CELLS)
def test_formula_of_somebody_is_a_text_in_every_file(text: str) -> None:
    told = "'" + text.replace("\r", " ").replace("\n", " ")
    assert shown(sheet_text([[text]])) == [[told]]
    assert cell_text(Form.TEXT, text) == told
    leg = Leg(
        case_no=text, reversal=False, region="430100", institution=text, clearing_type="11",
        scheme="310", settled_on=date(2026, 11, 1), total_fen=-1, fund_fen=-1, account_fen=0,
        setl_id=None, mark=Mark.OBJECTED, said=text,
    )  # fmt: skip
    cells = leg_cells(leg)
    assert [cells[at] for at in (0, 3, 14)] == [told] * 3
    assert cells[7] == "-0.01"


def test_cell_that_begins_a_row_of_its_own_is_on_one_line() -> None:
    assert shown(sheet_text([["测试\r=1+1", "测试\n=1+1"]])) == [["测试 =1+1", "测试 =1+1"]]


@given(st.text(max_size=20))
def test_no_cell_begins_as_a_formula_and_nothing_is_lost(text: str) -> None:
    cell = harmless(text)
    assert len(cell) - len(text) in (0, 1)
    assert not cell.startswith(DANGEROUS) or float(cell) <= 0
    assert len(cell.splitlines()) <= 1


@pytest.mark.parametrize("text", CELLS)
def test_formula_is_a_text_in_a_workbook_too(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path), {**WORKBOOK_OPTIONS, "tmpdir": str(tmp_path)}) as book:
        book.add_worksheet().write(0, 0, text)
    with ZipFile(path) as book_file:
        sheet = book_file.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and 't="inlineStr"' in sheet
