"""Sheets of a month: what adds up, how cells are written, what a spreadsheet must not compute."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from settlement.books.monthly_statement import (
    AMOUNTS,
    DETAIL_COLUMNS,
    Cell,
    Form,
    Group,
    Level,
    StatementHead,
    Tally,
    sheets,
    whole,
)
from settlement.finance.sheet_xlsx import number
from settlement.finance.statement_csv import MARK, cell_text, details_csv, sheet_csv
from settlement.finance.statement_pdf import sheet_told, statement_pdf
from settlement.finance.statement_xlsx import write_workbook

HEAD = StatementHead(
    institution="H99999900001", name="=测试医院", region="999999", month=date(2026, 10, 1),
    made_at=datetime(2026, 11, 1, 9, 30, 5, 123_456, tzinfo=UTC),
)  # fmt: skip
FIRST_AMOUNT = len(DETAIL_COLUMNS) - len(AMOUNTS)


def detail(at: int, *, scheme: str = "310", care: str = "11", cancels: bool = False) -> list[Cell]:
    """A row as the database gives it: 100.00 of which the funds pay 60.00 and accounts 10.01."""
    sign = -1 if cancels else 1
    amounts = dict.fromkeys(AMOUNTS, 0)
    amounts |= {
        "total_fen": 10_000, "in_scope_fen": 10_000, "hifp_fen": 6_000, "fund_fen": 6_000,
        "account_fen": 1_001, "family_account_fen": 1, "cash_fen": 2_999,
    }  # fmt: skip
    return [
        date(2026, 10, 1), datetime(2026, 10, 1, 1, tzinfo=UTC) + timedelta(seconds=at),
        2_610_000_000_000_000_000 + at, 2_610_000_000_000_000_000 + at, 2 if cancels else 1,
        2_610_000_000_000_000_000 if cancels else None, f"9999990000{at % 3}", care, scheme, "1101",
        care, "=1+1", "2102", f"M{at}", *(sign * fen for fen in amounts.values()),
    ]  # fmt: skip


ROWS = [
    detail(0), detail(1), detail(2, scheme="390"), detail(3, care="21"), detail(4, cancels=True),
]  # fmt: skip


async def piecewise(rows: Sequence[Sequence[Cell]], size: int = 2) -> AsyncIterator[
    Sequence[Sequence[Cell]]
]:
    """Rows as they are read."""
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


def tallied(rows: Sequence[Sequence[Cell]]) -> list[Group]:
    """Their groups."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally.groups()


def test_a_cancel_is_a_row_that_takes_its_visit_back() -> None:
    (everything,) = [one for one in tallied(ROWS) if one.level is Level.ALL]
    assert (everything.row_count, everything.cancel_count, everything.visit_count) == (5, 1, 3)
    assert everything.fen("total_fen") == 30_000
    assert everything.person_count == 3


def test_a_person_is_counted_once_in_each_group() -> None:
    summary, occurrence, _ = sheets(HEAD, tallied(ROWS))
    persons = [whole(row[6]) for row in summary.rows]
    assert persons == [2, 1, 1]
    assert not summary.columns[6].adds_up
    assert [row[5:7] for row in occurrence.rows] == [(1, 2), (1, 1), (1, 1)]


def test_all_sheets_come_to_the_same() -> None:
    chance = random.Random(7)
    rows = [
        detail(at, scheme=chance.choice(["310", "390", "510", "340", "999"]),
               care=chance.choice(["11", "21", "52"]), cancels=chance.random() < 0.2)
        for at in range(400)
    ]  # fmt: skip
    groups = tallied(rows)
    sums = [
        dict(zip([column.heading for column in one.columns], one.totals(), strict=True))
        for one in sheets(HEAD, groups)
    ]
    summary, occurrence, owed = sums
    for name in ("医疗费总额", "全自费", "个人现金", "医院负担"):
        assert summary[name] == occurrence[name]
    assert summary["应付机构"] == owed["应结算合计"]
    pools = [whole(occurrence[name]) for name in ("统筹基金", "生育基金", "离休基金")]
    assert sum(pools) == whole(summary["基金支付合计"])
    assert all(pools)


def test_nothing_was_settled() -> None:
    for sheet in sheets(HEAD, tallied([])):
        assert sheet.rows == []
        assert all(total in (None, 0) for total in sheet.totals())
    assert statement_pdf(HEAD, tallied([]), by="测试").startswith(b"%PDF")


