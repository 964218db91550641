"""One town a module, with further services on its database, as worker processes would be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from settlement.serve.service import Service
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

EMPLOYEES = 900


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked after the module's last test."""
    async with a_town(database, employees=EMPLOYEES) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(town: Town) -> list[Service]:
    """Three services on one database."""
    return [town.service, await town.start_service(), await town.start_service()]
