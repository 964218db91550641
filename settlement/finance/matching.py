"""Matching a day or a month with what channels' bills say (渠道对账): lists our side, compares
lane by lane, and keeps what differs.

Each lane is one statement to read and one short transaction to write, under the lock that acts of
people on its differences take. Matched again, the same rows make no new steps (ADR 0039).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from settlement.channel_matching import (
    NO_DIFFERENCE,
    Around,
    Class,
    Finding,
    Key,
    Kind,
    Ours,
    Theirs,
    compare,
)
from settlement.difference_states import Name, Step, seen
from settlement.finance.books import Books, next_number
from settlement.finance.clearing_accounts import Cleared, keep_accounts
from settlement.storage import channel_rows as rows
from settlement.storage import differences as store
from settlement.storage.channel_rows import DAY, Bill, Period, Sides, Sum
from settlement.storage.differences import Difference

LOOKED_AROUND = timedelta(days=31)
"""How far from the period a row is looked for that the other side lacks."""


class Matched(Struct, kw_only=True):
    """What a matching came to: sums by side and channel, and by class what both sides have."""

    first: date
    last: date
    missing: list[Bill]
    """bills of days that we have rows of"""
    sums: dict[tuple[str, str], Sum]
    classes: dict[Class, tuple[int, int, int]]
    """findings, and what ours and theirs have of them in the period, fen"""
    new: int = 0
    """steps that were kept"""
    cleared: Cleared = field(default_factory=Cleared)
    """what was kept of clearing accounts, and booked of fees"""

    def total(self, side: str) -> Sum:
        """A side over all channels."""
        found = (one for (name, _), one in self.sums.items() if name == side)
        return sum(found, Sum())

    @property
    def is_explained(self) -> bool:
        """Whether what agrees and what the classes have is what each side has."""
        agreed = self.total("agreed").fen
        ours = agreed + self.total("unbilled").fen + sum(one[1] for one in self.classes.values())
        theirs = agreed + sum(one[2] for one in self.classes.values())
        return (ours, theirs) == (self.total("ours").fen, self.total("theirs").fen)


async def match(books: Books, first: date, last: date) -> Matched:
    """Match the days of a period with the bills that are here."""
    await rows.list_days(books.connection, first - DAY, last + DAY, books.moment.at)
    period, missing = await rows.read_period(books.connection, first, last)
    matched = Matched(
        first=first, last=last, missing=list(period.unbilled), sums={}, classes={}
    )
    for lane in sorted(books.journal_of):
        sides = await rows.read_lane(books.connection, lane, period)
        for place, one in sides.sums.items():
            matched.sums[place] = matched.sums.get(place, Sum()) + one
        findings = await _findings(books, lane, sides, period, missing)
        _count(matched, findings)
        matched.new += await _keep(books, lane, findings, period, missing)
    matched.cleared = await keep_accounts(books, period)
    return matched


async def _findings(
    books: Books, lane: int, sides: Sides, period: Period, missing: frozenset[Bill]
) -> list[Finding]:
    """What the rows of a lane come to that do not simply agree, with what lies around them."""
    if not sides.ours and not sides.theirs:
        return []
    orders = {key.order_no for key in sides.keys if key.order_no}
    wide = replace(
        period, first=period.first - LOOKED_AROUND, last=period.last + LOOKED_AROUND
    )
    all_ours = {one.key: one for one in await rows.ours_of(books.connection, lane, orders)}
    all_theirs = await rows.theirs_of(books.connection, lane, orders, wide)
    wanted = _wanted(sides, all_ours)
    ours = {one.key: one for one in sides.ours}
    ours |= {key: one for key, one in all_ours.items() if key in wanted}
    theirs = {(one.file_no, one.row_no): one for one in sides.theirs}
    theirs |= {(one.file_no, one.row_no): one for one in all_theirs if _belongs(one, wanted)}
    lonely = {
        number
        for one in theirs.values()
        if one.key not in ours and (number := one.refund_no or one.order_no)
    }
    around = Around(
        unbilled=missing, rates=period.rates,
        sent=await rows.sent_of(books.connection, lane, lonely) if lonely else {},
    )  # fmt: skip
    return compare(ours.values(), theirs.values(), around)


class _Wanted(Struct, frozen=True):
    """Keys that are compared, and orders of which everything that only the channel has is."""

    keys: frozenset[Key]
    undone: frozenset[str]
    ours: frozenset[Key]

    def __contains__(self, key: Key) -> bool:
        return key in self.keys


def _wanted(sides: Sides, all_ours: dict[Key, Ours]) -> _Wanted:
    """A payment that we do not have, or have undone, is looked at with what takes it back there;
    and what takes something back, with that payment."""
    keys = set(sides.keys)
    undone: set[str] = set()
    for order_no in {key.order_no for key in keys if key.order_no}:
        payment = Key(order_no, "", "", Kind.PAYMENT)
        mine = all_ours.get(payment)
        if mine is None or mine.reversed:
            undone.add(order_no)
            keys.add(payment)
    return _Wanted(frozenset(keys), frozenset(undone), frozenset(all_ours))


def _belongs(theirs: Theirs, wanted: _Wanted) -> bool:
    key = theirs.key
    if key in wanted:
        return True
    takes_back = key.kind is Kind.REFUND and key not in wanted.ours
    return takes_back and theirs.order_no in wanted.undone


def _count(matched: Matched, findings: Iterable[Finding]) -> None:
    """Add up findings by class, as far as their rows are of the period."""
    for one in findings:
        ours = [row for row in (one.ours,) if row is not None and _is_in(row.day, matched)]
        theirs = [row for row in one.theirs if _is_in(row.day, matched)]
        if not ours and not theirs:
            continue
        n, ours_fen, theirs_fen = matched.classes.get(one.found, (0, 0, 0))
        matched.classes[one.found] = (
            n + 1,
            ours_fen + sum(row.counts_fen for row in ours),
            theirs_fen + sum(row.counts_fen for row in theirs),
        )


def _is_in(day: date, matched: Matched) -> bool:
    return matched.first <= day <= matched.last


async def _keep(
    books: Books, lane: int, findings: Sequence[Finding], period: Period,
    missing: frozenset[Bill],
) -> int:  # fmt: skip
    """Keep what is new about the differences of a lane; how many steps."""
    by_name = {_name(lane, one): one for one in findings}
    orders = sorted({name.order_no for name in by_name if name.order_no})
    channel_nos = sorted({name.channel_no for name in by_name if name.channel_no})
    async with books.connection.transaction():
        await store.lock_lane(books.connection, lane)
        known = await store.known_of(
            books.connection, lane, orders, channel_nos, period.first, period.last
        )
        steps = _steps(by_name, {one.name: one for one in known}, period, missing, books)
        new = [(number, name) for number, name, some in steps if some[0].step_no == 1]
        await store.keep_new(books.connection, lane, new, books.moment.at)
        flat = [(number, step) for number, _, some in steps for step in some]
        await store.keep_steps(books.connection, lane, flat)
    return len(flat)


def _steps(
    by_name: dict[Name, Finding], known: dict[Name, Difference], period: Period,
    missing: frozenset[Bill], books: Books,
) -> list[tuple[int, Name, list[Step]]]:  # fmt: skip
    """What is to be kept of each difference that something is new about."""
    at = books.moment.at
    kept: list[tuple[int, Name, list[Step]]] = []
    for name, finding in by_name.items():
        before = known.get(name)
        if before is None and finding.found in NO_DIFFERENCE:
            continue
        steps = seen(None if before is None else before.last, finding, at)
        if steps:
            number = next_number(books, name.lane) if before is None else before.number
            kept.append((number, name, steps))
    for name, before in known.items():
        if name not in by_name and _was_looked_at(name, before, period, missing):
            steps = seen(before.last, None, at)
            if steps:
                kept.append((before.number, name, steps))
    return kept


def _was_looked_at(
    name: Name, before: Difference, period: Period, missing: frozenset[Bill]
) -> bool:
    """Whether a difference that was not found again is none any more: its day was compared, and a
    bill of it is here."""
    facts = before.last.facts
    merchant = facts.merchant or facts.their_merchant
    here = (name.channel, merchant, facts.day) not in missing
    return here and period.first <= facts.day <= period.last


def _name(lane: int, finding: Finding) -> Name:
    key = finding.key
    channel = finding.ours.channel if finding.ours is not None else finding.theirs[0].channel
    return Name(
        lane=lane, channel=channel, kind=key.kind, order_no=key.order_no,
        refund_no=key.refund_no, channel_no=key.channel_no, nth=finding.nth,
    )  # fmt: skip


def by_channel(matched: Matched) -> dict[str, dict[str, Sum]]:
    """The sums, channel by channel."""
    found: dict[str, dict[str, Sum]] = defaultdict(dict)
    for (side, channel), one in matched.sums.items():
        found[channel][side] = one
    return dict(sorted(found.items()))
