"""Matters of persons (个人办件) beside the settle path: whose one is, what waits for a clerk, for
whom somebody may act, and what moved an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.numbers import lane_in
from settlement.people.matter_states import Happening, MatterKind
from settlement.storage.queries import QUERIES, SCATTER

AGENTS_MAX = 50
"""Of how many persons somebody may ask for in one go."""


class OpenMatter(Struct, frozen=True, kw_only=True):
    """A matter on the clerk's list."""

    matter_no: int
    kind: MatterKind
    psn_no: str
    opened_at: datetime
    latest: Happening
    amount_fen: int


class AccountMove(Struct, frozen=True, kw_only=True):
    """What moved an account beside settlements and matters; `moved_at` None at the cut-over."""

    kind: int
    """2 paid for a relative, 4 returned by one, 0 brought along, -1 a settlement only noted, -2
    what is held now"""
    entry_id: int
    moved_at: datetime | None
    amount_fen: int


async def owner_of_matter(connection: Connection[Record], matter_no: int) -> str | None:
    """Whose a matter is; None where there is none of that number."""
    found: str | None = await connection.fetchval(
        QUERIES["find_matter"], lane_in(matter_no), matter_no
    )
    return found


async def principals_of(connection: Connection[Record], agent_no: str) -> list[str]:
    """Who ever let somebody act for them; whether that stands their own lanes say."""
    rows = await connection.fetch(SCATTER["matters_of_agent"], agent_no, AGENTS_MAX)
    return list(dict.fromkeys(row["psn_no"] for row in rows))


async def open_matters(connection: Connection[Record], *, limit: int) -> list[OpenMatter]:
    """What waits for a clerk or a bank, the oldest first."""
    return [
        OpenMatter(
            matter_no=row["matter_no"], kind=MatterKind(row["kind"]), psn_no=row["psn_no"],
            opened_at=row["opened_at"], latest=Happening(row["event_kind"]),
            amount_fen=row["amount_fen"],
        )
        for row in await connection.fetch(SCATTER["matters_open"], limit)
    ]  # fmt: skip


async def account_moves(
    connection: Connection[Record], *, lane: int, person_no: str, settlements: Sequence[int]
) -> list[AccountMove]:
    """What moved an account beside these settlements, and which of them moved nothing."""
    rows = await connection.fetch(
        QUERIES["account_moves"], lane, person_no, list(settlements)
    )
    return [
        AccountMove(
            kind=row["kind"], entry_id=row["entry_id"], moved_at=row["moved_at"],
            amount_fen=row["amount_fen"],
        )
        for row in rows
    ]  # fmt: skip
