"""One suite for every implementation of the port `Ledger`: a small chart, opened in both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from ledger.memory import MemoryLedger
from ledger.ports import Ledger
from ledger.postgres.schema import install
from ledger.postgres.shape import Shape
from ledger.postgres.store import PostgresLedger
from settlement.embedded.services import Services
from tests.contract.ledger.world import JOURNALS, LANES, OPENED_AT, open_chart
from tests.services import FreshDatabase, fresh_database


@pytest.fixture
def postgres(services: Services) -> Iterator[FreshDatabase]:
    """An empty database for one test."""
    with fresh_database(services) as fresh:
        yield fresh


@pytest.fixture
def shape() -> Shape:
    """The shape of the database; a test of both says so with `parametrize`."""
    return Shape.ONE_MACHINE


async def installed(fresh: FreshDatabase, shape: Shape) -> None:
    """Installs the ledger's schema as its owner; the application gets its rights."""
    owner = await asyncpg.connect(fresh.owner_dsn)
    try:
        name = await owner.fetchval("select current_user")
        await install(
            owner, lanes=LANES, journals=JOURNALS[shape], opened_at=OPENED_AT,
            application_role="settlement_app", verify_role=name, shape=shape,
        )  # fmt: skip
    finally:
        await owner.close()


@pytest.fixture
async def postgres_pool(
    postgres: FreshDatabase, shape: Shape
) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """A pool as the application's role on an installed ledger with its chart open."""
    await installed(postgres, shape)
    async with asyncpg.create_pool(postgres.app_dsn, min_size=1, max_size=4) as pool:
        await open_chart(PostgresLedger(pool))
        yield pool


@pytest.fixture
async def owner(
    postgres: FreshDatabase, postgres_pool: object
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection as the schema's owner: whoever could tamper, could do it like this."""
    connection = await asyncpg.connect(postgres.owner_dsn)
    yield connection
    await connection.close()


async def memory_ledger(shape: Shape) -> MemoryLedger:
    """The reference implementation with its chart open, and as many journals as a shape has."""
    ledger = MemoryLedger(lanes=LANES, journals=JOURNALS[shape], opened_at=OPENED_AT)
    await open_chart(ledger, shape)
    return ledger


@pytest.fixture(params=["memory", *Shape])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    """Each implementation in turn, on the same chart; PostgreSQL in both shapes."""
    if request.param == "memory":
        yield await memory_ledger(Shape.ONE_MACHINE)
        return
    services = request.getfixturevalue("services")
    with fresh_database(services) as fresh:
        await installed(fresh, request.param)
        async with asyncpg.create_pool(fresh.app_dsn, min_size=1, max_size=2) as pool:
            ledger = PostgresLedger(pool)
            await open_chart(ledger, request.param)
            yield ledger
