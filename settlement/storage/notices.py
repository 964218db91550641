"""Messages to those whose accounts paid for relatives, read from what moved."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.people.notice import Notice
from settlement.rows import MoveKind
from settlement.storage.queries import QUERIES


async def notices_of(
    connection: Connection[Record], *, lane: int, person_no: str, since: datetime
) -> tuple[Notice, ...]:
    """What a person was told since then, in order."""
    rows = await connection.fetch(QUERIES["family_notices"], lane, person_no, since)
    return tuple(Notice(**{**dict(row), "kind": MoveKind(row["kind"])}) for row in rows)
