"""Confirming what is paid, ordering it from the bank, and closing.

An order is proposed by one person and given by another; the second one's act books it and writes
the bank's files. An institution without a confirmed bank account is named and not ordered.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

from settlement.bank_account import BankAccount
from settlement.books.payout import NONE, Act, Amounts, State, order_no, order_transfers
from settlement.books.payout_files import Order, bank_files
from settlement.chart import EntryCode
from settlement.finance.payout_accounts import account_at, holdings
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_periods import (
    Change,
    Found,
    OnLane,
    Outcome,
    apply,
    on_periods,
    period_text,
    refused,
)
from settlement.said import Said
from settlement.who import Who

_STILL_OPEN = "尚有待另一人确认的调整 | proposed adjustments are open: confirm or withdraw them"


class Chosen(Struct, frozen=True, kw_only=True):
    """Which periods a command is about."""

    first_on: date
    institution: str | None
    """None: everybody's"""


async def confirm(books: PayoutBooks, chosen: Chosen, who: Who) -> Said:
    """What is to be paid is fixed."""
    outcome = Outcome(refused=[])

    async def act(lane: int, found: list[Found]) -> Said:
        changes = []
        for one in _takers(books, found, Act.CONFIRM, chosen, outcome):
            if one.kept.before and not any(
                step.act is Act.CONFIRM for step in one.kept.before
            ):
                name = books.name_of(one.institution)
                outcome.refused.append(f"{name} 上一期尚未确认 | the period before comes first")
            elif one.proposals:
                outcome.refused.append(f"{books.name_of(one.institution)} {_STILL_OPEN}")
            else:
                changes.append(Change(found=one, amounts=one.due))
        await apply(books, lane, Act.CONFIRM, who, changes)
        return _add(outcome, changes)

    return await _told(books, chosen, act, outcome, "已确认 ", "confirmed")


async def propose(books: PayoutBooks, chosen: Chosen, who: Who) -> Said:
    """One person proposes to pay."""
    outcome = Outcome(refused=[])

    async def act(lane: int, found: list[Found]) -> Said:
        changes = [
            Change(found=one, amounts=_confirmed(one))
            for one in _takers(books, found, Act.PROPOSE, chosen, outcome)
            if one.now.proposal is None
        ]
        await apply(books, lane, Act.PROPOSE, who, changes)
        return _add(outcome, changes)

    what = f"由 {who.actor} 提出拨付，尚待另一人以 --confirm 下达："
    return await _told(books, chosen, act, outcome, what, "proposed, not booked")


async def order(books: PayoutBooks, chosen: Chosen, who: Who, out: Path | None) -> Said:
    """Another person gives the order: it is booked, and the bank's files are written, where
    somebody says whereto."""
    outcome, orders = Outcome(refused=[]), list[Order]()

    async def act(lane: int, found: list[Found]) -> Said:
        ready = [
            one for one in _takers(books, found, Act.ORDER, chosen, outcome)
            if _is_proposed(books, one, who, chosen, outcome)
        ]  # fmt: skip
        held = await holdings(books, lane, [one.institution for one in ready])
        changes = []
        for one in ready:
            holding = held.get(one.institution)
            if holding is None:
                name = books.name_of(one.institution)
                outcome.refused.append(f"{name} 没有生效的收款账户 | no bank account in force")
                continue
            changes.append(_order(books, one, holding.step_no))
            orders.append(_line(books, changes[-1], holding.account, books.moment.at))
        await apply(books, lane, Act.ORDER, who, changes)
        return _add(outcome, changes)

    said = await _told(books, chosen, act, outcome, f"由 {who.actor} 下达拨付 ", "ordered")
    return _with_files(said, books, chosen, orders, out)


async def write_orders(books: PayoutBooks, chosen: Chosen, out: Path) -> Said:
    """The bank's files of what is ordered and neither paid nor returned, once more."""
    orders = await under_way(books, chosen)
    if isinstance(orders, Said):
        return orders
    if not orders:
        return Said(0, "没有在途的拨付 | nothing is under way")
    return _with_files(Said(0, f"在途 {len(orders)} 笔"), books, chosen, orders, out)


