"""What people read of payouts: the period at a glance, one institution's steps and sums, its notice
of payment (拨付通知), and vouchers for the agency's accounting system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from ledger.money import yuan_text
from settlement.books.payout import (
    ACT_ZH,
    KIND_ZH,
    NONE,
    SIGN,
    STATE_ZH,
    Adjustment,
    State,
    case_text,
)
from settlement.books.payout_files import Posted, UnbalancedError, sheet_text, vouchers_text
from settlement.chart import EntryCode
from settlement.clock import local_time
from settlement.finance.fund_payer_reports import lines_of_period
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_paying import Chosen, written
from settlement.finance.payout_periods import (
    Found,
    amounts_text,
    on_periods,
    period_text,
)
from settlement.said import UNUSABLE, Said
from settlement.storage import payouts as store
from settlement.storage.lease import PlainConnection

NOTICE_COLUMNS = (
    "机构编码", "机构名称", "拨付期", "项目", "清算类别", "险种", "人员类别", "结算笔数",
    "撤销笔数", "冲正笔数", "医疗费总额", "基金", "个人账户", "合计", "依据",
)  # fmt: skip
NEXT_ZH = {
    State.STATED: "导入扣款等调整，或确认", State.ADJUSTED: "继续调整，或确认",
    State.CONFIRMED: "提出并下达拨付；不足一分的关闭", State.ORDERED: "导入银行回单",
    State.PAID: "关闭", State.RETURNED: "更正收款账户后重新下达", State.CLOSED: "—",
}  # fmt: skip
SUMMARY = {
    EntryCode.SETTLEMENT: "医疗费结算", EntryCode.CANCEL: "结算撤销",
    EntryCode.REVERSAL: "结算冲正",
    EntryCode.FAMILY_PAID: "家庭共济支付", EntryCode.FAMILY_RETURNED: "家庭共济退回",
    EntryCode.ACCOUNT_CONTRIBUTION: "个人账户划入", EntryCode.PAYABLE_CARRIED: "期初应付",
    EntryCode.TREATED_ELSEWHERE: "异地就医支付", EntryCode.REGION_CLEARED: "异地清算",
    EntryCode.REGION_PREPAID: "异地预付金", EntryCode.PAYOUT_DEDUCTED: "审核扣款",
    EntryCode.QUALITY_DEPOSIT: "质保金预留", EntryCode.QUALITY_DEPOSIT_ENDED: "质保金返还",
    EntryCode.INSTITUTION_PREPAID: "预付定点机构", EntryCode.PREPAYMENT_USED: "预付抵扣",
    EntryCode.PAYMENT_METHOD_DIFFERENCE: "支付方式差额", EntryCode.PAYOUT_ORDERED: "下达拨付",
    EntryCode.PAYOUT_PAID: "拨付付讫", EntryCode.PAYOUT_RETURNED: "拨付退汇",
    EntryCode.INSTITUTION_REPAID: "机构欠款缴回",
    EntryCode.REIMBURSED: "手工报销", EntryCode.REIMBURSEMENT_ORDERED: "下达报销款",
    EntryCode.REIMBURSEMENT_PAID: "报销款付讫", EntryCode.REIMBURSEMENT_RETURNED: "报销款退汇",
    EntryCode.FUND_INCOME: "基金收入", EntryCode.ACCOUNTS_MOVED: "个人账户划拨",
    EntryCode.FUND_PAYER_OWES: "应由付款单位承担", EntryCode.FUND_PAYER_PAID: "付款单位拨入",
}  # fmt: skip
"""What an entry is for, as vouchers say; others by their name."""
Make = Callable[[PayoutBooks, Found], bytes]
"""Makes a notice as a workbook."""


async def all_of(books: PayoutBooks, chosen: Chosen) -> list[Found] | Said:
    """The periods that a command is about, in the order of their institutions."""
    periods: list[Found] = []

    async def act(lane: int, found: list[Found]) -> Said:
        periods.extend(found)
        return Said(0, "")

    no = await on_periods(books, chosen.first_on, chosen.institution, act)
    return no or sorted(periods, key=lambda one: one.institution)


async def overview(books: PayoutBooks, first_on: date, *, as_json: bool) -> Said:
    """Everybody's period: states, sums, and what is next."""
    found = await all_of(books, Chosen(first_on=first_on, institution=None))
    if isinstance(found, Said):
        return found
    if as_json:
        return Said(0, msgspec.json.encode([_as_json(one) for one in found]).decode())
    counts = Counter(one.now.state for one in found)
    owed = sum((one.owed for one in found), start=NONE)
    due = sum((one.due for one in found), start=NONE)
    name = period_text(first_on, books.rules.cycle)
    lines = [
        f"{name} 拨付：{len(found)} 家机构，应付 {amounts_text(owed)}，调整和结转后应拨 "
        f"{yuan_text(due.total_fen)} 元",
        *(
            f"  {STATE_ZH[state]} {counts[state]} 家；下一步：{NEXT_ZH[state]}"
            for state in State
            if counts[state]
        ),
    ]
    lines += await lines_of_period(books, first_on)
    lines += [_line(books, one) for one in found]
    return Said(0, "\n".join(lines))


