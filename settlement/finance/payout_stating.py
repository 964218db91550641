"""Stating a period: what the settlement rows of its business days owe every institution.

Rows are immutable once their business days are over, so a statement is their sums, and they are
found again by institution and day. What the sums come to is held against the ledger's payables at
the end of the last day; an institution whose books say something else is named and not stated. What
funds that somebody else owes paid in the period is booked as owed by them (fund_dues.py).
"""

from __future__ import annotations

from datetime import date

from msgspec import structs

from ledger.money import yuan_text
from settlement.books.clearing import SETTLED_LATE
from settlement.books.payout import NONE, Act, Amounts
from settlement.books.payout_rules import last_of_period
from settlement.finance.fund_dues import book_dues
from settlement.finance.payout_books import PayoutBooks, in_lane
from settlement.finance.payout_periods import (
    ONE_DAY,
    PERIODS_MAX,
    Change,
    Outcome,
    apply,
    last_on,
    load,
    owed_by,
    period_text,
    refused,
)
from settlement.lanes import lane_of
from settlement.said import Said
from settlement.storage import payouts as store
from settlement.storage.payouts import Balances, Line
from settlement.who import Who

Lines = dict[str, list[Line]]


async def state(books: PayoutBooks, first_on: date, who: Who) -> Said:
    """State a period for every institution that is owed something, or owes something."""
    last = await last_on(books, first_on)
    if isinstance(last, Said):
        return last
    name = period_text(first_on, books.rules.cycle)
    if not is_over_day(books, last):
        return Said(
            1,
            f"{name} 尚未结束（最后一日结束后十分钟起可核定）| the period is not over: it can be "
            "stated ten minutes after its end",
        )
    gap = await _gap(books, first_on)
    if gap is not None:
        return gap
    lines = await sums_of(books, first_on, last)
    for one in await store.carried_at_cut_over(books.connection, last):
        lines.setdefault(one.institution, []).append(one)
    said = await _state_all(books, first_on, last, lines, who)
    due = await book_dues(books, first_on, last, who)
    return Said(said.status or due.status, "\n".join(filter(None, (said.text, due.text))))


async def sums_of(books: PayoutBooks, first_on: date, last: date) -> Lines:
    """What the rows of all lanes come to, by institution; each lane is one short statement."""
    found: dict[tuple[str, str, str, str], Line] = {}
    lanes = await store.lanes(books.connection)
    for place, lane in enumerate(lanes, 1):
        books.tell(place, len(lanes))
        for line in await store.sums_of_lane(books.connection, lane, first_on, last):
            key = (line.institution, line.clearing_type, line.scheme, line.category)
            known = found.get(key)
            found[key] = line if known is None else added(known, line)
    lines: Lines = {}
    for line in found.values():
        lines.setdefault(line.institution, []).append(line)
    return lines


def added(one: Line, other: Line) -> Line:
    """Two lines of one kind as one."""
    return structs.replace(
        one, settled=one.settled + other.settled, cancelled=one.cancelled + other.cancelled,
        reversed=one.reversed + other.reversed, total_fen=one.total_fen + other.total_fen,
        fund_fen=one.fund_fen + other.fund_fen, account_fen=one.account_fen + other.account_fen,
    )  # fmt: skip


def is_over_day(books: PayoutBooks, last: date) -> bool:
    """Whether nothing of a business day is still on its way."""
    return (books.moment.local - SETTLED_LATE).date() > last


async def _gap(books: PayoutBooks, first_on: date) -> Said | None:
    """Periods follow each other without a gap, from the first day of the books on."""
    stated = await store.periods(books.connection, PERIODS_MAX)
    if stated:
        last = stated[0][1]
        if last + ONE_DAY == first_on or any(first == first_on for first, _ in stated):
            return None
        after = period_text(last + ONE_DAY, books.rules.cycle)
        return Said(1, f"应先核定 {after} | {after} comes first: periods follow each other")
    begun = await store.first_business_day(books.connection)
    if begun is None or begun >= first_on:
        return None
    first = begun.replace(day=1) if last_of_period(begun, books.rules.cycle) is None else begun
    text = period_text(first, books.rules.cycle)
    return Said(1, f"应先核定 {text}：账自 {begun} 开始 | {text} comes first: the books begin then")


async def _state_all(
    books: PayoutBooks, first_on: date, last: date, lines: Lines, who: Who
) -> Said:
    await store.keep_period(
        books.connection, lane_of(f"{first_on}", books.lanes), first_on, last, at=books.moment.at,
        actor=who.actor, reason=who.reason,
    )  # fmt: skip
    ledger = await store.ledger_at(books.connection, last)
    expected = await store.expected_at(books.connection, last)
    codes = [
        code for code in books.institutions
        if code in lines or _is_open(ledger.get(code))
    ]  # fmt: skip
    outcome, known = Outcome(refused=[]), 0
    for lane, some in books.by_lane(codes):
        there = await store.institutions_of(books.connection, lane, first_on)
        known += len(there)
        new = [code for code in some if code not in there]
        good = []
        for code in new:
            owed = expected.get(code, NONE) + owed_by(lines.get(code, ()))
            differs = _differs(books, code, owed, ledger.get(code))
            if differs is None:
                good.append(code)
            else:
                outcome.refused.append(differs)

        async def once(lane: int = lane, good: list[str] = good) -> Said:
            return await _state_lane(books, lane, good, first_on, last, lines, who, outcome)

        said = await in_lane(books, lane, once)
        if said.status:
            return said
    again = f"；另有 {known} 家先前已核定，未再改动" if known else ""
    name = period_text(first_on, books.rules.cycle)
    return outcome.said(f"{name} 已核定{again}：", "stated")


async def _state_lane(
    books: PayoutBooks, lane: int, codes: list[str], first_on: date, last: date, lines: Lines,
    who: Who, outcome: Outcome,
) -> Said:  # fmt: skip
    found = await load(books, lane, codes, first_on, last)
    for one in found:
        no = refused(books, one, Act.STATE)
        if no is not None:
            return Said(1, no)
    if not found:
        return Said(0, "")
    flat = [line for code in codes for line in lines.get(code, ())]
    await store.keep_lines(books.connection, lane, first_on, last, flat)
    changes = [
        Change(found=one, amounts=owed_by(lines.get(one.institution, ()))) for one in found
    ]
    await apply(books, lane, Act.STATE, who, changes)
    for change in changes:
        outcome.add(change.amounts)
    return Said(0, "")


def _is_open(balances: Balances | None) -> bool:
    return balances is not None and (
        balances.payable != NONE or bool(balances.deposit_fen) or bool(balances.prepaid_fen)
    )


def _differs(
    books: PayoutBooks, code: str, owed: Amounts, balances: Balances | None
) -> str | None:
    """What the ledger says otherwise."""
    payable = NONE if balances is None else balances.payable
    if payable == owed:
        return None
    return (
        f"{books.name_of(code)} 账面应付 {_pair(payable)}，明细应为 {_pair(owed)}，未核定，请核查 "
        "| the ledger has another payable: not stated"
    )


def _pair(amounts: Amounts) -> str:
    return f"基金 {yuan_text(amounts.fund_fen)}、账户 {yuan_text(amounts.account_fen)} 元"
