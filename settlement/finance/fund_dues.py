"""Booking what payers of funds owe (应收付款单位), when a period of payouts is stated.

Rows of a period that is over do not change, so what a fund paid in it is their sum. It is held
against the fund's account in the ledger; a fund whose ledger says something else is named and not
booked. A fund's period is due once: stated again, nothing more is booked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct

from ledger.account import Balance
from ledger.money import yuan_text
from settlement import chart
from settlement.books.fund_payers import (
    Claims,
    Due,
    FundPayer,
    due_commitment,
    due_transfers,
    merged,
    other_payer,
    sum_of,
)
from settlement.chart import EntryCode
from settlement.finance.payout_books import PayoutBooks, SomebodyElseError, in_lane
from settlement.said import Said
from settlement.storage import fund_payers as store
from settlement.storage import past, payouts
from settlement.storage.bookkeeping import single
from settlement.storage.fund_payers import Span
from settlement.storage.reference_import import open_accounts
from settlement.who import Who

LOCK_CLASS = 0x5E7746
"""The first half of the keys of the funds' locks."""
_DAY = timedelta(days=1)


class Ready(Struct, frozen=True, kw_only=True):
    """A due that is to be booked."""

    payer: FundPayer
    claims: list[Claims]


async def book_dues(books: PayoutBooks, first_on: date, last: date, who: Who) -> Said:
    """What every payer owes for a period, booked; no text where nobody owes anything for it."""
    payers = list(books.policies.fund_payers(books.region).values())
    if not payers:
        return Said(0, "")
    known = await store.dues(books.connection)
    there = {one.fund: one for one in known if one.first_on == first_on}
    new = [one for one in payers if one.fund not in there]
    lines = [f"{_told(one)}，先前已记应收 | booked before" for one in there.values()]
    status = 0
    lanes = await payouts.lanes(books.connection) if new else []
    found = await store.claims_of(
        books.connection, lanes, [Span(one.ledger_code, first_on, last) for one in new]
    )
    for payer, claims in zip(new, found, strict=True):
        ready = Ready(payer=payer, claims=merged(claims))
        no = await _refused(books, ready, first_on, last, known)
        if no is not None:
            status = 1
            lines.append(no)
        elif ready.claims:
            said = await _book(books, ready, first_on, last, who)
            status = status or said.status
            lines.append(said.text)
    return Said(status, "\n".join(f"  {line}" for line in lines))


async def _refused(
    books: PayoutBooks, ready: Ready, first_on: date, last: date, known: Sequence[Due]
) -> str | None:
    """Why a due is not booked; None where it may be."""
    payer, fen = ready.payer, sum_of(ready.claims)
    moved = await _moved_fen(books, payer.ledger_code, first_on, last)
    if moved != fen:
        return (
            f"{payer.fund_name} 账面支出 {yuan_text(moved)} 元，明细应为 {yuan_text(fen)} 元，"
            "未记应收，请核查 | the ledger has another expenditure: not booked"
        )
    if not ready.claims:
        return None
    owed = await store.owed_fen(books.connection, payer.ledger_code)
    other = other_payer(payer, [one for one in known if one.fund == payer.fund], owed)
    if other is None:
        return None
    return (
        f"{payer.fund_name} 尚有 {other} 的余额 {yuan_text(owed)} 元，结清后才能记 {payer.name} 的"
        "应收 | the payer before has a balance: not booked"
    )


async def _moved_fen(books: PayoutBooks, ledger_code: int, first_on: date, last: date) -> int:
    account = chart.fund_account(ledger_code)
    fen = []
    for day in (first_on - _DAY, last):
        sums = await past.sums_at(books.connection, day=day, account=account)
        fen.append(_debit_fen(sums, account))
    return fen[1] - fen[0]


def _debit_fen(sums: Mapping[int, Balance], account: int) -> int:
    found = sums.get(account, Balance())
    return found.debits_fen - found.credits_fen


async def _book(
    books: PayoutBooks, ready: Ready, first_on: date, last: date, who: Who
) -> Said:
    payer, fen = ready.payer, sum_of(ready.claims)
    lane = books.lane_of(payer.fund)
    due = Due(
        lane=lane, first_on=first_on, last_on=last, fund=payer.fund,
        ledger_code=payer.ledger_code, payer=payer.code, payer_name=payer.name, amount_fen=fen,
        booked_on=books.moment.business_day, actor=who.actor,
        entry_id=books.number(lane) if fen else None,
    )  # fmt: skip

    async def once() -> Said:
        kept = await store.keep_due(
            books.connection, due, ready.claims, at=books.moment.at, reason=who.reason
        )
        if not kept:
            raise SomebodyElseError
        await _append(books, due, ready)
        return Said(0, f"{_told(due)}，已记应收 | owed by the fund's payer, booked")

    return await in_lane(books, lane, once, lock_class=LOCK_CLASS)


async def _append(books: PayoutBooks, due: Due, ready: Ready) -> None:
    if due.entry_id is None:
        return
    fund = {due.ledger_code: ready.payer.fund_name}
    await open_accounts(
        books.connection, [*chart.payer_accounts(fund), *chart.income_accounts(fund)]
    )
    entry = single(
        due.lane, due.entry_id, EntryCode.FUND_PAYER_OWES,
        due_transfers(due.ledger_code, due.amount_fen), due_commitment(due, ready.claims),
    )  # fmt: skip
    await books.append(due.lane, [entry])


def _told(due: Due) -> str:
    return f"{due.payer_name} 应承担 {due.fund} {yuan_text(due.amount_fen)} 元"
