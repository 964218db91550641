"""Matching a day or a month with what channels' bills say (渠道对账): lists our side, compares
lane by lane, and keeps what differs.

Each lane is one statement to read and one short transaction to write, under the lock that acts of
people on its differences take. Between the two, what is found in all lanes together: which payments
a channel merged or split. Matched again, the same rows make no new steps (ADR 0039).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from settlement.books.channel_joining import Group, with_joined
from settlement.books.channel_matching import Class, Finding, Joined, Kind
from settlement.books.institution_matching import INSTITUTION
from settlement.finance.books import Books
from settlement.finance.clearing_accounts import Cleared, keep_accounts
from settlement.finance.difference_keeping import keep
from settlement.finance.matching_lanes import AROUND, findings_of, joined_payments
from settlement.storage import channel_rows as rows
from settlement.storage.channel_rows import Bill, Period, Sum
from settlement.storage.differences import Difference
from settlement.storage.lease import PlainConnection
from settlement.storage.sharing import share_out

HELD_MAX = 100_000
"""How many findings wait in memory until all lanes were read. Where there are more, what is wrong
is not that a channel merged or split some, and payments are not joined."""


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
    groups: dict[Joined, int] = field(default_factory=dict)
    """of rows that agree together"""
    undecided: int = 0
    """groups of payments that could agree together in several ways, and are differences"""
    too_many: bool = False
    """so much differs that it was not looked at what agrees together"""
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
        books.connection, first - AROUND, last + AROUND, books.moment.at, beside=beside
    )
    period, missing = await rows.read_period(books.connection, first, last)
    matched = Matched(
        first=first, last=last, missing=list(period.unbilled), sums={}, classes={}
    )
    found: dict[int, list[Finding]] = {}
    groups: list[Group] = []

    async def read(connection: PlainConnection, lane: int) -> None:
        own = replace(books, connection=connection)
        sides = await rows.read_lane(connection, lane, period)
        for place, one in sides.sums.items():
            matched.sums[place] = matched.sums.get(place, Sum()) + one
        found[lane] = await findings_of(own, lane, sides, period, missing)
        matched.too_many |= sum(map(len, found.values())) > HELD_MAX
        if matched.too_many:
            await write(connection, lane)

    async def write(connection: PlainConnection, lane: int) -> None:
        own = replace(books, connection=connection)
        findings = with_joined(found.pop(lane), groups)
        _count(matched, findings)
        new = await keep(
            own, lane, findings, (first, last), partial(_was_looked_at, period, missing)
        )
        matched.new += new

    connections = [books.connection, *beside]
    await share_out(connections, sorted(books.journal_of), read)
    if not matched.too_many:
        groups += await joined_payments(books, found, period, missing, beside)
    matched.undecided = sum(one.how is None for one in groups)
    _count_groups(matched, (one.how for one in groups))
    await share_out(connections, sorted(found), write)
    matched.cleared = await keep_accounts(books, period, beside=beside)
    await rows.keep_matched(books.connection, first, last, files, books.moment.at)
    return matched


def _count(matched: Matched, findings: Iterable[Finding]) -> None:
    """Add up findings by class, as far as their rows are of the period."""
    for one in findings:
        ours = [row for row in (one.ours,) if row is not None and _is_in(row.day, matched)]
        theirs = [row for row in one.theirs if _is_in(row.day, matched)]
        if not ours and not theirs:
            continue
        if one.key.kind is Kind.REFUND and one.theirs:
            _count_groups(matched, [one.joined])
        n, ours_fen, theirs_fen = matched.classes.get(one.found, (0, 0, 0))
        matched.classes[one.found] = (
            n + 1,
            ours_fen + sum(row.counts_fen for row in ours),
            theirs_fen + sum(row.counts_fen for row in theirs),
        )


def _count_groups(matched: Matched, some: Iterable[Joined | None]) -> None:
    for how in some:
        if how is not None:
            matched.groups[how] = matched.groups.get(how, 0) + 1


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
