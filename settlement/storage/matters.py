"""What persons have done for them (个人办件) as stored: read into a batch's view, and listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.matter_rows import MatterEventRow, MatterFact, MatterRow
from settlement.matter_states import Happening, MatterKind
from settlement.numbers import lane_in
from settlement.storage.queries import QUERIES, SCATTER, SHAPED
from settlement.view import View

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


async def read_matters(
    connection: Connection[Record], persons: Iterable[tuple[int, str]], view: View, shape: Shape
) -> None:
    """The matters of persons, each named with its lane, into the view."""
    wanted = sorted(persons)
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_matters",
        [lane for lane, _ in wanted], [person_no for _, person_no in wanted],
    )  # fmt: skip
    for _, person_no in wanted:
        view.matters.setdefault(person_no, {})
    for row in rows:
        known = view.matters[row["psn_no"]]
        fact = known.get(row["matter_no"])
        if fact is None:
            matter = MatterRow(
                lane=row["lane"], matter_no=row["matter_no"], opened_at=row["opened_at"],
                kind=MatterKind(row["kind"]), psn_no=row["psn_no"], agent_no=row["agent_no"],
                payload=row["payload"],
            )  # fmt: skip
            fact = known[matter.matter_no] = MatterFact(row=matter, events=[])
        fact.events.append(
            MatterEventRow(
                lane=row["lane"], matter_no=row["matter_no"], event_no=row["event_no"],
                kind=Happening(row["event_kind"]), recorded_at=row["recorded_at"],
                business_day=row["business_day"], entry_id=row["entry_id"],
                amount_fen=row["amount_fen"], actor=row["actor"], through=row["through"],
                reference=row["reference"], coverage_months=row["coverage_months"],
                note=row["note"],
            )
        )  # fmt: skip


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
