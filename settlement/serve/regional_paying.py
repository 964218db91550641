"""Confirming a month, its notices, and the money: what was confirmed is paid, by two people.

Under full settlement each side of a month is paid by itself. Under net settlement both sides are
set off and booked by one entry; the bank sees the difference. A side that comes after the other was
settled is paid by itself. What is booked is what the notice is about. Either way the receivable and
the payable of the month come to zero, and a prepayment is left as it is (DOMAIN 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ledger.entry import Transfer
from ledger.money import yuan_text
from ledger.postgres.fold import balance
from protocol.hub.clearing import ClearingAnswer, MarkedRow
from settlement import chart
from settlement.chart import EntryCode, RegionAccount
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.regional_clearing import SETTLED, Act, Mark, Period, Side
from settlement.elsewhere.regional_netting import NOTHING, Sums
from settlement.elsewhere.regional_rules import Settling
from settlement.elsewhere.regional_statements import month_text
from settlement.postings import undone
from settlement.said import Said
from settlement.serve.regional_books import (
    RegionalBooks,
    book,
    clearing_commitment,
)
from settlement.serve.regional_periods import (
    Found,
    find,
    keep,
    name_of,
    refused,
    sums_of,
    text_of,
)
from settlement.serve.regional_stating import written
from settlement.storage import regional_clearing as store
from settlement.who import Who

BOOKED_BY = {Side.INSURANCE: Act.PAY, Side.TREATMENT: Act.RECEIVE}
_OTHER = {Side.INSURANCE: Side.TREATMENT, Side.TREATMENT: Side.INSURANCE}
OWED = {
    Side.INSURANCE: (RegionAccount.PAYABLE_FUNDS, RegionAccount.PAYABLE_ACCOUNTS),
    Side.TREATMENT: (RegionAccount.RECEIVABLE_FUNDS, RegionAccount.RECEIVABLE_ACCOUNTS),
}


async def confirm(books: RegionalBooks, found: Found, who: Who) -> Said:
    """What was not postponed is confirmed, as one sum; in the caller's transaction."""
    no = refused(books, found, Act.CONFIRM)
    if no is not None:
        return no
    sums = (await sums_of(books.connection, found.place)).standing
    await keep(books, found, Act.CONFIRM, who, sums)
    return Said(0, f"{name_of(books, found)} 已确认 {text_of(sums)} | confirmed")


async def answer_file(books: RegionalBooks, found: Found, out: Path) -> list[Path]:
    """Our answers as files."""
    return [written(out, name, answer) for name, answer in await answers_of(books, found)]


async def answers_of(
    books: RegionalBooks, found: Found
) -> list[tuple[str, ClearingAnswer]]:
    """Our answers to the statements of a period that we are to pay, with their numbers: one for
    each region that stated."""
    legs = [leg async for leg in store.legs_of(books.connection, found.place)]
    stands = (await sums_of(books.connection, found.place)).stands
    confirmed = found.confirmed_fen is not None
    answers = []
    for step in found.steps:
        if step.act not in (Act.STATE, Act.JOIN):
            continue
        creditor = step.reference.split("-", 1)[0]
        sums = stands.get(creditor, NOTHING) if confirmed else NOTHING
        rows = tuple(
            MarkedRow(
                case_no=leg.case_no, reversal=leg.reversal, reason=leg.said, months=leg.months
            )
            for leg in legs
            if leg.region == creditor and leg.mark in (Mark.OBJECTED, Mark.POSTPONED)
        )
        answer = ClearingAnswer(
            statement_no=step.reference, month=month_text(found.period.month), creditor=creditor,
            debtor=books.region, answered_at=books.moment.at, rows=rows, confirmed=confirmed,
            legs=sums.legs, fund_fen=sums.fund_fen, account_fen=sums.account_fen,
        )  # fmt: skip
        answers.append((f"{step.reference}-answer-{len(found.steps)}", answer))
    return answers


async def due_of(books: RegionalBooks, found: Found) -> int | Said:
    """What the notice of a confirmed period is about: its sum, or under net settlement what is
    left of both sides."""
    own_fen = found.confirmed_fen
    if own_fen is None:
        return refused(books, found, Act.NOTIFY) or Said(1, "尚未确认 | not confirmed")
    if books.rules.settling is Settling.FULL:
        return own_fen
    other = await _other_side(books, found)
    if other is None:
        return own_fen
    if other.confirmed_fen is None:
        return Said(
            1,
            f"差额清算：{name_of(books, other)} 也须先确认 | net settlement: the other side of the "
            "month must be confirmed first",
        )
    return own_fen - other.confirmed_fen


