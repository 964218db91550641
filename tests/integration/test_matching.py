"""Matching in the database finds what the pure rules find, keeps it once, and explains the sums."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

import asyncpg
import pytest

from ledger.postgres.shape import Shape
from loadtest.channel_days import (
    DAY,
    NEXT,
    Day,
    Recipe,
    a_day,
    differences,
    keep_day,
)
from settlement.channel_matching import Class, compare
from settlement.finance.books import Books, open_books
from settlement.finance.matching import Matched, match
from settlement.storage import differences as store
from settlement.storage.differences import Difference, Filter
from settlement.storage.install import Region, ensure_schema
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio

LANES = 8
NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
TABLES = (
    "channel_row", "channel_day", "bill_row", "bill_file", "bill_replaced", "merchant_fee",
    "difference", "difference_step", "payment", "payment_event",
)  # fmt: skip


@asynccontextmanager
async def a_desk(database: FreshDatabase) -> AsyncIterator[Books]:
    """The books of an operator on an empty database."""
    connection = await asyncpg.connect(database.owner_dsn)
    region = Region(code="441900", lanes=LANES, shape=Shape.ONE_MACHINE, journals=2)
    await ensure_schema(connection, region, app_role="settlement_app", at=NOW)
    try:
        yield await open_books(connection, clock=lambda: NOW)
    finally:
        await connection.close()


async def emptied(books: Books) -> None:
    names = ", ".join(f"settlement.{one}" for one in TABLES)
    await books.connection.execute(f"truncate {names}")


async def kept(books: Books) -> dict[tuple[str, str, int], Difference]:
    found = await store.listed(books.connection, Filter(all_states=True), 10_000)
    return {
        (one.name.order_no or one.name.channel_no, one.name.refund_no, one.name.nth): one
        for one in found
    }


async def classes(books: Books) -> dict[tuple[str, str, int], Class]:
    return {place: one.last.facts.found for place, one in (await kept(books)).items()}


def purely(day: Day) -> dict[tuple[str, str, int], Class]:
    """What the reference says, over all rows."""
    return differences(
        {
            (one.key.order_no or one.key.channel_no, one.key.refund_no, one.nth): one.found
            for one in compare(day.ours, day.theirs, day.around)
        }
    )


async def matched(books: Books, days: int = 0) -> Matched:
    found = await match(books, DAY - days * NEXT, DAY + days * NEXT)
    assert found.is_explained
    return found


async def test_database_finds_what_the_rules_find(
    database: FreshDatabase, rng: Random
) -> None:
    """Whatever the days hold: all differences, none false, classed as the pure rules class them;
    matched again nothing is new; day by day or all days at once comes to the same."""
    async with a_desk(database) as books:
        for world in range(12):
            rows = rng.choice((0, 5, 80))
            recipes = [
                (rng.choice(list(Recipe)), rng.randrange(3, 10**7)) for _ in range(rows)
            ]
            await emptied(books)
            day = a_day(recipes, lanes=LANES)
            await keep_day(books.connection, day, LANES)
            if world % 2:
                for n in range(-2, 6):
                    assert (await match(books, DAY + n * NEXT, DAY + n * NEXT)).is_explained
            else:
                await matched(books, days=2)
            assert await classes(books) == day.expected == purely(day)
            assert (await matched(books, days=2)).new == 0
