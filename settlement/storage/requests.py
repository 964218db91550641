"""Requests of stays beside the settle path: which nobody has answered."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.storage.queries import SCATTER

LIMIT = 500
"""Requests in one look."""


async def open_requests(
    connection: Connection[Record], *, after: datetime, until: datetime, institution: str | None
) -> list[int]:
    """Numbers of those made in a period (local time), the oldest first."""
    rows = await connection.fetch(
        SCATTER["requests_open"], after, until, institution, LIMIT
    )
    return [row["mdtrt_id"] for row in rows]
