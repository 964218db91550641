"""What finance hands out each month, as Excel: the closing report, income and expenditure, what was
allotted, and notices of payment.

The same figures as the CSV and JSON of their commands have, with names beside the numbers, amounts
as numbers and sums as formulas (sheet_xlsx.py).
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from ledger.money import yuan_text
from settlement.books.money_in import NAMES, Source, Subject
from settlement.books.month_report import report_digest
from settlement.books.month_sheets import ONLY_SPENT, Names, count, money, month_sheets, text
from settlement.books.month_states import month_text
from settlement.books.monthly_statement import (
    Cell,
    Sheet,
    clearing_name,
    person_type_name,
    scheme_name,
)
from settlement.books.payout import KIND_ZH, NONE, SIGN, case_text
from settlement.clock import local_time
from settlement.finance.money_reports import FundMonth, columns_of_income, months_of_funds
from settlement.finance.months import open_days, report_of
from settlement.finance.office import Office, written
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_periods import Found, period_text
from settlement.finance.sheet_xlsx import Heading, workbook_bytes
from settlement.said import Said
from settlement.storage import money as store
from settlement.storage import past, reference
from settlement.storage.lease import PlainConnection
from settlement.storage.money import Allotted


async def month_workbook(office: Office, month: date) -> bytes:
    """The closing report of a month whose days are closed. The sha256 of the report stands above
    each sheet, so that a print leads to what two people signed."""
    report = await report_of(office, month)
    institutions = await reference.institutions(office.connection)
    names = Names(
        accounts=await past.names(office.connection),
        institutions={one.account_base: (one.code, one.name) for one in institutions.values()},
        owners={one.code: one.name for one in institutions.values()},
    )
    told = f"统筹区 {report.region}　月结报告 sha256 {report_digest(report)}"
    heading = _heading(f"{month_text(month)} 月结报告", told, office.clock())
    return workbook_bytes(heading, month_sheets(report, names))


async def write_month(office: Office, month: date, out: Path) -> Said:
    """Write the closing report as a workbook."""
    if await open_days(office, month):
        return Said(1, f"{month_text(month)} 尚有业务日未日结 | days of the month are still open")
    return written(out, await month_workbook(office, month), "月结报告工作簿 | workbook")


async def money_workbook(
    connection: PlainConnection, subject: Subject, month: date, at: datetime
) -> bytes:
    """A month of funds, or of what files moved in personal accounts."""
    if subject is Subject.INCOME:
        named = await store.fund_names(connection)
        sheet = _funds(await months_of_funds(connection, named, month))
    else:
        sheet = _allotted(await store.allotted_of(connection, month))
    return workbook_bytes(_heading(month_text(month), "", at), [sheet])


def notice_workbook(books: PayoutBooks, one: Found) -> bytes:
    """A notice of payment (拨付通知): what the period owes, every adjustment, and the sum."""
    known = books.institutions[one.institution]
    period = period_text(one.period.first_on, books.rules.cycle)
    heading = _heading(f"{known.name} {period}", f"机构编码 {one.institution}", books.moment.at)
    columns = (
        text("项目", 14), text("清算类别", 20), text("险种", 26), text("人员类别", 16),
        count("结算笔数"), count("撤销笔数"), count("冲正笔数"), money("医疗费总额"), money("基金"),
        money("个人账户"), money("应拨合计"), text("依据", 36),
    )  # fmt: skip
    sheet = Sheet(title="拨付通知", columns=columns, rows=_notice_rows(one))
    return workbook_bytes(heading, [sheet], frozen=1)


def _notice_rows(one: Found) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [
        (
            "结算" if line.clearing_type else "期初应付", clearing_name(line.clearing_type),
            scheme_name(line.scheme), person_type_name(line.category), line.settled,
            line.cancelled, line.reversed, line.total_fen, line.fund_fen, line.account_fen,
            line.fund_fen + line.account_fen, "",
        )
        for line in one.kept.lines
    ]  # fmt: skip
    blank = ("", "", "", None, None, None, None)
    if one.carried != NONE:
        fund, account = one.carried.fund_fen, one.carried.account_fen
        rows.append(("上期应收结转", *blank, fund, account, fund + account, ""))
    for each in one.kept.adjustments:
        if each.booked:
            fen = SIGN[each.kind] * each.amount_fen
            aside = "" if fen else f"（{yuan_text(each.amount_fen)} 元，不影响应拨）"
            rows.append((KIND_ZH[each.kind], *blank, fen, 0, fen,
                         f"{each.source}{case_text(each)}{aside}"))  # fmt: skip
    return rows


def _funds(found: list[FundMonth]) -> Sheet:
    sources = columns_of_income()
    columns = (
        text("险种", 26), text("基金", 10), text("基金名称", 28), money("期初结余"),
        *(money(zh) for _, zh in sources), money("收入合计"), money("支出"), money("当期结余"),
        text("说明", 22), text("付款单位", 26),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            scheme_name(one.scheme), one.fund, one.name, one.opening_fen,
            *(one.income.get(code) for code, _ in sources), one.income_fen, one.expenditure_fen,
            None if one.income_fen is None else one.income_fen - one.expenditure_fen,
            ONLY_SPENT if one.income_fen is None else "", one.payer,
        )
        for one in found
    ]
    return Sheet(title="基金收支", columns=columns, rows=rows)


def _allotted(found: list[Allotted]) -> Sheet:
    columns = (
        text("来源", 20), text("代码", 16), count("笔数"), money("金额"), money("已扣回"),
        money("应收"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        source = Source(one.source)
        code, zh = NAMES[source]
        took = (one.taken_fen, one.owed_fen) if source.takes else (None, None)
        rows.append((zh, code, one.row_count, one.amount_fen, *took))
    return Sheet(title="个人账户划拨", columns=columns, rows=rows)


def _heading(title: str, told: str, at: datetime) -> Heading:
    made = f"金额单位：元　生成时间 {local_time(at):%Y-%m-%d %H:%M:%S}"
    return Heading(title=title, note=f"{told}　{made}" if told else made, made_at=at)
