"""Paying persons (报销款拨付): orders of two people as files for the bank, and what the bank says.

As institutions are paid (payout_paying, payout_bank), in the same files; an order is one
reimbursement. Whoever entered the bank account does not give the order.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from msgspec import Struct, structs

from ledger.money import yuan_text
from settlement.books.payout import Amounts
from settlement.books.payout_files import Order, bank_files
from settlement.books.payout_intake import BankRow
from settlement.books.reimbursement import (
    Act,
    State,
    Step,
    number_in,
    order_no,
    order_transfers,
    paid_transfers,
    returned_transfers,
)
from settlement.chart import EntryCode
from settlement.finance.payout_bank import (
    BOOKED,
    READ,
    Statement,
    file_refused,
    file_text,
    row_fault,
)
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_paying import written
from settlement.finance.reimbursement_books import (
    Found,
    book_step,
    keep,
    load,
    open_papers,
    owed_of,
    refused,
    step_of,
    under_lock,
)
from settlement.lanes import lane_of
from settlement.numbers import lane_in
from settlement.said import Said
from settlement.storage import payouts as files
from settlement.storage import reimbursements as store
from settlement.storage.payouts import FileStep
from settlement.who import Who

OnLane = Callable[[list[Found]], Coroutine[None, None, Said]]


class Sums(Struct):
    """What an act on many came to, and who was refused."""

    count: int = 0
    fen: int = 0
    refused: list[str] = []

    def add(self, amounts: Amounts) -> None:
        """One more."""
        self.count += 1
        self.fen += amounts.total_fen

    def said(self, what: str, en: str) -> Said:
        """For whoever typed the command; nobody at all is a refusal."""
        lines = [f"{what} {self.count} 笔，{yuan_text(self.fen)} 元 | {en}", *self.refused]
        return Said(1 if self.refused or not self.count else 0, "\n".join(lines))


async def propose(books: PayoutBooks, number: int | None, who: Who) -> Said:
    """One person proposes to pay what is owed."""
    sums = Sums()

    async def act(some: list[Found]) -> Said:
        for found in some:
            if found.now.proposal is None and _takes(found, Act.PROPOSE, number, sums):
                step = structs.replace(
                    step_of(books, found, Act.PROPOSE, who), amounts=owed_of(found)
                )
                await keep(books, found.filed, step)
                sums.add(step.amounts)
        return Said(0, "")

    no = await _on_waiting(books, number, act)
    return no or sums.said(
        f"由 {who.actor} 提出拨付，尚待另一人以 --confirm 下达", "proposed, not booked"
    )


async def order(books: PayoutBooks, number: int | None, who: Who, out: Path | None) -> Said:
    """Another person gives the orders: they are booked, and the bank's files are written into a
    folder, or later, when somebody fetches them."""
    sums, orders = Sums(), list[Order]()

    async def act(some: list[Found]) -> Said:
        for found in some:
            proposal = _proposed(found, who, number, sums)
            if proposal is None:
                continue
            step = structs.replace(
                step_of(books, found, Act.ORDER, who), amounts=owed_of(found), proposer=proposal,
                reference=order_no(found.filed.number, found.now.orders),
            )  # fmt: skip
            await book_step(
                books, found.filed, step, EntryCode.REIMBURSEMENT_ORDERED,
                order_transfers(step.amounts),
            )  # fmt: skip
            sums.add(step.amounts)
            orders.append(_line(books, found, step))
        return Said(0, "")

    no = await _on_waiting(books, number, act)
    return no or _with_files(sums.said(f"由 {who.actor} 下达拨付", "ordered"), books, orders, out)


async def write_orders(books: PayoutBooks, number: int | None, out: Path) -> Said:
    """The bank's files of what is ordered and neither paid nor returned, once more."""
    orders = await under_way(books, number)
    if isinstance(orders, Said):
        return orders
    if not orders:
        return Said(0, "没有在途的报销款 | nothing is under way")
    return _with_files(Said(0, f"在途 {len(orders)} 笔"), books, orders, out)


async def under_way(books: PayoutBooks, number: int | None) -> list[Order] | Said:
    """Orders that are neither paid nor returned."""
    orders: list[Order] = []

    async def act(some: list[Found]) -> Said:
        for found in some:
            step = found.now.order
            if found.now.state is State.ORDERED and step is not None:
                orders.append(_line(books, found, step))
        return Said(0, "")

    no = await _on_waiting(books, number, act)
    return no or orders


async def take(books: PayoutBooks, statement: Statement, who: Who, *, confirm: bool) -> Said:
    """Read a bank statement in, or book one that somebody else has read in."""
    file_lane = lane_of(statement.digest.hex(), books.lanes)
    kept = await files.file_steps(books.connection, file_lane, statement.digest)
    steps = {one.act: one for one in kept}
    no = file_refused(steps, who, confirm=confirm)
    if no is not None:
        return no
    # What was paid and came back in one file is booked in that order.
    rows = sorted(statement.rows, key=lambda each: not each.paid)
    found = await _found_of(books, rows)
    faults, fresh = list[str](), list[BankRow]()
    for row in rows:
        one = found.get(number_in(row.order_no) or 0)
        if one is not None and _is_known(one, row):
            continue
        fault = _objection(one, row, fresh)
        if fault is None:
            fresh.append(row)
        else:
            faults.append(fault)
    if faults:
        return Said(1, "\n".join([f"{statement.name} 未入账 | nothing was booked:", *faults]))
    said = await _book(books, fresh, who) if confirm else None
    if said is not None:
        return said
    step = FileStep(
        act=BOOKED if confirm else READ, actor=who.actor, row_count=len(rows),
        sum_fen=sum(row.amount_fen for row in rows),
    )  # fmt: skip
    await files.keep_file(
        books.connection, file_lane, statement.digest, step, name=statement.name,
        at=books.moment.at, reason=who.reason,
    )  # fmt: skip
    known = len(rows) - len(fresh)
    return Said(0, file_text(statement, fresh, known, steps, who, confirm=confirm))


