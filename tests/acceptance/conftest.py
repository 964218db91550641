"""One town a module, for tests in the words of a pharmacy and a hospital."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.kit.town import Town, a_town
from tests.services import FreshDatabase


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked after the module's last test."""
    async with a_town(database) as town:
        yield town
