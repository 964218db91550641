"""Cases of people insured elsewhere that are not at their end: the worklist of the resolver."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import SCATTER


class DueCase(Struct, frozen=True, kw_only=True):
    """A case that somebody should look at."""

    case_no: int
    due_at: datetime
    psn_no: str
    institution: str
    insured_region: str


async def due_cases(
    connection: Connection[Record], *, by: datetime, limit: int
) -> list[DueCase]:
    """What should have been looked at by then, the oldest first; of each region no more than the
    limit."""
    rows = await connection.fetch(SCATTER["cases_due"], by, limit)
    return [DueCase(**dict(row)) for row in rows]