async def _on_waiting(books: PayoutBooks, number: int | None, act: OnLane) -> Said | None:
    """An act on one reimbursement, or lane by lane on all that something is waited for."""
    lanes = range(books.lanes) if number is None else [lane_in(number)]
    for lane in lanes:

        async def once(lane: int = lane) -> Said:
            numbers = [number] if number is not None else await store.numbers_of(
                books.connection, lane, books.moment.at
            )
            found = await load(books, lane, numbers)
            if number is not None and not found:
                return Said(1, f"没有报销 {number} | there is no reimbursement {number}")
            return await act(found)

        said = await under_lock(books, lane, once)
        if said.status:
            return said
    return None


def _takes(found: Found, act: Act, number: int | None, sums: Sums) -> bool:
    """Whether a reimbursement takes an act and is owed something; the one that is named is refused
    with the reason, others are passed over."""
    no = refused(found, act)
    if no is None and not owed_of(found).total_fen:
        no = f"{found.filed.number} 没有应付金额 | nothing is owed"
    if no is not None and number is not None:
        sums.refused.append(no)
    return no is None


def _proposed(found: Found, who: Who, number: int | None, sums: Sums) -> str | None:
    """Who proposed the order; None where this person does not give it."""
    if not _takes(found, Act.ORDER, number, sums):
        return None
    proposal = found.now.proposal
    if proposal is None:
        if number is not None:
            sums.refused.append(f"{number} 尚无人提出拨付 | nobody has proposed it yet")
        return None
    for other in (proposal.actor, found.now.entered_by):
        if who.is_also(other):
            sums.refused.append(
                f"{found.filed.number} 须由 {other} 以外的人下达 | somebody other than {other} "
                "must order"
            )
            return None
    return proposal.actor


def _line(books: PayoutBooks, found: Found, step: Step) -> Order:
    account = open_papers(books, found).pay_to
    return Order(
        order_no=step.reference, name=account.name, account=account.account, bank=account.bank,
        amount_fen=step.amounts.total_fen, purpose=f"医保报销 {found.filed.number}",
        ordered_at=step.at,
    )  # fmt: skip


def _with_files(
    said: Said, books: PayoutBooks, orders: Sequence[Order], out: Path | None
) -> Said:
    if not orders or out is None:
        return said
    lines = [said.text]
    for name, text, totals in bank_files(orders, books.rules, "reimburse"):
        lines.append(f"  {written(out / name, text)}：{totals}")
    return Said(said.status, "\n".join(lines))


async def _found_of(books: PayoutBooks, rows: Sequence[BankRow]) -> dict[int, Found]:
    by_lane: dict[int, set[int]] = {}
    for row in rows:
        number = number_in(row.order_no)
        if number is not None and lane_in(number) < books.lanes:
            by_lane.setdefault(lane_in(number), set()).add(number)
    found = {}
    for lane, numbers in by_lane.items():
        for one in await load(books, lane, sorted(numbers)):
            found[one.filed.number] = one
    return found


def _objection(found: Found | None, row: BankRow, before: Sequence[BankRow]) -> str | None:
    order = None if found is None else found.now.order
    if found is None or order is None or order.reference != row.order_no:
        return row_fault(row, "没有这个订单", "no such order")
    if order.amounts.total_fen != row.amount_fen:
        ours = yuan_text(order.amounts.total_fen)
        return row_fault(row, f"下达金额为 {ours} 元", f"it was ordered for {ours}")
    if not row.paid and any(one.order_no == row.order_no for one in before):
        return None
    no = refused(found, Act.PAY if row.paid else Act.RETURN)
    return None if no is None else f"  第 {row.row} 行 {no}"


def _is_known(found: Found, row: BankRow) -> bool:
    act = Act.PAY if row.paid else Act.RETURN
    return any(
        step.act is act and step.reference == f"{row.order_no} {row.bank_no}"
        and step.amounts.total_fen == row.amount_fen
        for step in found.kept.steps
    )  # fmt: skip


async def _book(books: PayoutBooks, rows: Sequence[BankRow], who: Who) -> Said | None:
    """Lane by lane; a second try passes over what is booked."""
    by_lane: dict[int, list[BankRow]] = {}
    for row in rows:
        by_lane.setdefault(lane_in(number_in(row.order_no) or 0), []).append(row)
    for lane, some in sorted(by_lane.items()):

        async def once(lane: int = lane, some: list[BankRow] = some) -> Said:
            for row in some:
                (found,) = await load(books, lane, [number_in(row.order_no) or 0])
                no = await _book_row(books, found, row, who)
                if no is not None:
                    return Said(1, no)
            return Said(0, "")

        said = await under_lock(books, lane, once)
        if said.status:
            return said
    return None


async def _book_row(books: PayoutBooks, found: Found, row: BankRow, who: Who) -> str | None:
    act = Act.PAY if row.paid else Act.RETURN
    no, order = refused(found, act), found.now.order
    if no is not None or order is None:
        return no
    step = structs.replace(
        step_of(books, found, act, who), amounts=order.amounts,
        reference=f"{row.order_no} {row.bank_no}",
    )  # fmt: skip
    was_paid = found.now.state is State.PAID
    transfers = (
        paid_transfers(order.amounts) if row.paid
        else returned_transfers(order.amounts, was_paid=was_paid)
    )  # fmt: skip
    code = EntryCode.REIMBURSEMENT_PAID if row.paid else EntryCode.REIMBURSEMENT_RETURNED
    await book_step(books, found.filed, step, code, transfers)
    return None