async def under_way(books: PayoutBooks, chosen: Chosen) -> list[Order] | Said:
    """Orders that are neither paid nor returned."""
    orders: list[Order] = []

    async def act(lane: int, found: list[Found]) -> Said:
        for one in found:
            step = one.now.order
            if one.now.state is State.ORDERED and step is not None:
                account = await account_at(books, one.institution, step.bank_account)
                change = Change(found=one, amounts=step.amounts, reference=step.reference)
                orders.append(_line(books, change, account, step.at))
        return Said(0, "")

    no = await on_periods(books, chosen.first_on, chosen.institution, act)
    return no or orders


async def close(books: PayoutBooks, chosen: Chosen, who: Who) -> Said:
    """Periods are closed: nothing changes them any more, unless the bank sends a payment back."""
    outcome = Outcome(refused=[])

    async def act(lane: int, found: list[Found]) -> Said:
        changes = [
            Change(found=one, amounts=_confirmed(one))
            for one in _takers(books, found, Act.CLOSE, chosen, outcome)
        ]
        await apply(books, lane, Act.CLOSE, who, changes)
        return _add(outcome, changes)

    return await _told(books, chosen, act, outcome, "已关闭 ", "closed")


def written(path: Path, content: str | bytes) -> Path:
    """A file in a folder that is there afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _takers(
    books: PayoutBooks, found: list[Found], act: Act, chosen: Chosen, outcome: Outcome
) -> list[Found]:
    """Those that take an act. Where everybody is asked, those that are past it or not yet there
    are passed over; the one that is named is refused with the reason."""
    takers = []
    for one in found:
        no = refused(books, one, act)
        if no is None:
            takers.append(one)
        elif chosen.institution is not None:
            outcome.refused.append(no)
    return takers


def _is_proposed(
    books: PayoutBooks, one: Found, who: Who, chosen: Chosen, outcome: Outcome
) -> bool:
    proposal = one.now.proposal
    name = books.name_of(one.institution)
    if proposal is None:
        if chosen.institution is not None:
            outcome.refused.append(f"{name} 尚无人提出 | nobody has proposed it yet")
        return False
    if who.is_also(proposal.actor):
        outcome.refused.append(
            f"{name} 须由 {proposal.actor} 以外的人下达 | somebody other than {proposal.actor} "
            "must order"
        )
        return False
    return True


def _order(books: PayoutBooks, one: Found, bank_account: int) -> Change:
    amounts = _confirmed(one)
    return Change(
        found=one, amounts=amounts, reference=order_no(one.period, one.now.orders),
        bank_account=bank_account, code=EntryCode.PAYOUT_ORDERED,
        transfers=order_transfers(amounts, books.base_of(one.institution)),
    )  # fmt: skip


def _confirmed(one: Found) -> Amounts:
    return NONE if one.now.confirmed is None else one.now.confirmed.amounts


def _line(books: PayoutBooks, change: Change, account: BankAccount, at: datetime) -> Order:
    name = period_text(change.found.period.first_on, books.rules.cycle)
    return Order(
        order_no=change.reference, name=account.name, account=account.account,
        bank=account.bank, amount_fen=change.amounts.total_fen, purpose=f"医保拨付 {name}",
        ordered_at=at,
    )  # fmt: skip


def _with_files(
    said: Said, books: PayoutBooks, chosen: Chosen, orders: list[Order], out: Path | None
) -> Said:
    """The files written; without orders there is none."""
    if not orders or out is None:
        return said
    stem = f"payout-{chosen.first_on:%Y%m%d}"
    lines = [said.text]
    for name, text, totals in bank_files(orders, books.rules, stem):
        lines.append(f"  {written(out / name, text)}：{totals}")
    return Said(said.status, "\n".join(lines))


def _add(outcome: Outcome, changes: list[Change]) -> Said:
    for one in changes:
        outcome.add(one.amounts)
    return Said(0, "")


async def _told(
    books: PayoutBooks, chosen: Chosen, act: OnLane, outcome: Outcome, what: str, en: str
) -> Said:
    no = await on_periods(books, chosen.first_on, chosen.institution, act)
    return no or outcome.said(
        f"{period_text(chosen.first_on, books.rules.cycle)} {what}", en
    )