async def notify(
    books: RegionalBooks, found: Found, notice_no: str, amount_fen: int, who: Who
) -> Said:
    """The notice of payment or receipt came; it must be about what was confirmed. One that is not
    about what is due any more gives way to it, and what was proposed by it falls."""
    no = refused(books, found, Act.NOTIFY)
    if no is not None:
        return no
    due = await due_of(books, found)
    if isinstance(due, Said):
        return due
    before = found.now.notice
    if before is not None and before.amount_fen == due:
        return Said(
            1,
            f"{name_of(books, found)} 已有通知 {before.reference}：{yuan_text(due)} 元，"
            "与应收付相符，无须更换 | the notice that is kept is about what is due",
        )
    if amount_fen != due:
        return Said(
            1,
            f"{name_of(books, found)} 应为 {yuan_text(due)} 元，通知写 {yuan_text(amount_fen)} 元，"
            "未登记 | the notice is about another sum than what was confirmed",
        )
    sums = (await sums_of(books.connection, found.place)).standing
    await keep(
        books, found, Act.NOTIFY, who, sums, reference=notice_no, amount_fen=amount_fen
    )
    return Said(
        0, f"{name_of(books, found)} 已登记通知 {notice_no}：{yuan_text(due)} 元 | notice kept"
    )


async def propose(books: RegionalBooks, found: Found, voucher: str, who: Who) -> Said:
    """One person says that the money has moved, by this voucher; nothing is booked yet."""
    no = await _not_payable(books, found, Act.PROPOSE)
    if no is not None:
        return no
    notice = found.now.notice
    amount_fen = 0 if notice is None else notice.amount_fen
    await keep(
        books, found, Act.PROPOSE, who, NOTHING, reference=voucher, amount_fen=amount_fen
    )
    return Said(
        0,
        f"由 {who.actor} 提出 {name_of(books, found)} {_moved(found)} {yuan_text(amount_fen)} 元，"
        f"凭证 {voucher}，尚待另一人以 --confirm 确认 | proposed, not booked",
    )


async def settle(books: RegionalBooks, found: Found, voucher: str, who: Who) -> Said:
    """Another person says so too: it is booked."""
    act = BOOKED_BY[found.period.side]
    no = await _not_payable(books, found, act)
    if no is not None:
        return no
    proposal = found.now.proposal
    if proposal is None:
        return Said(1, f"{name_of(books, found)} 尚无人提出 | nobody has proposed it yet")
    if who.is_also(proposal.actor):
        return Said(
            1, f"须由 {who.actor} 以外的人确认 | somebody other than {who.actor} must confirm"
        )
    if proposal.reference != voucher:
        return Said(
            1,
            f"{proposal.actor} 提出的凭证是 {proposal.reference}，不是 {voucher} | it was proposed "
            "with another voucher",
        )
    together = await _booked_together(books, found)
    if isinstance(together, Said):
        return together
    entry_id = await _book(books, together, voucher, who)
    nothing = "；金额为零，无需记账" if entry_id is None else f"，记账 {entry_id}"
    return Said(
        0,
        f"{name_of(books, found)} 已{_moved(found)} {yuan_text(proposal.amount_fen)} 元"
        f"{nothing}：{proposal.actor} 提出，{who.actor} 确认 | booked",
    )


async def close(books: RegionalBooks, found: Found, who: Who) -> Said:
    """The month is closed: nothing changes it any more."""
    no = refused(books, found, Act.CLOSE)
    if no is not None:
        return no
    sums = (await sums_of(books.connection, found.place)).standing
    await keep(books, found, Act.CLOSE, who, sums)
    return Said(
        0, f"{name_of(books, found)} 已关闭；{await left_text(books, found.period)} | closed"
    )


async def left_text(books: RegionalBooks, period: Period) -> str:
    """What the ledger has with a party, and that it is what its rows and payments say."""
    booked_fen, rows_fen = await left(books, period)
    text = f"与该方的{period.side.zh}账面余额 {yuan_text(booked_fen)} 元"
    if booked_fen == rows_fen:
        return f"{text}，与未结清明细相符"
    return f"{text}，与未结清明细 {yuan_text(rows_fen)} 元不符，请核查"


