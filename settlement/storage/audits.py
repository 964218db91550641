"""What operators did, as kept: who, when, what, to what, and why. Rows are only added."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import REFERENCE


class Audited(Struct, frozen=True, kw_only=True):
    """One row of settlement.audit."""

    at: datetime
    actor: str
    action: str
    subject: str
    note: str


async def keep_audit(connection: Connection[Record], row: Audited) -> None:
    """Add a row."""
    await connection.execute(
        REFERENCE["audit"], row.at, row.actor, row.action, row.subject, row.note
    )


async def audited(connection: Connection[Record], beginning: str) -> list[Audited]:
    """What was done to subjects that begin so, in order."""
    rows = await connection.fetch(REFERENCE["audited"], beginning)
    return [
        Audited(
            at=row["at"], actor=row["actor"], action=row["action"], subject=row["subject"],
            note=row["note"],
        )
        for row in rows
    ]  # fmt: skip
