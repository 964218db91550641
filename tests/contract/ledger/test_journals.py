"""Journals: what waits for what, in which order heads are locked, and how their number changes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from asyncpg import Connection, Pool, Record

from ledger.ports import Appended, Refused
from ledger.postgres.fold import fold_once, trial_balance
from ledger.postgres.schema import change_journals
from ledger.postgres.shape import Shape
from ledger.postgres.store import PostgresLedger
from ledger.postgres.verify import verify
from ledger.rules import Outcome
from tests.contract.ledger.world import (
    BOOKED_AT,
    DAY,
    FUND,
    HOSPITAL,
    PHARMACY,
    book,
    entry,
    fill,
    person,
)  # fmt: skip

CHANGED_AT = datetime(2025, 6, 1, tzinfo=UTC)
WAITING = (
    "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
    " where not l.granted and a.datname = current_database()"
)


async def waiting(pool: Pool[Record], count: int) -> None:
    """Returns when that many sessions of this database wait for a lock."""
    async with asyncio.timeout(60):
        while await pool.fetchval(WAITING) != count:
            # Nothing tells us when a session begins to wait, so ask again; each asking is I/O.
            continue


async def test_two_batches_of_one_journal_follow_each_other(
    postgres_pool: Pool[Record], owner: Connection[Record]
) -> None:
    ledger = PostgresLedger(postgres_pool)
    async with owner.transaction():
        await owner.fetchrow("select ledger.lock_head(1::smallint)")
        first = asyncio.create_task(book(ledger, entry(1, (FUND, PHARMACY, 1), lane=0)))
        second = asyncio.create_task(book(ledger, entry(2, (FUND, PHARMACY, 1), lane=2)))
        await waiting(postgres_pool, 2)
        other = await book(ledger, entry(3, (FUND, PHARMACY, 1), lane=1))
        assert isinstance(other, Appended)
        assert not first.done()
    blocks = {(await first).block_no, (await second).block_no}  # type: ignore[union-attr]
    assert blocks == {1, 2}
    assert (await verify(postgres_pool)).ok


async def test_many_batches_at_once_stay_gapless_and_verified(
    postgres_pool: Pool[Record],
) -> None:
    ledger = PostgresLedger(postgres_pool)
    booked = await asyncio.gather(
        *(book(ledger, entry(1 + i, (FUND, PHARMACY, 1), lane=i % 4)) for i in range(60))
    )
    assert all(isinstance(one, Appended) for one in booked)
    report = await verify(postgres_pool, chunk_entries=7)
    assert (report.ok, report.entries, report.blocks) == (True, 60, 60)


async def test_verification_of_a_ledger_that_grows_meanwhile_is_right(
    postgres_pool: Pool[Record],
) -> None:
    ledger = PostgresLedger(postgres_pool)
    for lane in range(4):
        await fill(ledger, lane, 10_000)
    booking = [
        book(ledger, entry(10 + i, (person(i % 4), PHARMACY, 1), lane=i % 4)) for i in range(80)
    ]
    checking = [verify(postgres_pool, connections=1, chunk_entries=5) for _ in range(4)]
    _, reports = await asyncio.gather(asyncio.gather(*booking), asyncio.gather(*checking))
    assert [report.first_bad for report in reports] == [None] * 4
    assert (await verify(postgres_pool)).entries == 84


async def test_of_two_racing_duplicates_one_is_booked(postgres_pool: Pool[Record]) -> None:
    ledger = PostgresLedger(postgres_pool)
    one = entry(1, (FUND, PHARMACY, 1))
    booked = await asyncio.gather(*(book(ledger, one) for _ in range(4)))
    assert sum(isinstance(answer, Appended) for answer in booked) == 1
    refused = [answer for answer in booked if isinstance(answer, Refused)]
    assert refused == [Refused(refusals=((0, Outcome.EXISTS),))] * 3


async def test_racing_spenders_never_overdraw(postgres_pool: Pool[Record]) -> None:
    ledger = PostgresLedger(postgres_pool)
    await fill(ledger, 0, 100)
    booked = await asyncio.gather(
        *(book(ledger, entry(10 + i, (person(0), PHARMACY, 40))) for i in range(4))
    )
    assert sum(isinstance(answer, Appended) for answer in booked) == 2
    left = await ledger.guarded_balance(lane=0, account=person(0))
    assert left is not None
    assert left.spendable_fen == 20


async def test_closing_locks_heads_in_ascending_order(
    postgres_pool: Pool[Record], owner: Connection[Record]
) -> None:
    # While journal 2 is held, a close waits for it holding journal 1: so two closes, or a close
    # and a change of journals, can never wait for each other in a ring.
    ledger = PostgresLedger(postgres_pool)
    async with owner.transaction():
        await owner.fetchrow("select ledger.lock_head(2::smallint)")
        closing = asyncio.create_task(ledger.close_day(business_day=DAY, closed_at=BOOKED_AT))
        await waiting(postgres_pool, 1)
        late = asyncio.create_task(book(ledger, entry(1, (FUND, PHARMACY, 1), lane=0)))
        await waiting(postgres_pool, 2)
    assert await closing is Outcome.OK
    assert await late == Refused(refusals=((0, Outcome.DAY_CLOSED),))


async def test_closes_racing_batches_do_not_deadlock(postgres_pool: Pool[Record]) -> None:
    ledger = PostgresLedger(postgres_pool)
    days = [DAY + timedelta(days=i) for i in range(3)]
    closing = [ledger.close_day(business_day=day, closed_at=BOOKED_AT) for day in days * 2]
    booking = [book(ledger, entry(1 + i, (FUND, PHARMACY, 1), lane=i % 4)) for i in range(12)]
    outcomes = await asyncio.gather(*closing, *booking)
    assert sorted(outcome for outcome in outcomes if isinstance(outcome, Outcome)) == (
        [Outcome.OK] * 3 + [Outcome.DAY_CLOSED] * 3
    )
    assert (await verify(postgres_pool)).ok


async def test_changing_the_number_of_journals_closes_old_chains_and_cites_them(
    postgres_pool: Pool[Record], owner: Connection[Record]
) -> None:
    ledger = PostgresLedger(postgres_pool)
    await fill(ledger, 0, 100)
    assert await change_journals(owner, journals=4, changed_at=CHANGED_AT) == (3, 4, 5, 6)
    old = entry(2, (person(0), PHARMACY, 40))
    refused = await ledger.append(journal=1, business_day=DAY, booked_at=BOOKED_AT, entries=[old])
    assert refused == Refused(refusals=((0, Outcome.JOURNAL_NOT_OPEN),))
    booked = await ledger.append(journal=3, business_day=DAY, booked_at=BOOKED_AT, entries=[old])
    assert isinstance(booked, Appended)
    assert booked.block_no == 1
    report = await verify(postgres_pool)
    assert (report.ok, report.journals, report.entries) == (True, 6, 2)
    assert await owner.fetchval("select cites from ledger.journal where journal = 6") == "1:1 2:0"


@pytest.mark.parametrize("shape", [Shape.CLUSTER])
async def test_on_a_cluster_every_lane_keeps_a_journal_of_its_own(
    postgres_pool: Pool[Record], owner: Connection[Record]
) -> None:
    ledger = PostgresLedger(postgres_pool)
    own, other = [
        await ledger.append(
            journal=3, business_day=DAY, booked_at=BOOKED_AT,
            entries=[entry(1, (FUND, PHARMACY, 1), lane=lane)],
        )
        for lane in (2, 0)
    ]  # fmt: skip
    assert isinstance(own, Appended)
    assert other == Refused(refusals=((0, Outcome.LANE_OF_OTHER_JOURNAL),))
    assert await ledger.close_day(business_day=DAY, closed_at=BOOKED_AT) is Outcome.OK
    with pytest.raises(ValueError, match="2 journals for 4 lanes"):
        await change_journals(owner, journals=2, changed_at=CHANGED_AT)
    assert await change_journals(owner, journals=4, changed_at=CHANGED_AT) == (5, 6, 7, 8)
    rows = await owner.fetch("select lane, journal from ledger.journal order by journal")
    assert [tuple(row) for row in rows] == [(n % 4, n + 1) for n in range(8)]
    report = await verify(postgres_pool)
    assert (report.ok, report.journals, report.blocks, report.entries) == (True, 8, 5, 1)


async def test_a_cited_chain_cannot_be_prolonged_or_cut(
    postgres_pool: Pool[Record], owner: Connection[Record]
) -> None:
    await fill(PostgresLedger(postgres_pool), 0, 100)
    await change_journals(owner, journals=1, changed_at=CHANGED_AT)
    await owner.execute("delete from ledger.entry")
    await owner.execute("delete from ledger.block")
    await owner.execute("update ledger.balance set credits = 0")
    report = await verify(postgres_pool)
    assert report.first_bad is not None
    assert "opening hash" in report.first_bad.what


async def test_folding_changes_no_balance(
    postgres_pool: Pool[Record], owner: Connection[Record]
) -> None:
    ledger = PostgresLedger(postgres_pool)
    await fill(ledger, 0, 100)
    await book(ledger, entry(2, (person(0), PHARMACY, 40), (FUND, HOSPITAL, 5)))
    before = await trial_balance(owner, "agency")
    async with postgres_pool.acquire() as connection:
        assert await fold_once(connection, journal=1, blocks_max=1) == 1
        assert await trial_balance(owner, "agency") == before
        assert await fold_once(connection, journal=1) == 2
        assert await fold_once(connection, journal=1) == 2
        assert await fold_once(connection, journal=2) == 0
    assert await trial_balance(owner, "agency") == before
    await book(ledger, entry(3, (FUND, HOSPITAL, 5)))
    assert (await ledger.balance(HOSPITAL)).credits_fen == 10
