"""The closing report of a month as tables that people read (月结报告表).

Pure. The report itself has numbers and codes alone, so that it is the same to the byte whenever it
is made; here they get their names. How a table is written down is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ledger.account import ALL_GUARDED
from settlement.books.month_report import Book, MonthReport
from settlement.books.monthly_statement import (
    Cell,
    Column,
    Form,
    Sheet,
    clearing_name,
    scheme_name,
)
from settlement.chart import AGENCY, FUND_BASE, PAYER_BASE
from settlement.rows import RowKind

ONLY_SPENT = "未导入收入，仅列支出"
_KINDS: Mapping[int, str] = {
    RowKind.SETTLE: "结算", RowKind.CANCEL: "撤销", RowKind.REVERSE: "冲正",
}  # fmt: skip


class Names(Struct, frozen=True, kw_only=True):
    """What is called how."""

    accounts: Mapping[int, str]
    institutions: Mapping[int, tuple[str, str]]
    """by the first account: code and name"""
    owners: Mapping[str, str]
    """institutions and regions by code"""


def month_sheets(report: MonthReport, names: Names) -> list[Sheet]:
    """What was settled, funds, payables, and the trial balance of every owner."""
    return [_settled(report), _funds(report, names), _payables(report, names),
            _trial_balance(report, names)]  # fmt: skip


def text(heading: str, width: int) -> Column:
    """A column of names and numbers that name something."""
    return Column(heading=heading, form=Form.TEXT, width=width)


def money(heading: str, *, adds_up: bool = True) -> Column:
    """A column of amounts."""
    return Column(heading=heading, form=Form.MONEY, adds_up=adds_up, width=16)


def count(heading: str) -> Column:
    """A column that counts."""
    return Column(heading=heading, form=Form.COUNT, adds_up=True, width=10)


def _settled(report: MonthReport) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            scheme_name(one.scheme), clearing_name(one.clearing_type), _KINDS[one.kind], one.rows,
            one.total, one.fund, one.account, one.cash, one.hospital,
        )
        for one in report.settled
    ]  # fmt: skip
    columns = (
        text("险种", 26), text("清算类别", 20), text("类型", 8), count("笔数"), money("医疗费总额"),
        money("基金"), money("个人账户"), money("个人现金"), money("医院负担"),
    )  # fmt: skip
    return Sheet(title="结算汇总", columns=columns, rows=rows)


def owed_by_payers(report: MonthReport) -> dict[int, int]:
    """What the payers of funds owe at the end of the month, by fund; of funds that have one."""
    return {
        line.account - PAYER_BASE: line.before_debits + line.debits - line.before_credits
        - line.credits
        for book in report.books if book.owner == AGENCY
        for line in book.accounts
        if PAYER_BASE <= line.account < PAYER_BASE + 1_000_000
    }  # fmt: skip


def _funds(report: MonthReport, names: Names) -> Sheet:
    owed = owed_by_payers(report)
    rows: list[tuple[Cell, ...]] = [
        (
            scheme_name(one.scheme), one.fund, names.accounts.get(FUND_BASE + int(one.fund), ""),
            one.income, one.spent, None if one.income is None else one.income - one.spent,
            ONLY_SPENT if one.income is None else "", owed.get(int(one.fund)),
        )
        for one in report.funds
    ]  # fmt: skip
    columns = (
        text("险种", 26), text("基金", 10), text("基金名称", 28), money("本月收入"),
        money("本月支出"), money("本月结余"), text("说明", 22), money("月末应收付款单位"),
    )  # fmt: skip
    return Sheet(title="基金收支", columns=columns, rows=rows)


def _payables(report: MonthReport, names: Names) -> Sheet:
    rows: list[tuple[Cell, ...]] = [
        (
            *names.institutions.get(one.account_base, (f"{one.account_base}", "")), one.funds,
            one.accounts, one.funds + one.accounts,
        )
        for one in report.payables
    ]  # fmt: skip
    columns = (
        text("机构编码", 16), text("机构名称", 30), money("应付—基金"), money("应付—个人账户"),
        money("应付合计"),
    )  # fmt: skip
    return Sheet(title="应付定点机构", columns=columns, rows=rows)


def _trial_balance(report: MonthReport, names: Names) -> Sheet:
    columns = (
        text("账主", 16), text("账主名称", 26), text("科目号", 14), text("科目", 34),
        money("期初借方"), money("期初贷方"), money("本期借方"), money("本期贷方"),
        money("期末余额（借为正）"), money("冻结借方"), money("冻结贷方"),
    )  # fmt: skip
    agency_first = sorted(report.books, key=lambda book: (book.owner != AGENCY, book.owner))
    rows = [row for book in agency_first for row in _lines(book, names)]
    return Sheet(title="试算平衡", columns=columns, rows=rows)


def _lines(book: Book, names: Names) -> list[tuple[Cell, ...]]:
    owner = "经办机构" if book.owner == AGENCY else names.owners.get(book.owner, "")
    return [
        (
            book.owner, owner, "" if line.account == ALL_GUARDED else f"{line.account}",
            "全部个人账户" if line.account == ALL_GUARDED
            else names.accounts.get(line.account, ""),
            line.before_debits, line.before_credits, line.debits, line.credits,
            line.before_debits + line.debits - line.before_credits - line.credits,
            line.held_debits, line.held_credits,
        )
        for line in book.accounts
    ]  # fmt: skip
