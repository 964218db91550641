"""Matching a day or a month with what channels' bills say (渠道对账): lists our side, compares
lane by lane, and keeps what differs.

Each lane is one statement to read and one short transaction to write, under the lock that acts of
people on its differences take. Matched again, the same rows make no new steps (ADR 0039).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from settlement.channel_matching import (
    Around,
    Class,
    Finding,
    Key,
    Kind,
    Ours,
    Theirs,
    compare,
)
from settlement.finance.books import Books
from settlement.finance.clearing_accounts import Cleared, keep_accounts
from settlement.finance.difference_keeping import keep
from settlement.institution_matching import INSTITUTION
from settlement.storage import channel_rows as rows
from settlement.storage.channel_rows import DAY, Bill, Period, Sides, Sum
from settlement.storage.differences import Difference
from settlement.storage.lease import PlainConnection
from settlement.storage.sharing import share_out

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


async def match(
    books: Books, first: date, last: date, *, beside: Sequence[PlainConnection] = ()
) -> Matched:
    """Match the days of a period with the bills that are here; with connections `beside` that of
    the books, lanes are shared out among them."""
    # Counted first: a bill that comes meanwhile is one that this matching had not seen.
    files = await rows.files_counted(books.connection, first, last)
    await rows.list_days(
        books.connection, first - DAY, last + DAY, books.moment.at, beside=beside
    )
    period, missing = await rows.read_period(books.connection, first, last)
    matched = Matched(
        first=first, last=last, missing=list(period.unbilled), sums={}, classes={}
    )

    async def lane_by_lane(connection: PlainConnection, lane: int) -> None:
        own = replace(books, connection=connection)
        sides = await rows.read_lane(connection, lane, period)
        for place, one in sides.sums.items():
            matched.sums[place] = matched.sums.get(place, Sum()) + one
        findings = await _findings(own, lane, sides, period, missing)
        _count(matched, findings)
        new = await keep(
            own, lane, findings, (first, last), partial(_was_looked_at, period, missing)
        )
        matched.new += new

    connections = [books.connection, *beside]
    await share_out(connections, sorted(books.journal_of), lane_by_lane)
    matched.cleared = await keep_accounts(books, period, beside=beside)
    await rows.keep_matched(books.connection, first, last, files, books.moment.at)
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
    """Keys that are compared, and orders of which every refund that only the channel has is."""

    keys: frozenset[Key]
    given_back: frozenset[str]
    ours: frozenset[Key]

    def __contains__(self, key: Key) -> bool:
        return key in self.keys


def _wanted(sides: Sides, all_ours: dict[Key, Ours]) -> _Wanted:
    """A payment that we do not have, or have undone, is looked at with what takes it back there;
    and what takes something back, with that payment. A refund is looked at with all of its order:
    the channel may have joined or split it."""
    keys = set(sides.keys)
    given_back = {key.order_no for key in keys if key.kind is Kind.REFUND and key.order_no}
    for order_no in {key.order_no for key in keys if key.order_no}:
        payment = Key(order_no, "", "", Kind.PAYMENT)
        mine = all_ours.get(payment)
        if mine is None or mine.reversed:
            given_back.add(order_no)
            keys.add(payment)
    return _Wanted(frozenset(keys), frozenset(given_back), frozenset(all_ours))


def _belongs(theirs: Theirs, wanted: _Wanted) -> bool:
    key = theirs.key
    if key in wanted:
        return True
    takes_back = key.kind is Kind.REFUND and key not in wanted.ours
    return takes_back and theirs.order_no in wanted.given_back


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


def _was_looked_at(period: Period, missing: frozenset[Bill], known: Difference) -> bool:
    """Whether a difference that was not found again is none any more: its day was compared, and a
    bill of it is here."""
    facts = known.last.facts
    if known.name.channel == INSTITUTION:
        return False
    here = (known.name.channel, facts.merchant or facts.their_merchant, facts.day) not in missing
    return here and period.first <= facts.day <= period.last


def by_channel(matched: Matched) -> dict[str, dict[str, Sum]]:
    """The sums, channel by channel."""
    found: dict[str, dict[str, Sum]] = defaultdict(dict)
    for (side, channel), one in matched.sums.items():
        found[channel][side] = one
    return dict(sorted(found.items()))
