"""A month of money: income and expenditure of each fund, and what was allotted to accounts.

Expenditure is what the ledger's accounts of funds were debited with on the month's business days;
income is what files said of the month and was booked; of a fund that somebody else owes it is what
is due from its payer for periods that begin in the month. Where a fund has neither, that is said
(仅支出), and no difference is made up of one side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct, field

from ledger.money import yuan_text
from ledger.postgres.fold import trial_balance
from settlement.books.money_in import INCOME_SOURCES, NAMES, Source, Subject
from settlement.books.payout_files import sheet_text
from settlement.chart import AGENCY
from settlement.elsewhere.regional_clearing import month_after
from settlement.finance.money_books import MoneyBooks
from settlement.said import Said
from settlement.storage import fund_payers
from settlement.storage import money as store
from settlement.storage.lease import PlainConnection
from settlement.storage.money import Allotted

OF_PAYER = NAMES[Source.PAYER][0]
"""What is owed by a fund's payer, among its income."""


class FundMonth(Struct, kw_only=True):
    """A fund of a scheme in a month, in fen."""

    scheme: str
    fund: str
    name: str
    income: dict[str, int] = field(default_factory=dict)
    """by source; `payer`: what its payer owes"""
    income_fen: int | None = None
    """None where there is none"""
    payer: str = ""
    """who owes what the fund pays; empty: the agency"""
    opening_fen: int | None = None
    expenditure_fen: int = 0


async def funds(books: MoneyBooks, month: date, *, as_json: bool) -> Said:
    """Income and expenditure by scheme and fund, and whether the agency's book balances."""
    rows = await months_of_funds(books.connection, books.funds, month)
    trial = await trial_balance(books.connection, AGENCY)
    debits = sum(row.balance.debits_fen for row in trial.rows)
    credits = sum(row.balance.credits_fen for row in trial.rows)
    if as_json:
        told = {
            "month": f"{month:%Y-%m}", "funds": rows, "agency_debits_fen": debits,
            "agency_credits_fen": credits,
        }  # fmt: skip
        return Said(0, msgspec.json.encode(told).decode())
    lines = [f"{month:%Y-%m} 基金收支 fund income and expenditure（元 yuan）"]
    for row in rows:
        lines += _lines_of(row)
    balanced = "平衡 balanced" if debits == credits else "不平 NOT BALANCED"
    lines.append(
        f"经办机构试算 agency trial balance：借 {yuan_text(debits)}  贷 {yuan_text(credits)}  "
        f"{balanced}"
    )
    return Said(0 if debits == credits else 1, "\n".join(lines))


async def allotted(books: MoneyBooks, month: date, *, as_json: bool) -> Said:
    """What files of a month moved into personal accounts and out of them, by source."""
    rows = await store.allotted_of(books.connection, month)
    if as_json:
        told = {"month": f"{month:%Y-%m}", "sources": rows}
        return Said(0, msgspec.json.encode(told).decode())
    lines = [f"{month:%Y-%m} 个人账户划拨 personal accounts（元 yuan）"]
    for row in rows:
        code, zh = NAMES[Source(row.source)]
        line = f"  {zh} {code}  {row.row_count} 行  {yuan_text(row.amount_fen)}"
        if Source(row.source).takes:
            line += f"，扣回 taken {yuan_text(row.taken_fen)}，应收 owed {yuan_text(row.owed_fen)}"
        lines.append(line)
    return Said(0, "\n".join(lines if rows else [*lines, "  无 none"]))


async def month_csv(connection: PlainConnection, subject: Subject, month: date) -> str:
    """The same as a table: a row a fund, with a column for each source of income; or a row a
    source of what was allotted."""
    if subject is Subject.INCOME:
        names = await store.fund_names(connection)
        return _funds_csv(await months_of_funds(connection, names, month))
    return _allotted_csv(await store.allotted_of(connection, month))


