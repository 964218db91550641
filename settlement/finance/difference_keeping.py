"""Keeping what a matching found: the differences of a lane in one short transaction, under the lock
that acts of people take. Found again as it was, a difference gets no new step (ADR 0039).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from settlement.books.channel_matching import NO_DIFFERENCE, Finding
from settlement.books.difference_states import Name, Step, seen
from settlement.finance.books import Books
from settlement.storage import differences as store
from settlement.storage.differences import Difference

LookedAt = Callable[[Difference], bool]


async def keep(
    books: Books, lane: int, findings: Sequence[Finding], days: tuple[date, date],
    was_looked_at: LookedAt,
) -> int:  # fmt: skip
    """Keep what is new about the differences of a lane; how many steps. `was_looked_at` says of one
    that was not found again whether the matching would have found it."""
    by_name = {_name(lane, one): one for one in findings}
    orders = sorted({name.order_no for name in by_name if name.order_no})
    channel_nos = sorted({name.channel_no for name in by_name if name.channel_no})
    async with books.connection.transaction():
        await store.lock_lane(books.connection, lane)
        known = await store.known_of(books.connection, lane, orders, channel_nos, *days)
        steps = _steps(books, by_name, {one.name: one for one in known}, was_looked_at)
        new = [(number, name) for number, name, some in steps if some[0].step_no == 1]
        await store.keep_new(books.connection, lane, new, books.moment.at)
        flat = [(number, step) for number, _, some in steps for step in some]
        await store.keep_steps(books.connection, lane, flat)
    return len(flat)


def _steps(
    books: Books, by_name: dict[Name, Finding], known: dict[Name, Difference],
    was_looked_at: LookedAt,
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
            number = books.number(name.lane) if before is None else before.number
            kept.append((number, name, steps))
    for name, before in known.items():
        if name not in by_name and was_looked_at(before):
            steps = seen(before.last, None, at)
            if steps:
                kept.append((before.number, name, steps))
    return kept


def _name(lane: int, finding: Finding) -> Name:
    key = finding.key
    channel = finding.ours.channel if finding.ours is not None else finding.theirs[0].channel
    return Name(
        lane=lane, channel=channel, kind=key.kind, order_no=key.order_no,
        refund_no=key.refund_no, channel_no=key.channel_no, nth=finding.nth,
    )  # fmt: skip