async def show(books: PayoutBooks, chosen: Chosen) -> Said:
    """One institution's period: how the payment is made up, and its steps."""
    found = await all_of(books, chosen)
    if isinstance(found, Said):
        return found
    one = found[0]
    name = period_text(chosen.first_on, books.rules.cycle)
    lines = [
        f"{name} {books.name_of(one.institution)}：{STATE_ZH[one.now.state]} | "
        f"{one.now.state.value}",
        f"  应付 {amounts_text(one.owed)}",
    ]
    if one.carried != NONE:
        lines.append(f"  上期应收结转 {amounts_text(one.carried)}")
    lines += [f"  {_adjustment(each)}" for each in one.kept.adjustments]
    lines.append(f"  应拨 {amounts_text(one.due)}")
    for step in one.kept.steps:
        entry = "" if step.entry_id is None else f" 记账 {step.entry_id}"
        lines.append(
            f"  {step.step_no}. {local_time(step.at):%Y-%m-%d %H:%M} {ACT_ZH[step.act]} "
            f"{yuan_text(step.amounts.total_fen)} 元 {step.actor} {step.reference} "
            f"{step.reason}{entry}"
        )
    return Said(0, "\n".join(lines))


async def notices(
    books: PayoutBooks, chosen: Chosen, out: Path, *, make: Make | None = None
) -> Said:
    """Notices of payment as CSV, or as workbooks, one file an institution, of periods that were
    confirmed."""
    found = await all_of(books, chosen)
    if isinstance(found, Said):
        return found
    ready = [one for one in found if one.now.confirmed is not None]
    if not ready:
        return Said(1, "尚未确认，没有拨付通知 | nothing is confirmed: there is no notice")
    made, ending = (notice_bytes, "csv") if make is None else (make, "xlsx")
    paths = [
        written(out / f"notice-{one.institution}-{chosen.first_on:%Y%m%d}.{ending}",
                made(books, one))
        for one in ready
    ]  # fmt: skip
    shown = "\n".join(f"  {path}" for path in paths[:10])
    return Said(0, f"拨付通知 {len(paths)} 份 | notices written\n{shown}")


def notice_bytes(books: PayoutBooks, one: Found) -> bytes:
    """A notice as a file of CSV."""
    return ("\ufeff" + notice_text(books, one)).encode()


def notice_text(books: PayoutBooks, one: Found) -> str:
    """A notice: rows by clearing type, scheme and person type, every adjustment, and the sum."""
    known = books.institutions[one.institution]
    head = (one.institution, known.name, period_text(one.period.first_on, books.rules.cycle))
    rows: list[tuple[str, ...]] = [NOTICE_COLUMNS]
    for line in one.kept.lines:
        rows.append((
            *head, "结算" if line.clearing_type else "期初应付", line.clearing_type, line.scheme,
            line.category, str(line.settled), str(line.cancelled), str(line.reversed),
            yuan_text(line.total_fen), yuan_text(line.fund_fen), yuan_text(line.account_fen),
            yuan_text(line.fund_fen + line.account_fen), "",
        ))  # fmt: skip
    blank = ("",) * 7
    if one.carried != NONE:
        rows.append((*head, "上期应收结转", *blank, *_three(one.carried.fund_fen,
                                                     one.carried.account_fen), ""))  # fmt: skip
    for each in one.kept.adjustments:
        if each.booked:
            fen = SIGN[each.kind] * each.amount_fen
            told = _three(fen, 0) if fen else (f"（{yuan_text(each.amount_fen)}）", "", "0.00")
            rows.append((*head, KIND_ZH[each.kind], *blank, *told,
                         f"{each.source}{case_text(each)}"))  # fmt: skip
    rows.append((*head, "应拨合计", *blank, *_three(one.due.fund_fen, one.due.account_fen), ""))
    return sheet_text(rows)


