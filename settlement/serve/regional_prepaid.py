"""Prepayments (预付金): quotas of a year, money in and back by two people, and how much is in use.

What lies with another region is an asset of ours, what lies with us a debt; both stand on the
party's own accounts, so the party itself must be registered as a counterpart. Clearing moves
neither (DOMAIN 6).
"""

from __future__ import annotations

from datetime import date

from ledger.entry import Transfer
from ledger.money import yuan_text
from settlement import chart
from settlement.chart import EntryCode, RegionAccount
from settlement.elsewhere.regional_clearing import Period, Side, month_after
from settlement.elsewhere.regional_prepayment import (
    Prepaid,
    PrepaidAct,
    PrepaidStep,
    Use,
    prepaid,
    quota_of,
    use_of,
)
from settlement.postings import undone
from settlement.said import Said
from settlement.serve.regional_books import (
    RegionalBooks,
    book,
    prepayment_commitment,
)
from settlement.serve.regional_paying import ledger_owed
from settlement.serve.regional_periods import SomebodyElseError
from settlement.storage import regional_clearing as clearings
from settlement.storage import regional_prepaid as store
from settlement.who import Who

ACCOUNT = {Side.INSURANCE: RegionAccount.PREPAID, Side.TREATMENT: RegionAccount.PREPAYMENT_HELD}
WHERE_ZH = {Side.INSURANCE: "本区存于对方", Side.TREATMENT: "对方存于本区"}
_PROPOSED = {PrepaidAct.IN: PrepaidAct.PROPOSE_IN, PrepaidAct.BACK: PrepaidAct.PROPOSE_BACK}
_ACT_ZH = {PrepaidAct.IN: "拨付", PrepaidAct.BACK: "退回"}


async def standing_of(books: RegionalBooks, party: str, side: Side) -> tuple[Prepaid, Use]:
    """A prepayment as it stands, and how much of it is in use: what is owed for care by the ledger
    and not paid yet."""
    steps = await store.prepayment_steps(books.connection, books.lane_of(party), party, side)
    now = prepaid(steps)
    owed_fen = await ledger_owed(books, party, side)
    return now, use_of(owed_fen, now.held_fen, books.rules.prepaid)


async def prepaid_parties(books: RegionalBooks) -> list[tuple[str, Side]]:
    """With whom there is anything about a prepayment."""
    return await store.prepaid_parties(books.connection)


async def fix_quota(
    books: RegionalBooks, party: str, side: Side, year: int, who: Who
) -> Said:
    """Fix the quota of a year by what was stated in the year before; in the caller's
    transaction."""
    unknown = _unknown(books, party)
    if unknown is not None:
        return unknown
    first = date(year - 1, 1, 1)
    place = books.place(Period(party=party, month=first, side=side))
    stated_fen, months = await clearings.stated_of_year(
        books.connection, place, first, month_after(first, 11)
    )
    quota_fen = quota_of(stated_fen, books.rules.prepaid)
    now = await _next(books, party, side)
    held_fen = prepaid(now).held_fen
    await _keep(books, party, side, now, PrepaidAct.QUOTA, who, quota_fen, year=year)
    difference_fen = quota_fen - held_fen
    more = "应补拨" if difference_fen > 0 else "可退回"
    rest = f"；{more} {yuan_text(abs(difference_fen))} 元" if difference_fen else ""
    return Said(
        0,
        f"{books.name_of(party)} {WHERE_ZH[side]} {year} 年预付金额度 {yuan_text(quota_fen)} 元（"
        f"{year - 1} 年 {months} 个月共申报 {yuan_text(stated_fen)} 元，"
        f"{books.rules.prepaid.months} 个月的月均额）；现有 {yuan_text(held_fen)} 元{rest} | "
        "quota fixed",
    )


async def propose(
    books: RegionalBooks, party: str, side: Side, act: PrepaidAct, amount_fen: int, voucher: str,
    who: Who,
) -> Said:  # fmt: skip
    """One person says that money was left, or came back; nothing is booked yet."""
    no = await _not_movable(books, party, side, act, amount_fen)
    if no is not None:
        return no
    steps = await _next(books, party, side)
    await _keep(
        books, party, side, steps, _PROPOSED[act], who, amount_fen, reference=voucher
    )
    return Said(
        0,
        f"由 {who.actor} 提出 {books.name_of(party)} {WHERE_ZH[side]}预付金{_ACT_ZH[act]} "
        f"{yuan_text(amount_fen)} 元，凭证 {voucher}，尚待另一人以 --confirm 确认 | proposed, not "
        "booked",
    )


