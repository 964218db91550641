"""What people read of reimbursements: all that something is waited for, one with its papers and
steps, and what was settled besides. Names and bank accounts are masked."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.books.payout import NONE
from settlement.books.reimbursement import ACT_ZH, BOOKING, STATE_ZH, Act, State, Step
from settlement.clock import local_time
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.reimbursement_books import Found, load, on_one, open_papers, owed_of
from settlement.said import Said
from settlement.storage import reimbursements as store

NEXT_ZH = {
    State.ACCEPTED: "核算", State.CALCULATED: "由另一人复核", State.SETTLED: "提出并下达拨付",
    State.ORDERED: "导入银行回单", State.RETURNED: "更换收款账户后重新下达", State.PAID: "—",
    State.REFUSED: "—", State.CANCELLED: "—",
}  # fmt: skip


class Chosen(Struct, frozen=True, kw_only=True):
    """Which reimbursements somebody asks for."""

    days: int
    """beside those that something is waited for, what was accepted in so many days; of one person
    all"""
    state: State | None = None
    person_no: str | None = None
    as_json: bool = False


async def overview(books: PayoutBooks, chosen: Chosen) -> Said:
    """All of them, by state, with what is next."""
    found = await all_of(books, chosen)
    if chosen.as_json:
        return Said(0, msgspec.json.encode([_as_json(one) for one in found]).decode())
    if not found:
        return Said(0, "没有报销 | there are no reimbursements")
    counts = Counter(one.now.state for one in found)
    lines = [
        f"{STATE_ZH[state]} {counts[state]} 笔；下一步：{NEXT_ZH[state]}"
        for state in State
        if counts[state]
    ]
    lines += [_line(books, one) for one in found]
    for one in await store.reimbursed_twice(books.connection, _since(books, chosen)):
        lines.append(
            f"  重复：{one.institution} 发票 {one.invoice_no} 已报销 {one.number}，机构又联网结算 "
            f"{one.setl_id}，请撤销其一 | reimbursed and settled"
        )
    return Said(0, "\n".join(lines))


async def all_of(books: PayoutBooks, chosen: Chosen) -> list[Found]:
    """Those that somebody asks for, in the order of their numbers."""
    found: list[Found] = []
    if chosen.person_no is not None:
        lane = books.lane_of(chosen.person_no)
        found = await load(
            books, lane,
            await store.numbers_of_person(books.connection, lane, chosen.person_no),
        )  # fmt: skip
    else:
        for lane in range(books.lanes):
            numbers = await store.numbers_of(books.connection, lane, _since(books, chosen))
            found += await load(books, lane, numbers) if numbers else []
    wanted = (one for one in found if chosen.state in (None, one.now.state))
    return sorted(wanted, key=lambda one: one.filed.number)


def _since(books: PayoutBooks, chosen: Chosen) -> datetime:
    return books.moment.at - timedelta(days=chosen.days)


async def show(books: PayoutBooks, number: int) -> Said:
    """One of them: papers, who pays what, steps."""

    async def act(found: Found) -> Said:
        papers, filed, now = open_papers(books, found), found.filed, found.now
        lines = [
            f"{number} {STATE_ZH[now.state]} | {now.state.value}",
            f"  参保人 {_masked(filed.person_no)} {papers.name[:1]}**，"
            f"{books.name_of(filed.institution)}，发票 {filed.invoice_no}",
            f"  {filed.begins_on} 至 {filed.ends_on}，险种 {papers.claim.scheme}，医疗类别 "
            f"{papers.claim.care_type}，明细 {len(papers.claim.lines)} 行，"
            f"{yuan_text(filed.total_fen)} 元",
            f"  收款账户 {papers.pay_to.masked}",
        ]
        if now.settled is not None:
            lines.append(
                f"  应付 {_pair(now.settled)}，不予报销 {yuan_text(now.settled.cash_fen)} 元，"
                f"结算ID {now.settled.entry_id}"
            )
        lines += [_step(step) for step in found.kept.steps]
        return Said(0, "\n".join(lines))

    return await on_one(books, number, act)


def _line(books: PayoutBooks, one: Found) -> str:
    owed = owed_of(one)
    return (
        f"  {one.filed.number} {STATE_ZH[one.now.state]} {_masked(one.filed.person_no)} "
        f"{books.name_of(one.filed.institution)} 发票 {one.filed.invoice_no} "
        f"{yuan_text(one.filed.total_fen)} 元，应付 {yuan_text(owed.total_fen)} 元"
    )


def _step(step: Step) -> str:
    told = [f"  {step.step_no}. {local_time(step.at):%Y-%m-%d %H:%M} {ACT_ZH[step.act]}"]
    if step.amounts != NONE or step.act is Act.CALCULATE:
        told.append(_pair(step))
    told.append(step.actor)
    told += [text for text in (step.reference, step.reason) if text]
    if step.act in BOOKING:
        told.append(f"记账 {step.entry_id}")
    return " ".join(told)


def _pair(step: Step) -> str:
    amounts = step.amounts
    return (
        f"{yuan_text(amounts.total_fen)} 元（基金 {yuan_text(amounts.fund_fen)}、账户 "
        f"{yuan_text(amounts.account_fen)}）"
    )


def _masked(person_no: str) -> str:
    return f"…{person_no[-4:]}"


def _as_json(one: Found) -> dict[str, object]:
    settled, amounts = one.now.settled, owed_of(one)
    return {
        "reimbursement_no": str(one.filed.number), "state": one.now.state.value,
        "person_no": one.filed.person_no, "institution": one.filed.institution,
        "invoice_no": one.filed.invoice_no, "total": yuan_text(one.filed.total_fen),
        "begins_on": str(one.filed.begins_on), "ends_on": str(one.filed.ends_on),
        "fund": yuan_text(amounts.fund_fen), "account": yuan_text(amounts.account_fen),
        "settlement_id": "" if settled is None else str(settled.entry_id),
        "entered_by": one.now.entered_by,
    }  # fmt: skip
