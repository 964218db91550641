"""One town a module and shape, for tests in the words of a pharmacy and a hospital.

On a cluster every statement that goes to the database is read on its way: it must keep to one lane.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec import structs

from ledger.postgres.shape import Shape
from settlement.embedded.services import Services
from tests.kit.one_lane import assert_one_lane
from tests.kit.proxy import database_line
from tests.kit.town import Town, a_town
from tests.services import fresh_database, temporary_directory


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=list(Shape))
async def town(request: pytest.FixtureRequest, services: Services) -> AsyncIterator[Town]:
    """A town whose books are checked after the module's last test; one of each shape."""
    shape: Shape = request.param
    with fresh_database(services) as database, temporary_directory() as directory:
        async with database_line(database.app_dsn, directory) as line:
            behind = structs.replace(database, app_dsn=line.dsn)
            async with a_town(behind, shape=shape) as town:
                yield town
            if shape is Shape.CLUSTER:
                assert_one_lane(line.statements)
