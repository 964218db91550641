"""Periods with institutions as the console shows them: all of a period at once, without locks.

What is of one institution is read through the scope. Sums follow settlement/payout.py.
"""

from __future__ import annotations

from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.payout import (
    NONE,
    SIGN,
    Amounts,
    Kind,
    Standing,
    Step,
    standing,
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
    now: Standing
    owed: Amounts
    carried: Amounts
    adjusted_fen: int
    proposed_rows: int

    @property
    def due(self) -> Amounts:
        """What is to be paid: as confirmed, or as it would be now."""
        if self.now.confirmed is not None:
            return self.now.confirmed.amounts
        return self.owed + self.carried + Amounts(self.adjusted_fen)


class Whole(Struct, frozen=True, kw_only=True):
    """A period of all institutions that may be seen."""

    rows: list[Row]
    batches: list[OpenBatch]


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


async def whole(connection: Connection[Record], scope: str | None, first_on: date) -> Whole:
    """Everybody's period, in the order of their codes."""
    steps: dict[str, list[Step]] = {}
    for row in await connection.fetch(CONSOLE_MONEY["payout_period_steps"], scope, first_on):
        steps.setdefault(row["institution"], []).append(step_of(row))
    owed = await _amounts(connection, "payout_period_owed", scope, first_on)
    carried = await _amounts(connection, "payout_period_before", scope, first_on)
    adjusted: dict[str, int] = {}
    proposed: dict[str, int] = {}
    batches: dict[bytes, OpenBatch] = {}
    for row in await connection.fetch(CONSOLE_MONEY["payout_period_adjusted"], scope, first_on):
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
            institution=code, now=standing(some), owed=owed.get(code, NONE),
            carried=carried.get(code, NONE), adjusted_fen=adjusted.get(code, 0),
            proposed_rows=proposed.get(code, 0),
        )
        for code, some in steps.items()
    ]  # fmt: skip
    return Whole(rows=rows, batches=list(batches.values()))


async def _amounts(
    connection: Connection[Record], name: str, scope: str | None, first_on: date
) -> dict[str, Amounts]:
    rows = await connection.fetch(CONSOLE_MONEY[name], scope, first_on)
    return {row["institution"]: Amounts(row["fund_fen"], row["account_fen"]) for row in rows}
