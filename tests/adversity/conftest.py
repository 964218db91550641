"""A town whose database, line or processes fail where a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from settlement.serve.service import Service
from tests.kit.proxy import DatabaseLine, database_line
from tests.kit.town import Town, a_town, small_limits
from tests.services import FreshDatabase, temporary_directory

IMPATIENT = small_limits(
    request_seconds_max=3.0, database_read_seconds_max=1.0, database_write_seconds_max=1.9
)
"""A caller waits three seconds for the database to come back, not ten."""
EMPLOYEES = 700


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked after the module's last test."""
    async with a_town(database, employees=EMPLOYEES) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(town: Town) -> AsyncIterator[DatabaseLine]:
    """A line to the town's database that can be broken."""
    with temporary_directory() as directory:
        async with database_line(town.app_dsn, directory) as line:
            yield line


@pytest_asyncio.fixture(loop_scope="module")
async def worker(town: Town, line: DatabaseLine) -> AsyncIterator[Service]:
    """An impatient service behind the line."""
    service = await town.start_service(IMPATIENT, dsn=line.dsn)
    yield service
    await town.stop_service(service)
