"""Matching in the database finds what the pure rules find, keeps it once, and explains the sums."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random

import asyncpg
import pytest

from ledger.postgres.shape import Shape
from loadtest.channel_days import (
    DAY,
    NEXT,
    OURS,
    Day,
    Recipe,
    a_day,
    differences,
    keep_day,
)
from settlement.books.channel_joining import join, with_joined
from settlement.books.channel_matching import Class, Joined, compare
from settlement.books.difference_states import State
from settlement.finance import matching
from settlement.finance.books import Books, open_books
from settlement.finance.difference_desk import matched_text
from settlement.finance.matching import Matched, match
from settlement.payments.payment_states import Happening
from settlement.storage import differences as store
from settlement.storage.differences import Difference, Filter
from settlement.storage.install import Region, ensure_schema
from settlement.storage.lease import PlainConnection, connection_for
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
        yield await open_books(connection, dsn=database.owner_dsn, clock=lambda: NOW)
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
    findings = compare(day.ours, day.theirs, day.around)
    return differences(
        {
            (one.key.order_no or one.key.channel_no, one.key.refund_no, one.nth): one.found
            for one in with_joined(findings, join(findings, day.around))
        }
    )


async def matched(
    books: Books, days: int = 0, beside: Sequence[PlainConnection] = ()
) -> Matched:
    found = await match(books, DAY - days * NEXT, DAY + days * NEXT, beside=beside)
    assert found.is_explained
    return found


async def test_database_finds_what_the_rules_find(
    database: FreshDatabase, rng: Random
) -> None:
    """Whatever the days hold: all differences, none false, classed as the pure rules class them;
    matched again nothing is new; day by day over one connection or all days at once over two comes
    to the same."""
    async with a_desk(database) as books, connection_for(books.dsn, "test-beside") as second:
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
                await matched(books, days=2, beside=[second])
            assert await classes(books) == day.expected == purely(day)
            assert (await matched(books, days=2)).new == 0


async def test_payments_that_agree_together_are_told_and_end_what_was_found_before(
    database: FreshDatabase,
) -> None:
    """The night before, the bills of the next day were not here. Whichever of the days are matched
    afterwards, the same agrees."""
    recipes = [
        (Recipe.MERGED, 700), (Recipe.SPLIT_OVER_NUMBERS, 900), (Recipe.MERGED_AT_SHOP, 500),
        (Recipe.MERGED_NEXT_DAY, 300), (Recipe.SPLIT_AT_SHOP, 400), (Recipe.SEVERAL_WAYS, 600),
    ]  # fmt: skip
    async with a_desk(database) as books:
        await emptied(books)
        day = a_day(recipes, lanes=LANES)
        await keep_day(books.connection, day, LANES)
        await books.connection.execute(
            "insert into settlement.bill_replaced (lane, file_no, replaced_by)"
            " select f.lane, f.file_no, 0 from settlement.bill_file f where f.bill_day > $1",
            DAY,
        )
        night = await matched(books)
        assert (night.groups, night.undecided) == ({}, 0)
        waiting = await kept(books)
        assert len(waiting) == 19
        await books.connection.execute("truncate settlement.bill_replaced")
        came = await match(books, DAY, DAY + NEXT)
        assert came.is_explained
        assert came.groups == {Joined.MERGED: 3, Joined.SPLIT: 2} and came.undecided == 1
        assert "合并 3 组，拆分 2 组" in matched_text(came) and "另有 1 组" in matched_text(came)
        now = await kept(books)
        still = {place: one for place, one in now.items() if one.last.state is State.OPEN}
        assert {place: one.last.facts.found for place, one in still.items()} == day.expected
        rules = [one.last.rule for one in now.values() if one.last.state is State.CLOSED]
        assert sorted(rules) == ["merged"] * 8 + ["split"] * 5
        for first, last in ((0, 0), (1, 1), (1, 2), (-1, 0), (0, 1)):
            assert (await match(books, DAY + first * NEXT, DAY + last * NEXT)).new == 0


async def test_where_too_much_differs_nothing_is_joined(
    database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings of all lanes are not held then: each lane is kept when it was read."""
    monkeypatch.setattr(matching, "HELD_MAX", 2)
    async with a_desk(database) as books:
        await emptied(books)
        day = a_day([(Recipe.MERGED, 700), (Recipe.MERGED_AT_SHOP, 500)], lanes=LANES)
        await keep_day(books.connection, day, LANES)
        came = await matched(books)
        assert came.too_many and came.groups == {}
        assert len(await kept(books)) == 6
        assert "未查找合并与拆分" in matched_text(came)


