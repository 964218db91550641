"""What the bank says of orders: statements by file (银行回单), matched by number and amount.

One person reads a statement in, which shows what it would book; another gives the same file with
--confirm. A row that matches no order, or another amount, stops the file; what was booked before is
known and passed over. The same file again books nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from ledger.money import yuan_text
from settlement.books.payout import (
    Act,
    Amounts,
    State,
    paid_transfers,
    returned_transfers,
)
from settlement.books.payout_intake import BankRow
from settlement.chart import EntryCode
from settlement.finance.payout_books import PayoutBooks, in_lane
from settlement.finance.payout_periods import Change, Found, apply, last_known, load, refused
from settlement.lanes import lane_of
from settlement.said import Said
from settlement.storage import payouts as store
from settlement.storage.payouts import FileStep
from settlement.who import Who

_ORDER_NO = re.compile(r"(?P<institution>[A-Z][0-9]{11})-(?P<first>[0-9]{8})-[0-9]+")
READ, BOOKED = 1, 2


class Statement(Struct, frozen=True, kw_only=True):
    """A bank statement as it came."""

    digest: bytes
    name: str
    rows: tuple[BankRow, ...]


class Matched(Struct, frozen=True, kw_only=True):
    """A row with the period that it is about."""

    row: BankRow
    found: Found


async def take(books: PayoutBooks, statement: Statement, who: Who, *, confirm: bool) -> Said:
    """Read a statement in, or book one that somebody else has read in."""
    lane = lane_of(statement.digest.hex(), books.lanes)
    kept = await store.file_steps(books.connection, lane, statement.digest)
    steps = {one.act: one for one in kept}
    no = file_refused(steps, who, confirm=confirm)
    if no is not None:
        return no
    matched, faults, known = await _match(books, statement.rows)
    if faults:
        return Said(1, "\n".join([f"{statement.name} 未入账 | nothing was booked:", *faults]))
    if confirm:
        for one_lane, codes in books.by_lane({one.found.institution for one in matched}):

            async def once(one_lane: int = one_lane, codes: list[str] = codes) -> Said:
                return await _book(
                    books, one_lane, [one for one in matched if one.found.institution in codes],
                    who,
                )  # fmt: skip

            said = await in_lane(books, one_lane, once)
            if said.status:
                return said
    sum_fen = sum(row.amount_fen for row in statement.rows)
    step = FileStep(
        act=BOOKED if confirm else READ, actor=who.actor, row_count=len(statement.rows),
        sum_fen=sum_fen,
    )  # fmt: skip
    await store.keep_file(
        books.connection, lane, statement.digest, step, name=statement.name, at=books.moment.at,
        reason=who.reason,
    )  # fmt: skip
    rows = [one.row for one in matched]
    return Said(0, file_text(statement, rows, known, steps, who, confirm=confirm))


def file_refused(steps: dict[int, FileStep], who: Who, *, confirm: bool) -> Said | None:
    """Why nothing is done with a file: it is booked, not read yet, or of the same person."""
    if BOOKED in steps:
        by = steps[BOOKED].actor
        return Said(0, f"此文件已由 {by} 入账，未再改动 | booked already; nothing was changed")
    if READ not in steps:
        return Said(1, "没有人读入过此文件 | nobody has read this file in") if confirm else None
    by = steps[READ].actor
    if not confirm:
        return Said(0, f"此文件已由 {by} 读入，尚待另一人以 --confirm 确认 | read already")
    if who.is_also(by):
        return Said(1, f"须由 {by} 以外的人确认 | somebody other than {by} must confirm")
    return None


async def _match(
    books: PayoutBooks, rows: Sequence[BankRow]
) -> tuple[list[Matched], list[str], int]:
    """Rows with their periods; what is wrong with others; and how many were booked before."""
    wanted: dict[date, set[str]] = {}
    faults = []
    for row in rows:
        named = _named(row, books)
        if named is None:
            faults.append(row_fault(row, "没有这个订单", "no such order"))
        else:
            wanted.setdefault(named[1], set()).add(named[0])
    found = {}
    for first_on, codes in wanted.items():
        last = last_known(books, first_on)
        for lane, some in books.by_lane(codes):
            for one in await load(books, lane, some, first_on, last):
                found[one.institution, first_on] = one
    matched: list[Matched] = []
    known = 0
    # What was paid and came back in one file is booked in that order.
    for row in sorted(rows, key=lambda each: not each.paid):
        named = _named(row, books)
        if named is None:
            continue
        one = found[named]
        if _is_known(one, row):
            known += 1
            continue
        fault = _objection(books, one, row, matched)
        if fault is None:
            matched.append(Matched(row=row, found=one))
        else:
            faults.append(fault)
    return matched, faults, known


def _objection(
    books: PayoutBooks, one: Found, row: BankRow, matched: list[Matched]
) -> str | None:
    order = one.now.order
    if order is None or order.reference != row.order_no:
        return row_fault(row, "没有这个订单", "no such order")
    if order.amounts.total_fen != row.amount_fen:
        ours = yuan_text(order.amounts.total_fen)
        return row_fault(row, f"下达金额为 {ours} 元", f"it was ordered for {ours}")
    if not row.paid and any(each.row.order_no == row.order_no for each in matched):
        return None
    no = refused(books, one, Act.PAY if row.paid else Act.RETURN)
    return None if no is None else f"  第 {row.row} 行 {no}"


async def _book(books: PayoutBooks, lane: int, matched: Sequence[Matched], who: Who) -> Said:
    for act in (Act.PAY, Act.RETURN):
        some = [one for one in matched if one.row.paid is (act is Act.PAY)]
        by_period: dict[date, list[Matched]] = {}
        for one in some:
            by_period.setdefault(one.found.period.first_on, []).append(one)
        for rows in by_period.values():
            changes = []
            for one in rows:
                (now,) = await load(
                    books, lane, [one.found.institution], one.found.period.first_on,
                    one.found.period.last_on,
                )  # fmt: skip
                no = refused(books, now, act)
                if no is not None:
                    return Said(1, no)
                changes.append(_change(books, now, one.row))
            await apply(books, lane, act, who, changes)
    return Said(0, "")


def _change(books: PayoutBooks, found: Found, row: BankRow) -> Change:
    order = found.now.order
    amounts = Amounts() if order is None else order.amounts
    base = books.base_of(found.institution)
    transfers = (
        paid_transfers(amounts) if row.paid
        else returned_transfers(amounts, base, was_paid=found.now.state is not State.ORDERED)
    )  # fmt: skip
    return Change(
        found=found, amounts=amounts, reference=f"{row.order_no} {row.bank_no}",
        transfers=transfers,
        code=EntryCode.PAYOUT_PAID if row.paid else EntryCode.PAYOUT_RETURNED,
    )  # fmt: skip


def _named(row: BankRow, books: PayoutBooks) -> tuple[str, date] | None:
    told = _ORDER_NO.fullmatch(row.order_no)
    if told is None or told["institution"] not in books.institutions:
        return None
    first = told["first"]
    try:
        return told["institution"], date(int(first[:4]), int(first[4:6]), int(first[6:]))
    except ValueError:
        return None


def _is_known(one: Found, row: BankRow) -> bool:
    act = Act.PAY if row.paid else Act.RETURN
    return any(
        step.act is act and step.reference == f"{row.order_no} {row.bank_no}"
        and step.amounts.total_fen == row.amount_fen
        for step in one.kept.steps
    )  # fmt: skip


def row_fault(row: BankRow, zh: str, en: str) -> str:
    """What is said of a row that stops the file."""
    return f"  第 {row.row} 行 {row.order_no} {zh} | row {row.row}: {en}"


def file_text(
    statement: Statement, rows: Sequence[BankRow], known: int, steps: dict[int, FileStep],
    who: Who, *, confirm: bool,
) -> str:  # fmt: skip
    """What became of a statement: of its rows those that were not booked before."""
    paid = [row.amount_fen for row in rows if row.paid]
    back = [row.amount_fen for row in rows if not row.paid]
    told = (
        f"付讫 {len(paid)} 笔 {yuan_text(sum(paid))} 元，退汇 {len(back)} 笔 "
        f"{yuan_text(sum(back))} 元"
        + (f"，先前已入账 {known} 笔" if known else "")
    )  # fmt: skip
    if confirm:
        by = steps[READ].actor
        return f"{statement.name} 已入账：{told}；{by} 读入，{who.actor} 确认 | booked"
    return (
        f"{statement.name} 由 {who.actor} 读入：{told}，尚待另一人以 --confirm 确认 | not booked "
        "yet"
    )
