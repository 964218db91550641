"""Drops tokens of e-credentials (医保电子凭证) some days after they died.

Until then whoever shows one hears that it has expired; afterwards that nobody knows it.
"""

from __future__ import annotations

from datetime import timedelta

from settlement.clock import system_clock
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.tokens import drop_dead

KEPT = timedelta(days=7)


async def drop_tokens(connection: PlainConnection) -> int:
    """Dead tokens go; how many."""
    lanes = len(await reference.lanes(connection))
    return await drop_dead(connection, before=system_clock() - KEPT, lanes=lanes)
