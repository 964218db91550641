"""What is read of accounts that pay for relatives (家庭共济): who may, what became of holds.

Settlements read it only where one names relatives; the rest is for what settles up after them
(serve/family.py, workers/family.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.commands import Command
from settlement.numbers import lane_in
from settlement.person import FamilyLink
from settlement.rows import MoveKind, MoveRow, ShareRow
from settlement.storage.queries import SHAPED
from settlement.view import View

_DECODE_FAMILY = msgspec.json.Decoder(tuple[FamilyLink, ...]).decode


class Question(Struct, frozen=True, kw_only=True, gc=False):
    """Which hold, for which undertaking of whom."""

    hold_id: int
    patient_lane: int
    patient_no: str
    undertaking_id: int


class Outcome(Struct, frozen=True, gc=False):
    """What the patient's lane says of a hold; `setl_id` is the settlement that it pays."""

    still_open: bool
    setl_id: int | None


async def read_families(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> None:
    """Relatives of the persons of these commands, into the view."""
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_families",
        [c.asked.lane for c in commands], [c.asked.person_no for c in commands],
    )  # fmt: skip
    for person_no, family in rows:
        view.families[person_no] = _DECODE_FAMILY(family)


async def read_moves(
    connection: Connection[Record], holds: Iterable[int], view: View, shape: Shape
) -> None:
    """What became of holds, into the view."""
    wanted = list(holds)
    lanes = [lane_in(hold_id) for hold_id in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_family_moves", lanes, wanted):
        move = move_of(row)
        view.moves.setdefault(move.hold_id, []).append(move)


async def read_shares(connection: Connection[Record], view: View, shape: Shape) -> None:
    """What relatives paid of the settlements in the view, into it; of most it is nothing."""
    shared = [n for n, fact in view.settlements.items() if fact.row.family_account_fen]
    for share in await shares_of(connection, shared, shape):
        view.shares.setdefault(share.setl_id, []).append(share)


async def shares_of(
    connection: Connection[Record], setl_ids: Sequence[int], shape: Shape
) -> list[ShareRow]:
    """What relatives pay of settlements, or get back."""
    if not setl_ids:
        return []
    lanes = [lane_in(number) for number in setl_ids]
    rows = await fetch_keys(connection, SHAPED[shape], "read_family_shares", lanes, setl_ids)
    return [ShareRow(**dict(row)) for row in rows]


async def outcomes_of(
    connection: Connection[Record], asked: Sequence[Question], shape: Shape
) -> dict[int, Outcome]:
    """What becomes of holds, by hold."""
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_family_outcomes",
        [one.patient_lane for one in asked], [one.patient_no for one in asked],
        [one.undertaking_id for one in asked], [one.hold_id for one in asked],
    )  # fmt: skip
    return {hold_id: Outcome(still_open, setl_id) for hold_id, still_open, setl_id in rows}


def move_of(row: Record) -> MoveRow:
    """The move in a row."""
    return MoveRow(**{**dict(row), "kind": MoveKind(row["kind"])})
