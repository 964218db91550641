"""What a batch reads does not follow from what PostgreSQL believes of the table.

A ledger is looked at when it has been loaded and then not for a hundred thousand entries. If
nothing was held until then, the planner takes what is held and resolved for nothing.
"""

from __future__ import annotations

import asyncpg

from ledger.entry import EntryKind
from ledger.ports import Appended
from ledger.postgres.store import PostgresLedger
from tests.contract.ledger.world import FUND, HOSPITAL, book, entry
from tests.services import FreshDatabase

LOADED, BATCHES, HOLDS = 500, 40, 20
LEGS = (FUND, HOSPITAL, 100)
_READ = """
    select coalesce(sum(seq_tup_read) + sum(idx_tup_fetch), 0)
    from pg_stat_user_tables where schemaname = 'ledger' and relname = 'entry'
"""


async def entries_read(pool: asyncpg.Pool[asyncpg.Record]) -> int:
    """How many rows of the entries were read so far, by the pool's only session among others."""
    async with pool.acquire() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        return int(await connection.fetchval(_READ))


async def hold_and_post(ledger: PostgresLedger, numbers: range) -> None:
    """Holds payments in one batch and posts them in the next."""
    holds = [entry(n, LEGS, kind=EntryKind.PENDING) for n in numbers]
    posts = [entry(10_000_000 + n, LEGS, kind=EntryKind.POST, pending_id=n) for n in numbers]
    assert isinstance(await book(ledger, *holds), Appended)
    assert isinstance(await book(ledger, *posts), Appended)


async def test_a_post_reads_what_it_resolves_and_not_what_was_resolved_before(
    postgres: FreshDatabase, postgres_pool: asyncpg.Pool[asyncpg.Record],
    owner: asyncpg.Connection[asyncpg.Record],
) -> None:  # fmt: skip
    async with asyncpg.create_pool(postgres.app_dsn, min_size=1, max_size=1) as pool:
        ledger = PostgresLedger(pool)
        loaded = [entry(20_000_000 + n, LEGS) for n in range(LOADED)]
        assert isinstance(await book(ledger, *loaded), Appended)
        await owner.execute("analyze ledger.entry")
        for batch in range(BATCHES):
            await hold_and_post(ledger, range(1 + HOLDS * batch, 1 + HOLDS * (batch + 1)))
        before = await entries_read(pool)
        await hold_and_post(ledger, range(1_000_000, 1_000_002))
        read = await entries_read(pool) - before
        assert 2 <= read < HOLDS
