"""The list of claims to be decided again (待重算), where a region cancels in free order.

Derived from the settlement rows whenever somebody asks; nothing is stored and the settle path knows
nothing of it (DOMAIN 10).
"""

from __future__ import annotations

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import SCATTER


class StaleClaim(Struct, frozen=True, kw_only=True):
    """A settlement that stands, and an earlier one of its year that was undone after it."""

    setl_id: int
    person_no: str
    year: int
    undone_setl_id: int


async def claims_to_readjudicate(connection: Connection[Record]) -> tuple[StaleClaim, ...]:
    """Every such pair, person by person, oldest first."""
    return tuple(
        StaleClaim(
            setl_id=row["setl_id"],
            person_no=row["psn_no"],
            year=row["year"],
            undone_setl_id=row["undone_setl_id"],
        )
        for row in await connection.fetch(SCATTER["to_readjudicate"])
    )
