"""Periods with institutions as the console shows them: all of a period at once, without locks, for
the agency's own people. Sums follow settlement/books/payout.py.
"""

from __future__ import annotations

from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.payout import (
    NONE,
    SIGN,
    Act,
    Amounts,
    Kind,
    Standing,
    State,
    Step,
    standing,
    state_after,
)
from settlement.storage.payouts import step_of
from settlement.storage.queries import CONSOLE_MONEY


class ListedPeriod(Struct, frozen=True, kw_only=True):
    """A period in the list."""

    first_on: date
    last_on: date
    recorded_at: datetime
    actor: str
    reason: str
    stated: int
    closed: int


class OpenBatch(Struct, kw_only=True):
    """Adjustments that one person proposed and nobody has ended."""

    digest: bytes
    actor: str
    rows: int = 0
    sums: dict[Kind, int]


class Banked(Struct, frozen=True, kw_only=True):
    """A bank statement that was read in."""

    digest: str
    name: str
    row_count: int
    sum_fen: int
    reader: str
    read_at: datetime
    booker: str
    """who confirmed it; empty until somebody has"""


class Row(Struct, frozen=True, kw_only=True):
    """An institution's period in the list."""

    institution: str
    name: str
    state: State
    proposer: str
    """who proposed an order that nobody has given; empty where nobody did"""
    confirmed: Amounts | None
    owed: Amounts
    carried: Amounts
    adjusted_fen: int
    proposed_rows: int

    @property
    def due(self) -> Amounts:
        """What is to be paid: as confirmed, or as it would be now."""
        if self.confirmed is not None:
            return self.confirmed
        return self.owed + self.carried + Amounts(self.adjusted_fen)


class Whole(Struct, frozen=True, kw_only=True):
    """A period of all institutions."""

    rows: list[Row]
    batches: list[OpenBatch]


class CaseAdjusted(Struct, frozen=True, kw_only=True):
    """An adjustment of a payout that is about one settlement."""

    first_on: date
    kind: Kind
    amount_fen: int
    source: str
    note: str
    is_open: bool
    """proposed, and nobody has confirmed it"""


async def adjustments_of_case(
    connection: Connection[Record], lane: int, setl_id: int
) -> list[CaseAdjusted]:
    """What a settlement's institution is paid less or more for it; `lane` is the institution's."""
    return [
        CaseAdjusted(**{**dict(row), "kind": Kind(row["kind"])})
        for row in await connection.fetch(CONSOLE_MONEY["case_adjusted"], lane, setl_id)
    ]


async def periods(
    connection: Connection[Record], scope: str | None, limit: int
) -> list[ListedPeriod]:
    """Periods that were stated, the newest first."""
    rows = await connection.fetch(CONSOLE_MONEY["payout_periods_listed"], scope, limit)
    return [ListedPeriod(**dict(row)) for row in rows]


async def bank_statements(connection: Connection[Record], limit: int) -> list[Banked]:
    """Bank statements that were read in, the newest first."""
    return [
        Banked(**{**dict(row), "digest": row["digest"].hex()})
        for row in await connection.fetch(CONSOLE_MONEY["bank_statements"], limit)
    ]


async def whole(connection: Connection[Record], first_on: date) -> Whole:
    """Everybody's period, in the order of their codes."""
    stated = await connection.fetch(CONSOLE_MONEY["payout_period_acts"], first_on)
    owed = await _amounts(connection, "payout_period_owed", first_on)
    carried = await _amounts(connection, "payout_period_before", first_on)
    adjusted: dict[str, int] = {}
    proposed: dict[str, int] = {}
    batches: dict[bytes, OpenBatch] = {}
    for row in await connection.fetch(CONSOLE_MONEY["payout_period_adjusted"], first_on):
        code, kind = row["institution"], Kind(row["kind"])
        if not row["is_open"]:
            adjusted[code] = adjusted.get(code, 0) + SIGN[kind] * row["amount_fen"]
            continue
        proposed[code] = proposed.get(code, 0) + row["rows"]
        batch = batches.setdefault(
            row["batch"], OpenBatch(digest=row["batch"], actor=row["actor"], sums={})
        )
        batch.rows += row["rows"]
        batch.sums[kind] = batch.sums.get(kind, 0) + row["amount_fen"]
    rows = [
        Row(
            institution=row["institution"], name=row["name"] or "",
            state=state_after(row["acts"]), proposer=_proposer(row["acts"], row["actors"]),
            confirmed=_confirmed(row), owed=owed.get(row["institution"], NONE),
            carried=carried.get(row["institution"], NONE),
            adjusted_fen=adjusted.get(row["institution"], 0),
            proposed_rows=proposed.get(row["institution"], 0),
        )
        for row in stated
    ]  # fmt: skip
    return Whole(rows=rows, batches=list(batches.values()))


async def standings(
    connection: Connection[Record], first_on: date, institutions: list[str]
) -> dict[str, Standing]:
    """Some periods as they stand."""
    steps: dict[str, list[Step]] = {}
    rows = await connection.fetch(
        CONSOLE_MONEY["payout_period_steps"], first_on, institutions
    )
    for row in rows:
        steps.setdefault(row["institution"], []).append(step_of(row))
    return {code: standing(some) for code, some in steps.items()}


def _proposer(acts: list[int], actors: list[str]) -> str:
    """As `Standing.proposal`: of the last order that nobody has given."""
    for act, actor in zip(reversed(acts), reversed(actors), strict=True):
        if act == Act.ORDER:
            return ""
        if act == Act.PROPOSE:
            return actor
    return ""


def _confirmed(row: Record) -> Amounts | None:
    places = [place for place, act in enumerate(row["acts"]) if act == Act.CONFIRM]
    if not places:
        return None
    return Amounts(row["funds"][places[-1]], row["accounts"][places[-1]])


async def _amounts(
    connection: Connection[Record], name: str, first_on: date
) -> dict[str, Amounts]:
    rows = await connection.fetch(CONSOLE_MONEY[name], first_on)
    return {row["institution"]: Amounts(row["fund_fen"], row["account_fen"]) for row in rows}
