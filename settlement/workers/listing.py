"""Lists settlement rows by institution and day, so that reconciliation need not look for them."""

from __future__ import annotations

from settlement.clock import system_clock
from settlement.storage.files import drop_expired
from settlement.storage.lease import PlainConnection
from settlement.storage.statements import list_behind

BLOCKS_BEHIND_MIN = 20
"""Fewer new blocks than this are read where they are, for less than a step would cost."""


async def list_all(connection: PlainConnection) -> int:
    """One step of every journal that is far enough behind; the blocks listed."""
    return await list_behind(connection, blocks_min=BLOCKS_BEHIND_MIN)


async def drop_files(connection: PlainConnection) -> int:
    """Expired files go; how many."""
    return await drop_expired(connection, system_clock())
