"""A small demonstration world in a fresh database, for tests that need people to settle for.

Import the fixture into a conftest.py (`from tests.world import world`, beside those of
tests/services.py), or call `small_world` on a database of one's own. Single people, institutions
and items are added with settlement/demo/loader.py; `msgspec.structs.replace` gives them the
property that a test is about.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest
from msgspec import Struct

from loadtest.population import InsuredPerson
from settlement.demo.loader import SEED, Size, add_persons, load_world
from settlement.demo.world_json import world_json
from settlement.keyring import KeyMaterial, Keyring
from settlement.storage.install import LANES, Region, ensure_schema
from tests.services import FreshDatabase, run_apart

REGION = "441900"
APP_ROLE = "settlement_app"
SMALL = Size(persons=200, institutions=6, items=200)
AT = datetime(2026, 3, 16, 2, 30, tzinfo=UTC)
"""10:30 in the region, on a Monday: no day edge is near unless a test moves there."""
KEYS = KeyMaterial(version=1, encryption=bytes(range(32)), lookup=bytes(range(32, 64)))
"""The same in every run, so that a failure can be looked at again."""


class SmallWorld(Struct, frozen=True, kw_only=True):
    """A loaded database and the keys to it."""

    database: FreshDatabase
    keyring: Keyring
    region: str
    lanes: int
    at: datetime

    async def json(self, *, persons: int | None = None) -> bytes:
        """What GET /demo/world.json shows of it, as of `at`."""
        async with connected(self.database.owner_dsn) as connection:
            return await world_json(
                connection, self.keyring, persons=persons, read_clock=lambda: self.at
            )

    async def add(self, *persons: InsuredPerson) -> None:
        """Put people in; their ordinals must not be taken (make them from 1,000,000 on)."""
        async with connected(self.database.owner_dsn) as connection, connection.transaction():
            await add_persons(connection, self.keyring, persons, lanes=self.lanes, at=self.at)


async def small_world(
    database: FreshDatabase, *, size: Size = SMALL, at: datetime = AT, journals: int = 2
) -> SmallWorld:
    """Install the schema in an empty database and load a world."""
    keyring = Keyring((KEYS,))
    region = Region(code=REGION, demo_seed=SEED, journals=journals)
    async with connected(database.owner_dsn) as connection:
        await ensure_schema(connection, region, app_role=APP_ROLE, at=at)
        await load_world(connection, keyring, region=REGION, lanes=LANES, at=at, size=size)
    return SmallWorld(database=database, keyring=keyring, region=REGION, lanes=LANES, at=at)


@pytest.fixture(scope="module")
def world(database: FreshDatabase) -> SmallWorld:
    """A small world for the tests of one module."""
    return run_apart(lambda: small_world(database))


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection, closed afterwards."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
