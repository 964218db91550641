"""Tokens of e-credentials that nobody can use any more."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.lanes import lane_of_key
from settlement.storage.queries import SCATTER


async def drop_dead(connection: Connection[Record], *, before: datetime, lanes: int) -> int:
    """Tokens that died before a moment go, and the ways to their persons; how many."""
    async with connection.transaction():
        keys = [row["key"] for row in await connection.fetch(SCATTER["drop_dead_tokens"], before)]
        if keys:
            places = [lane_of_key(key, lanes) for key in keys]
            await connection.execute(SCATTER["drop_token_lookups"], places, keys)
    return len(keys)