async def test_payment_that_came_after_it_was_undone_is_one(database: FreshDatabase) -> None:
    """The channel said that it was undone, and collected it all the same: the books have it, and
    nobody has to make it up."""
    async with a_desk(database) as books:
        await emptied(books)
        day = a_day([(Recipe.REVERSED_HERE, 640)], lanes=LANES)
        await keep_day(books.connection, day, LANES)
        for number, kind in enumerate((Happening.UNDONE, Happening.PAID), 2):
            await books.connection.execute(
                "insert into settlement.payment_event (lane, pay_no, event_no, kind, attempt,"
                " recorded_at, content, exchange, digest) select c.lane, c.pay_no, $1, $2,"
                " c.attempt, c.at, '[]', '', substr(sha256('x'), 1, 16)"
                " from settlement.channel_row c where c.kind = 3",
                number, kind,
            )  # fmt: skip
            came = await matched(books)
            undone = kind is Happening.UNDONE
            [found] = (await kept(books)).values()
            assert found.last.facts.found is Class.REVERSED_HERE
            assert found.last.state is (State.OPEN if undone else State.CLOSED)
            assert came.total("ours").fen == (0 if undone else 640)
            assert undone or came.cleared.steps == 1


async def test_a_corrected_bill_ends_what_the_first_one_differed_by(
    database: FreshDatabase,
) -> None:
    """The file that it replaces counts no more; what was missing from that one is there now."""
    async with a_desk(database) as books:
        await emptied(books)
        day = a_day([(Recipe.AMOUNT, 500), (Recipe.PLAIN, 700)], lanes=LANES)
        await keep_day(books.connection, day, LANES)
        await matched(books)
        connection = books.connection
        first = await connection.fetchval(
            "select f.file_no from settlement.bill_file f"
            " where f.bill_day = $1 and f.merchant = $2",
            DAY, OURS,
        )  # fmt: skip
        await connection.execute(
            "insert into settlement.bill_file (file_no, received_at, bill_day, lane, channel,"
            " merchant, kind, sha256) select 9999, received_at, bill_day, lane, channel, merchant,"
            " kind, 'another' from settlement.bill_file where file_no = $1",
            first,
        )  # fmt: skip
        await connection.execute(
            "insert into settlement.bill_row (file_no, amount_fen, fee_fen, at, bill_day, row_no,"
            " lane, kind, channel, merchant, order_no, refund_no, channel_no, channel_refund_no,"
            " status) select 9999, amount_fen - (amount_fen = 501)::integer, fee_fen, at, bill_day,"
            " row_no, lane, kind, channel, merchant, order_no, refund_no, channel_no,"
            " channel_refund_no, status from settlement.bill_row where file_no = $1",
            first,
        )  # fmt: skip
        await connection.execute(
            "insert into settlement.bill_replaced (lane, file_no, replaced_by)"
            " values (1, $1, 9999)",
            first,
        )  # fmt: skip
        assert (await matched(books)).new == 1
        (closed,) = (await kept(books)).values()
        assert (closed.last.state, closed.last.rule) == (State.CLOSED, "agrees-now")
        assert (await matched(books)).new == 0


async def test_a_day_without_a_bill_says_nothing_of_its_rows(database: FreshDatabase) -> None:
    """It is told which bill is missing; when it comes the rows are matched."""
    async with a_desk(database) as books:
        await emptied(books)
        day = a_day([(Recipe.PLAIN, 500), (Recipe.PLAIN, 700)], lanes=LANES)
        day.theirs.clear()
        await keep_day(books.connection, day, LANES)
        await books.connection.execute(
            "delete from settlement.bill_file where bill_day = $1", DAY
        )
        found = await matched(books)
        assert found.missing == [("wechat", OURS, DAY)]
        assert (found.new, found.total("unbilled").rows) == (0, 2)
