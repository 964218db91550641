"""What the rows of a lane come to in matching with channels, and which payments of all lanes agree
only together (settlement/books/channel_joining.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from settlement.books.channel_joining import (
    JOINABLE,
    Group,
    days_of,
    join,
    may_be_joined,
    numbers_of,
    places_of,
)
from settlement.books.channel_matching import Around, Finding, Key, Kind, Ours, Theirs, compare
from settlement.finance.books import Books
from settlement.storage import channel_rows as rows
from settlement.storage.channel_rows import DAY, Bill, Period, Sides
from settlement.storage.lease import PlainConnection
from settlement.storage.sharing import share_out

LOOKED_AROUND = timedelta(days=31)
"""How far from the period a row is looked for that the other side lacks."""
AROUND = 2 * DAY
"""How far from the period payments are looked for that agree with some of it together: an edge, and
one more for what would stand beside them."""


async def findings_of(
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


async def joined_payments(
    books: Books, found: Mapping[int, Sequence[Finding]], period: Period,
    missing: frozenset[Bill], beside: Sequence[PlainConnection],
) -> list[Group]:  # fmt: skip
    """Which payments agree together, of what was found in all lanes of a period, with what differs
    on the days around it and may belong to some of that."""
    some = [one for findings in found.values() for one in findings if may_be_joined(one)]
    known = {one.key for one in some}
    spans = [
        span
        for span in ((period.first - AROUND, period.first - DAY),
                     (period.last + DAY, period.last + AROUND))
        if any(_is_next(one, span) for one in some)
    ]  # fmt: skip
    for span in spans:
        missing |= (await rows.read_period(books.connection, *span))[1]
    if spans:
        findings = await _beside(books, spans, some, period, missing, beside)
        some += [one for one in findings if one.key not in known]
    groups = join(some, Around(unbilled=missing, rates=period.rates))
    return [one for one in groups if one.keys & known]


async def _beside(
    books: Books, spans: Sequence[tuple[date, date]], some: Sequence[Finding], period: Period,
    missing: frozenset[Bill], beside: Sequence[PlainConnection],
) -> list[Finding]:  # fmt: skip
    """What differs on the days of spans beside a period and may belong to what was found next to
    them: by the channel's number; or at a merchant, unless another fault stands there already."""
    places: set[tuple[str, str]] = set()
    numbers: set[str] = set()
    for span in spans:
        near = [one for one in some if _is_next(one, span)]
        faulty = {place for one in near if one.found not in JOINABLE for place in places_of(one)}
        places |= {place for one in near for place in places_of(one)} - faulty
        numbers |= {number for one in near for number in numbers_of(one)}
    days = [day for span in spans for day in span]
    found: list[Finding] = []

    async def look(connection: PlainConnection, lane: int) -> None:
        sides = await rows.payments_around(
            connection, lane, days, period, sorted(places), sorted(numbers)
        )
        own = replace(books, connection=connection)
        found.extend(await findings_of(own, lane, sides, period, missing))

    await share_out([books.connection, *beside], sorted(books.journal_of), look)
    return found


def _is_next(finding: Finding, span: tuple[date, date]) -> bool:
    """Whether a day of a finding is, or is next to, one of a span."""
    first, last = days_of(finding)
    return first <= span[1] + DAY and last >= span[0] - DAY
