"""What processes left unfinished, of all lanes: undertakings still open, accounts still held."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.rows import MoveRow, UndertakingKind, UndertakingRow
from settlement.storage.families import move_of
from settlement.storage.queries import SCATTER


async def open_undertakings(
    connection: Connection[Record], *, before: datetime, limit: int
) -> list[UndertakingRow]:
    """What has been under way since before an instant, of all lanes, the oldest first."""
    rows = await connection.fetch(SCATTER["open_undertakings"], before, limit)
    return [
        UndertakingRow(**{**dict(row), "kind": UndertakingKind(row["kind"])}) for row in rows
    ]


async def open_holds(
    connection: Connection[Record], *, before: datetime, limit: int
) -> list[MoveRow]:
    """Holds of which nothing became since before an instant, of all lanes, the oldest first."""
    return [move_of(row) for row in await connection.fetch(SCATTER["open_holds"], before, limit)]
