"""Counts for operators that only a query can tell (`sql/census.sql`)."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import CENSUS


class InDoubt(Struct, frozen=True, kw_only=True):
    """How much of a kind is not at its end."""

    what: str
    found: int
    oldest_at: datetime


class DatabaseUse(Struct, frozen=True, kw_only=True):
    """What the database takes, and what its server allows."""

    bytes: int
    connections: int
    connections_max: int


async def in_doubt(
    connection: Connection[Record], peoples_turn: datetime
) -> list[InDoubt]:
    """What is not at its end now; a kind of which everything is, is left out. A payment that is due
    at `peoples_turn` waits for people."""
    rows = await connection.fetch(CENSUS["in_doubt_now"], peoples_turn)
    return [InDoubt(**dict(row)) for row in rows]


async def region_differences(connection: Connection[Record]) -> dict[str, int]:
    """Open differences with other regions by class."""
    return dict(await connection.fetch(CENSUS["region_differences_open"]))


async def region_differences_proposed(connection: Connection[Record]) -> int:
    """How many of them wait for a second person."""
    proposed: int = await connection.fetchval(CENSUS["region_differences_proposed"])
    return proposed


async def database_use(connection: Connection[Record]) -> DatabaseUse:
    """See the class."""
    (row,) = await connection.fetch(CENSUS["database_used"])
    return DatabaseUse(**dict(row))