async def months_of_funds(
    connection: PlainConnection, names: Mapping[int, str], month: date
) -> list[FundMonth]:
    """Every fund that had income, a balance brought along or expenditure in the month."""
    found: dict[tuple[str, int], FundMonth] = {}
    for scheme, fund, source, fen in await store.income_of(connection, month):
        one = _place(found, names, scheme, int(fund))
        if source is Source.OPENING:
            one.opening_fen = fen
            continue
        one.income[NAMES[source][0]] = fen
        if source in INCOME_SOURCES:
            one.income_fen = (one.income_fen or 0) + fen
    last = month_after(month) - timedelta(days=1)
    for due in await fund_payers.dues(connection):
        if month <= due.first_on <= last:
            one = _place(found, names, due.fund[:3], due.ledger_code)
            one.payer = due.payer_name
            one.income[OF_PAYER] = one.income.get(OF_PAYER, 0) + due.amount_fen
            one.income_fen = (one.income_fen or 0) + due.amount_fen
    for code, fen in (await store.expenditure_of(connection, month, last)).items():
        # A fund's code begins with its scheme's, where no income says it otherwise.
        scheme = next((s for s, known in found if known == code), str(code)[:3])
        _place(found, names, scheme, code).expenditure_fen = fen
    return [found[key] for key in sorted(found)]


def _place(
    found: dict[tuple[str, int], FundMonth], names: Mapping[int, str], scheme: str, fund: int
) -> FundMonth:
    fresh = FundMonth(scheme=scheme, fund=str(fund), name=names.get(fund, ""))
    return found.setdefault((scheme, fund), fresh)


def _lines_of(row: FundMonth) -> list[str]:
    lines = [f"  {row.scheme} {row.fund} {row.name}"]
    if row.opening_fen is not None:
        lines.append(f"    期初结余 opening {yuan_text(row.opening_fen)}")
    spent = f"支出 expenditure {yuan_text(row.expenditure_fen)}"
    if row.income_fen is None:
        lines.append(f"    仅支出 expenditure only：{spent}")
        return lines
    by_source = "，".join(f"{name} {yuan_text(fen)}" for name, fen in sorted(row.income.items()))
    rest = yuan_text(row.income_fen - row.expenditure_fen)
    lines.append(f"    收入 income {yuan_text(row.income_fen)}（{by_source}）")
    if row.payer:
        lines.append(f"    由{row.payer}承担 owed by its payer")
    lines.append(f"    {spent}  当期结余 difference {rest}")
    return lines


def columns_of_income() -> list[tuple[str, str]]:
    """What income is made of, by its code and its heading, in the order of tables."""
    of_files = (NAMES[one] for one in (*INCOME_SOURCES, Source.ACCOUNT_INTEREST))
    return [*of_files, (OF_PAYER, "付款单位承担")]


def _funds_csv(rows: Sequence[FundMonth]) -> str:
    sources = columns_of_income()
    head = ["险种", "基金", "基金名称", "期初结余", *(zh for _, zh in sources), "收入合计", "支出",
            "当期结余", "付款单位"]  # fmt: skip
    return sheet_text([head, *(
        [
            one.scheme, one.fund, one.name, _yuan(one.opening_fen),
            *(_yuan(one.income.get(code)) for code, _ in sources), _yuan(one.income_fen),
            _yuan(one.expenditure_fen),
            "仅支出" if one.income_fen is None
            else _yuan(one.income_fen - one.expenditure_fen),
            one.payer,
        ]
        for one in rows
    )])  # fmt: skip


def _allotted_csv(rows: Sequence[Allotted]) -> str:
    return sheet_text([["来源", "代码", "笔数", "金额", "已扣回", "应收"], *(
        [
            NAMES[Source(one.source)][1], NAMES[Source(one.source)][0], str(one.row_count),
            _yuan(one.amount_fen),
            *((_yuan(one.taken_fen), _yuan(one.owed_fen)) if Source(one.source).takes
              else ("", "")),
        ]
        for one in rows
    )])  # fmt: skip


def _yuan(fen: int | None) -> str:
    return "" if fen is None else yuan_text(fen)
