"""One town a module and shape, with further services on its database, as if other processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from settlement.embedded.services import Services
from settlement.serve.service import Service
from tests.kit.town import Town, a_town
from tests.services import fresh_database

EMPLOYEES = 900
LANES = 16
"""Also on a cluster: three services have a connection for each of its journals."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(Shape))
async def town(request: pytest.FixtureRequest, services: Services) -> AsyncIterator[Town]:
    """A town whose books are checked after the module's last test; one of each shape."""
    with fresh_database(services) as database:
        async with a_town(
            database, employees=EMPLOYEES, shape=request.param, lanes=LANES
        ) as town:
            yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(town: Town) -> list[Service]:
    """Three services on one database."""
    return [town.service, await town.start_service(), await town.start_service()]