CELLS = [
    (Form.TEXT, "=1+1", "'=1+1"),
    (Form.TEXT, "+86", "'+86"),
    (Form.TEXT, "-5", "'-5"),
    (Form.TEXT, "@SUM(A1)", "'@SUM(A1)"),
    (Form.TEXT, "\t=1", "'\t=1"),
    (Form.TEXT, "＝1+1", "'＝1+1"),
    (Form.TEXT, "测试=1", "测试=1"),
    (Form.MONEY, -5, "-0.05"),
    (Form.MONEY, 0, "0.00"),
    (Form.COUNT, -5, "-5"),
    (Form.DAY, date(2026, 10, 1), "2026-10-01"),
    (Form.MOMENT, datetime(2026, 10, 1, 16, tzinfo=UTC), "2026-10-02 00:00:00"),
    (Form.TEXT, None, ""),
]


@pytest.mark.parametrize(("form", "cell", "text"), CELLS)
def test_a_cell_is_written_so_that_nobody_computes_it(form: Form, cell: Cell, text: str) -> None:
    assert cell_text(form, cell) == text


async def test_details_have_a_mark_and_a_row_each() -> None:
    tally = Tally()
    text = b"".join([piece async for piece in details_csv(piecewise(ROWS), tally)])
    assert text.startswith(MARK)
    lines = text[len(MARK) :].decode().split("\r\n")
    assert lines[0].startswith("结算日期,结算时间,结算编号") and lines[0].endswith("医院负担（元）")
    assert len(lines) == len(ROWS) + 2
    assert ",'=1+1," in lines[1] and ",100.00," in lines[1] and ",-100.00," in lines[5]
    assert tally.groups() == tallied(ROWS)
    assert "'=测试医院" in sheet_csv(sheets(HEAD, tally.groups())[2]).decode()


def test_fen_become_yuan_without_a_float() -> None:
    for fen in (1, -1, 10, 123_456_789_012_345):
        told = number(Form.MONEY, fen)
        assert isinstance(told, Decimal)
        assert told * 100 == fen
        assert Decimal(f"{told:.16G}") == told


def names_in(folder: Path) -> list[str]:
    """What lies there."""
    return [one.name for one in folder.iterdir()]


async def test_workbook_has_numbers_formulas_and_text(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    assert await write_workbook(path, tmp_path, HEAD, piecewise(ROWS)) == len(ROWS)
    with zipfile.ZipFile(path) as book:
        pages = [book.read(f"xl/worksheets/sheet{n}.xml").decode() for n in range(1, 5)]
        assert re.findall(r'sheet name="([^"]*)"', book.read("xl/workbook.xml").decode()) == [
            "结算汇总", "发生数", "应结算", "明细",
        ]  # fmt: skip
    summary, _, _, details = pages
    assert "<f>SUM(H5:H7)</f><v>300.00</v>" in summary
    assert "<f>H8-&apos;明细&apos;!O7</f>" in summary or "<f>H8-'明细'!O7</f>" in summary
    assert "<f>SUM(O2:O6)</f><v>300.00</v>" in details
    assert 't="inlineStr"><is><t>2610000000000000000</t>' in details, "a number of ours is text"
    assert 't="inlineStr"><is><t>=1+1</t>' in details, "and so is what looks like a formula"
    assert 'state="frozen"' in summary and 'state="frozen"' in details
    assert "<v>-100.00</v>" in details
    assert names_in(tmp_path) == ["x.xlsx"], "nothing is left behind"


async def test_an_empty_month_is_a_whole_workbook(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    assert await write_workbook(path, tmp_path, HEAD, piecewise([])) == 0
    assert zipfile.ZipFile(io.BytesIO(path.read_bytes())).testzip() is None


def test_paper_embeds_its_font_and_is_the_same_again() -> None:
    groups = tallied(ROWS)
    paper = statement_pdf(HEAD, groups, by="测试")
    assert paper == statement_pdf(HEAD, groups, by="测试")
    assert paper.count(b"/Type/FontDescriptor") == paper.count(b"/FontFile2") >= 1
    assert b"NotoSansCJK" in paper
    assert len(paper) < 300_000, "the font is embedded as far as the text needs it"


def test_paper_leaves_out_what_is_nothing() -> None:
    columns = sheet_told(sheets(HEAD, tallied(ROWS))[1])["columns"]
    assert isinstance(columns, list)
    headings = [column["heading"] for column in columns]
    assert "统筹基金" in headings and "医疗费总额" in headings
    assert "医疗救助" not in headings
