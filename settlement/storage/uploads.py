"""What was uploaded that is only stored, for operators: counts, and lists of undone settlements.

Derived whenever somebody asks; the settle path knows nothing of it (DOMAIN 28).
"""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import SCATTER


class Stored(Struct, frozen=True, kw_only=True):
    """The uploads of one transaction."""

    infno: str
    stored: int
    first_at: datetime
    last_at: datetime


class UndoneList(Struct, frozen=True, kw_only=True):
    """A settlement list whose settlement was cancelled or reversed after it came."""

    upload_id: int
    institution: str
    setl_id: int
    undone_by: int
    undone_at: datetime


async def count_uploads(connection: Connection[Record], since: datetime) -> tuple[Stored, ...]:
    """By transaction, in its order."""
    rows = await connection.fetch(SCATTER["count_uploads"], since)
    return tuple(Stored(**dict(row)) for row in rows)


async def lists_of_undone(
    connection: Connection[Record], since: datetime
) -> tuple[UndoneList, ...]:
    """Those that came since then, in the order in which their settlements were undone."""
    rows = await connection.fetch(SCATTER["lists_of_undone"], since)
    return tuple(UndoneList(**dict(row)) for row in rows)