async def move(
    books: RegionalBooks, party: str, side: Side, act: PrepaidAct, amount_fen: int, voucher: str,
    who: Who,
) -> Said:  # fmt: skip
    """Another person says so too: it is booked."""
    no = await _not_movable(books, party, side, act, amount_fen)
    if no is not None:
        return no
    steps = await _next(books, party, side)
    proposal = prepaid(steps).proposal
    told = None if proposal is None else (proposal.act, proposal.amount_fen, proposal.reference)
    if proposal is None or told != (_PROPOSED[act], amount_fen, voucher):
        return Said(
            1,
            f"没有人提出过这一笔{_ACT_ZH[act]}（金额和凭证须相同） | nobody has proposed exactly "
            "this",
        )
    if who.is_also(proposal.actor):
        return Said(
            1, f"须由 {who.actor} 以外的人确认 | somebody other than {who.actor} must confirm"
        )
    lane = books.lane_of(party)
    entry_id = books.number(lane)
    step = await _keep(
        books, party, side, steps, act, who, amount_fen, reference=voucher, entry_id=entry_id
    )
    await book(
        books, lane, entry_id, EntryCode.REGION_PREPAID,
        _transfers(books, party, side, act, amount_fen),
        prepayment_commitment(lane, party, int(side), step),
    )  # fmt: skip
    now, use = await standing_of(books, party, side)
    return Said(
        0,
        f"{books.name_of(party)} {WHERE_ZH[side]}预付金已{_ACT_ZH[act]} "
        f"{yuan_text(amount_fen)} 元，记账 {entry_id}：{proposal.actor} 提出，{who.actor} "
        f"确认；现有 {yuan_text(now.held_fen)} 元，使用率 "
        f"{use.rate_bp // 100}.{use.rate_bp % 100:02d}% | booked",
    )


def _transfers(
    books: RegionalBooks, party: str, side: Side, act: PrepaidAct, amount_fen: int
) -> tuple[Transfer, ...]:
    account = books.counterparts[party].account_base + ACCOUNT[side]
    into_it = (
        Transfer(account, chart.CLEARING_BANK, amount_fen) if side is Side.INSURANCE
        else Transfer(chart.CLEARING_BANK, account, amount_fen)
    )  # fmt: skip
    return (into_it,) if act is PrepaidAct.IN else undone((into_it,))


async def _not_movable(
    books: RegionalBooks, party: str, side: Side, act: PrepaidAct, amount_fen: int
) -> Said | None:
    unknown = _unknown(books, party)
    if unknown is not None:
        return unknown
    if amount_fen <= 0:
        return Said(1, "金额须大于零 | the amount must be more than zero")
    held_fen = prepaid(await _next(books, party, side)).held_fen
    if act is PrepaidAct.BACK and amount_fen > held_fen:
        return Said(
            1,
            f"现有 {yuan_text(held_fen)} 元，不能退回 {yuan_text(amount_fen)} 元 | there is not so "
            "much",
        )
    return None


def _unknown(books: RegionalBooks, party: str) -> Said | None:
    if party in books.counterparts:
        return None
    return Said(
        1,
        f"{party} 未登记为对方统筹区，没有账户 | it is no counterpart: import it first; the "
        "party itself has the accounts of a prepayment",
    )


async def _next(books: RegionalBooks, party: str, side: Side) -> list[PrepaidStep]:
    return await store.prepayment_steps(books.connection, books.lane_of(party), party, side)


async def _keep(
    books: RegionalBooks, party: str, side: Side, steps: list[PrepaidStep], act: PrepaidAct,
    who: Who, amount_fen: int, *, year: int | None = None, reference: str = "",
    entry_id: int | None = None,
) -> PrepaidStep:  # fmt: skip
    step = PrepaidStep(
        step_no=len(steps) + 1, act=act, amount_fen=amount_fen, at=books.moment.at,
        year=books.moment.business_day.year if year is None else year, actor=who.actor,
        reference=reference, reason=who.reason, entry_id=entry_id,
    )  # fmt: skip
    lane = books.lane_of(party)
    if not await store.keep_prepayment_step(books.connection, lane, party, side, step):
        raise SomebodyElseError
    return step
