"""Closing business days (日结): the ledger's boundary, where the day ends, its sums, and its seals
with what it came to.

Each of the three is done once and may be done later: a day that was left half closed is finished by
whoever comes next. Days are closed in their order. Closing takes every journal's head for a moment,
as a batch does; everything else only reads what does not change any more.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from msgspec import Struct

from ledger.postgres.schema import close_day
from ledger.rules import Outcome
from settlement.books.seal_keys import SigningKey
from settlement.books.sealing import Span, roots_of
from settlement.storage import closing as store
from settlement.storage import day_totals, seals
from settlement.storage.lease import PlainConnection
from settlement.storage.seals import Home


class DayClosed(Struct, frozen=True, kw_only=True):
    """A day that was closed, or finished."""

    day: date
    institutions: int
    settlements: int
    signed: bool


async def close_days(
    connection: PlainConnection, home: Home, *, through: date, at: datetime,
    key: SigningKey | None,
) -> list[DayClosed]:  # fmt: skip
    """Close every day up to one that is not closed, and finish those that were left half closed."""
    day = await store.first_open_day(connection)
    while day is not None and day <= through:
        if await close_day(connection, business_day=day, closed_at=at) is Outcome.OK:
            await store.keep_day_end(connection, day)
        day += timedelta(days=1)
    return await finish_days(connection, home, at=at, key=key)


async def finish_days(
    connection: PlainConnection, home: Home, *, at: datetime, key: SigningKey | None
) -> list[DayClosed]:
    """What is missing of closed days: where they end, and their seals with their totals."""
    for day in await store.days_without_end(connection):
        await store.keep_day_end(connection, day)
    return [
        await _sealed(connection, home, day, at, key)
        for day in await seals.days_to_seal(connection)
    ]


async def _sealed(
    connection: PlainConnection, home: Home, day: date, at: datetime, key: SigningKey | None
) -> DayClosed:
    rows = await day_totals.read_day(connection, day)
    roots = roots_of(rows.leaves)
    span = Span(begins_on=day, ends_on=day)
    async with connection.transaction():
        if await seals.keep_seals(connection, home, span, roots, key, at) is not None:
            await day_totals.keep_day(connection, home.lanes, day, rows)
    return DayClosed(
        day=day, institutions=len(roots), settlements=sum(one.settlements for one in roots),
        signed=key is not None,
    )  # fmt: skip
