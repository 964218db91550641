"""What the console shows of months with other regions beside their steps and sums: rows that
somebody looks for, and the papers that went over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from protocol.hub.messages import Kind
from settlement.storage.queries import REGIONAL, SCATTER
from settlement.storage.regional_clearing import Leg, Place, leg_of


class SeenPaper(Struct, frozen=True, kw_only=True):
    """A paper about a month, and what became of it."""

    sent: bool
    """by us"""
    kind: Kind
    number: str
    kept_at: datetime
    taken: bool | None
    """None while nothing became of it"""
    said: str


async def legs_found(
    connection: Connection[Record], place: Place, text: str, *, limit: int
) -> list[Leg]:
    """Rows of a period, the earliest first; those whose case or institution begins with `text`
    where it is not empty."""
    rows = await connection.fetch(REGIONAL["region_legs_found"], *place.key, text, limit)
    return [leg_of(row) for row in rows]


async def papers_of(
    connection: Connection[Record], statements: Sequence[str], *, limit: int
) -> list[SeenPaper]:
    """Papers about statements of these numbers, the newest first."""
    rows = await connection.fetch(SCATTER["papers_of_statements"], list(statements), limit)
    return [
        SeenPaper(
            sent=row["sent"], kind=Kind(row["kind"]), number=row["number"],
            kept_at=row["kept_at"], taken=row["taken"], said=row["said"] or "",
        )
        for row in rows
    ]  # fmt: skip


async def rows_here_up_to(connection: Connection[Record], before: date, most: int) -> int:
    """Rows of people from elsewhere before a day; `most` where there are more."""
    counted: int = await connection.fetchval(SCATTER["rows_here_up_to"], before, most)
    return counted
