"""What persons have done for them (个人办件) as stored: read into the view of a batch."""

from __future__ import annotations

from collections.abc import Iterable

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.people.matter_rows import MatterEventRow, MatterFact, MatterRow
from settlement.people.matter_states import Happening, MatterKind
from settlement.storage.queries import SHAPED
from settlement.view import View


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