async def left(books: RegionalBooks, period: Period) -> tuple[int, int]:
    """What the ledger has with a party on a side, and what its rows and payments say, in fen."""
    return (
        await ledger_owed(books, period.party, period.side),
        await store.owed_by_rows(books.connection, period.party, period.side),
    )


async def ledger_owed(books: RegionalBooks, party: str, side: Side) -> int:
    """What the ledger has as receivable from a party, or payable to it."""
    owed_fen = 0
    for region in books.regions_of(party):
        for account in OWED[side]:
            found = await balance(books.connection, region.account_base + account)
            credit_fen = found.credits_fen - found.debits_fen
            owed_fen += credit_fen if side is Side.INSURANCE else -credit_fen
    return owed_fen


def transfers(
    side: Side, sums: Mapping[str, Sums], counterparts: Mapping[str, Counterpart]
) -> list[Transfer]:
    """What a payment moves, region by region; the other way round where it is negative."""
    legs: list[Transfer] = []
    for region, one in sorted(sums.items()):
        base = counterparts[region].account_base
        for account, fen in zip(OWED[side], (one.fund_fen, one.account_fen), strict=True):
            moved = Transfer(base + account, chart.CLEARING_BANK, abs(fen))
            paid = (side is Side.INSURANCE) is (fen > 0)
            if fen:
                legs += (moved,) if paid else undone((moved,))
    return legs


async def _book(
    books: RegionalBooks, together: list[Found], voucher: str, who: Who
) -> int | None:
    """One entry for all sides, and a step on each; no entry where nothing moves."""
    lane = together[0].place.lane
    moves: list[Transfer] = []
    sums: list[Sums] = []
    for found in together:
        own = await sums_of(books.connection, found.place)
        moves += transfers(found.period.side, own.stands, books.counterparts)
        sums.append(own.standing)
    entry_id = books.number(lane) if moves else None
    kept: list[tuple[Period, Found]] = []
    for found, own_sums in zip(together, sums, strict=True):
        act = BOOKED_BY[found.period.side]
        after = await keep(
            books, found, act, who, own_sums, reference=voucher, entry_id=entry_id
        )
        kept.append((found.period, after))
    if entry_id is not None:
        commitment = clearing_commitment(lane, [(one, after.steps[-1]) for one, after in kept])
        await book(books, lane, entry_id, EntryCode.REGION_CLEARED, moves, commitment)
    return entry_id


async def _not_payable(books: RegionalBooks, found: Found, act: Act) -> Said | None:
    no = refused(books, found, act)
    if no is not None:
        return no
    due = await _due_by_notice(books, found)
    if isinstance(due, Said):
        return due
    if books.rules.settling is Settling.FULL or due >= 0:
        return None
    return Said(
        1,
        f"差额清算：本月轧差由{'对方付款' if found.period.side is Side.INSURANCE else '本方付款'} "
        f"{yuan_text(-due)} 元 | net settlement: this month the difference goes the other way",
    )


async def _due_by_notice(books: RegionalBooks, found: Found) -> int | Said:
    """What is due now, which the notice of a period must be about."""
    due, notice = await due_of(books, found), found.now.notice
    if isinstance(due, Said) or (notice is not None and notice.amount_fen == due):
        return due
    told = (
        "" if notice is None
        else f"通知 {notice.reference} 写 {yuan_text(notice.amount_fen)} 元，"
    )  # fmt: skip
    return Said(
        1,
        f"{name_of(books, found)} {told}现应为 {yuan_text(due)} 元，请先登记新的通知 | the "
        "notice is about another sum than what is due now: keep the new one first",
    )


async def _booked_together(books: RegionalBooks, found: Found) -> list[Found] | Said:
    """The sides of the month that one payment settles."""
    if books.rules.settling is Settling.FULL:
        return [found]
    other = await _other_side(books, found)
    if other is None:
        return [found]
    no = refused(books, other, BOOKED_BY[other.period.side])
    if no is not None:
        return no
    due = await _due_by_notice(books, other)
    return due if isinstance(due, Said) else [found, other]


async def _other_side(books: RegionalBooks, found: Found) -> Found | None:
    """The other side of the month, where it is there and not settled by itself."""
    period = found.period
    other = await find(
        books,
        Period(party=period.party, month=period.month, side=_OTHER[period.side]),
    )
    return other if other.steps and other.now.state not in SETTLED else None


def _moved(found: Found) -> str:
    return "付款" if found.period.side is Side.INSURANCE else "收款"
