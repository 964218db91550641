"""An operator's desk for personal data, so much later that what was settled may go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
from msgspec import structs

from settlement.said import Said
from settlement.serve.personal_desk import Desk, confirm, open_desk, propose
from tests.kit.population import Citizen
from tests.kit.townhall import Townhall

YEARS = 5
WHO = {"actor": "测试经办甲", "reason": "测试〔2026〕1号"}
OTHER = {"actor": "测试经办乙", "reason": "测试〔2026〕1号"}


@asynccontextmanager
async def a_desk(town: Townhall, folder: Path) -> AsyncIterator[Desk]:
    """A desk six years later; what it notes beside the database is in the folder."""
    connection = await asyncpg.connect(town.owner_dsn)
    try:
        opened = await open_desk(connection, town.keyring, folder, YEARS)
        yield structs.replace(opened, clock=lambda: town.clock() + timedelta(days=366 * 6))
    finally:
        await connection.close()


async def erased(desk: Desk, who: Citizen) -> Said:
    """One proposes, another confirms."""
    said = await propose(desk, who.number, **WHO)
    assert said.status == 0, said.text
    return await confirm(desk, who.number, **OTHER)