async def vouchers(books: PayoutBooks, first_on: date, last: date, out: Path) -> Said:
    """Vouchers of business days as CSV: what the entries of each day and kind come to in the
    agency's book."""
    try:
        text, total, count = await voucher_text(books.connection, first_on, last)
    except UnbalancedError as exc:
        return Said(UNUSABLE, f"凭证借贷不平，未写出，请运行 settlement verify | unbalanced: {exc}")
    written(out, "\ufeff" + text)
    return Said(
        0,
        f"{first_on} 至 {last} 凭证 {count} 张，借贷各 {yuan_text(total)} 元：{out} | vouchers "
        "written",
    )


async def voucher_text(
    connection: PlainConnection, first_on: date, last: date
) -> tuple[str, int, int]:
    """Vouchers of business days: the CSV, what each side comes to, and how many they are. Raises
    UnbalancedError."""
    sums: dict[tuple[date, int, str], Posted] = {}
    for journal, day, first, final in await store.voucher_pieces(connection, first_on, last):
        for one in await store.moved(connection, journal, first, final, day):
            key = (day, one.code, one.account_code)
            known = sums.get(key)
            sums[key] = Posted(
                day=day, code=one.code, summary=_summary(one.code),
                account_code=one.account_code, account_name=one.name,
                debit_fen=one.debits_fen + (0 if known is None else known.debit_fen),
                credit_fen=one.credits_fen + (0 if known is None else known.credit_fen),
            )  # fmt: skip
    text = vouchers_text(list(sums.values()))
    total = sum(one.debit_fen for one in sums.values())
    return text, total, len({(day, code) for day, code, _ in sums})


def _summary(code: int) -> str:
    try:
        known = EntryCode(code)
    except ValueError:
        return f"业务类型 {code}"
    return SUMMARY.get(known, known.name.lower())


def _three(fund_fen: int, account_fen: int) -> tuple[str, str, str]:
    return yuan_text(fund_fen), yuan_text(account_fen), yuan_text(fund_fen + account_fen)


def _line(books: PayoutBooks, one: Found) -> str:
    waits = ""
    if one.proposals:
        waits = f"，{len(one.proposals)} 笔调整待另一人确认"
    elif one.now.proposal is not None:
        waits = f"，{one.now.proposal.actor} 已提出拨付，待另一人下达"
    return (
        f"  {books.name_of(one.institution)} {STATE_ZH[one.now.state]}：应付 "
        f"{yuan_text(one.owed.total_fen)}，应拨 {yuan_text(one.due.total_fen)} 元{waits}"
    )


def _adjustment(one: Adjustment) -> str:
    sign = {1: "+", -1: "-", 0: "±"}[SIGN[one.kind]]
    ended = (
        "待另一人确认" if one.is_open
        else f"{one.ended_by} 确认，记账 {one.entry_id}" if one.booked
        else f"{one.ended_by} 撤回"
    )  # fmt: skip
    return (
        f"第 {one.number} 笔 {KIND_ZH[one.kind]} {sign}{yuan_text(one.amount_fen)} 元 {one.source} "
        f"{one.note}{case_text(one)}（{one.proposed_by} 提出，{ended}）"
    )


def _as_json(one: Found) -> dict[str, str | int]:
    return {
        "institution": one.institution, "state": one.now.state.value,
        "owed": yuan_text(one.owed.total_fen), "carried": yuan_text(one.carried.total_fen),
        "due": yuan_text(one.due.total_fen), "open_adjustments": len(one.proposals),
        "order": "" if one.now.order is None else one.now.order.reference,
    }  # fmt: skip
