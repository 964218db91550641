"""The list of claims to be decided again (待重算): they stand, and what decided them changed since.

Derived from the settlement rows whenever somebody asks, and from the changes of memberships that an
import keeps; the settle path knows nothing of it (DOMAIN 10, 21).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import SCATTER


class Cause(StrEnum):
    """Why a claim is on the list."""

    EARLIER_UNDONE = "earlier_undone"
    """an earlier one of its person and year was undone after it"""
    MEMBERSHIP_CHANGED = "membership_changed"
    """an import changed after it what the person's memberships say of one of its days"""


class StaleClaim(Struct, frozen=True, kw_only=True):
    """A settlement that stands, and one reason to decide it again."""

    setl_id: int
    person_no: str
    year: int
    cause: Cause
    undone_setl_id: int | None = None
    """what was undone"""
    changed_at: datetime | None = None
    """when the memberships were changed"""
    days: tuple[str, ...] = ()
    """for which days: first/last, either of them empty where the end is open"""


async def claims_to_readjudicate(connection: Connection[Record]) -> tuple[StaleClaim, ...]:
    """Every claim with each of its reasons: by cause, person by person, oldest first."""
    undone = await connection.fetch(SCATTER["to_readjudicate"])
    changed = await connection.fetch(SCATTER["decided_on_other_memberships"])
    return (
        *(
            StaleClaim(
                setl_id=row["setl_id"], person_no=row["psn_no"], year=row["year"],
                cause=Cause.EARLIER_UNDONE, undone_setl_id=row["undone_setl_id"],
            )
            for row in undone
        ),
        *(
            StaleClaim(
                setl_id=row["setl_id"], person_no=row["psn_no"], year=row["year"],
                cause=Cause.MEMBERSHIP_CHANGED, changed_at=row["changed_at"],
                days=tuple(row["days"]),
            )
            for row in changed
        ),
    )  # fmt: skip
