"""The closing report as a workbook: names beside numbers, amounts as numbers, sums as formulas."""

from __future__ import annotations

from datetime import UTC, date, datetime

from ledger.account import ALL_GUARDED, Balance
from settlement.books.month_report import JournalEnd, MonthReport, Total, make_report
from settlement.books.month_sheets import ONLY_SPENT, Names, month_sheets
from settlement.chart import FUND_BASE, INCOME_BASE, INSTITUTION_BASE, PAYER_BASE
from settlement.finance.sheet_xlsx import Heading, workbook_bytes
from settlement.rows import RowKind
from tests.kit.spreadsheet import sheets_of

AT = datetime(2026, 12, 2, 1, 0, tzinfo=UTC)
FUND, OTHER_FUND = 310_101, 390_101
NAMES = Names(
    accounts={
        FUND_BASE + FUND: "职工统筹", FUND_BASE + OTHER_FUND: "居民统筹",
        INSTITUTION_BASE: "应付—基金",
    },
    institutions={INSTITUTION_BASE: ("P44190099001", "=测试药店")},
    owners={"P44190099001": "测试药店"},
)  # fmt: skip


def balance(debits_fen: int, credits_fen: int) -> Balance:
    """Sums of an account."""
    return Balance(debits_fen=debits_fen, credits_fen=credits_fen)


def report() -> MonthReport:
    """A month in which one fund had income and another had none."""
    return make_report(
        region="441900", first_day=date(2026, 11, 1), last_day=date(2026, 11, 30),
        journals=[JournalEnd(journal=0, block_no=9, block_hash="00")],
        totals=[
            Total(scheme="310", clearing_type="11", kind=RowKind.SETTLE, rows=3, total=1_000,
                  fund=700, account=200, cash=100, hospital=0),
            Total(scheme="310", clearing_type="11", kind=RowKind.CANCEL, rows=1, total=-300,
                  fund=-200, account=-100, cash=0, hospital=0),
        ],
        before={FUND_BASE + FUND: balance(50, 0)},
        after={
            ALL_GUARDED: balance(100, 0), FUND_BASE + FUND: balance(550, 0),
            FUND_BASE + OTHER_FUND: balance(7, 0), INCOME_BASE + FUND: balance(0, 900),
            PAYER_BASE + OTHER_FUND: balance(40, 10), INSTITUTION_BASE: balance(0, 500),
            INSTITUTION_BASE + 1: balance(0, 100),
        },
        owners={
            FUND_BASE + FUND: "agency", FUND_BASE + OTHER_FUND: "agency",
            INCOME_BASE + FUND: "agency", PAYER_BASE + OTHER_FUND: "agency",
            INSTITUTION_BASE: "agency",
            INSTITUTION_BASE + 1: "P44190099001",
        },
    )  # fmt: skip


def test_report_is_four_sheets_with_sums_that_are_formulas() -> None:
    heading = Heading(title="2026-11 月结报告", note="统筹区 441900", made_at=AT)
    content = workbook_bytes(heading, month_sheets(report(), NAMES))
    assert content == workbook_bytes(heading, month_sheets(report(), NAMES))
    sheets = sheets_of(content)
    assert list(sheets) == ["结算汇总", "基金收支", "应付定点机构", "试算平衡"]
    settled = sheets["结算汇总"]
    assert settled[0][0] == "2026-11 月结报告 结算汇总" and "441900" in settled[1][0]
    assert [row[2] for row in settled[-3:-1]] == ["结算", "撤销"]
    assert settled[-1][0] == "合计" and settled[-1][4] == "=SUM(E5:E6)|7.00"


def test_fund_without_income_says_so_and_has_no_difference() -> None:
    _, funds, payables, balances = month_sheets(report(), NAMES)
    own, other = funds.rows
    assert own[1:] == ("310101", "职工统筹", 900, 500, 400, "", None)
    assert other[1:] == ("390101", "居民统筹", None, 7, None, ONLY_SPENT, 30)
    assert funds.totals()[3:6] == (900, 507, 400)
    assert payables.rows == [("P44190099001", "=测试药店", 500, 100, 600)]
    assert balances.rows[0][3] == "全部个人账户"
    assert {(row[0], row[1]) for row in balances.rows} == {
        ("agency", "经办机构"), ("P44190099001", "测试药店"),
    }  # fmt: skip
