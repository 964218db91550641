"""Prepayments between regions (预付金), as kept: steps in the party's lane."""

from __future__ import annotations

from asyncpg import Connection, Record

from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_prepayment import PrepaidAct, PrepaidStep
from settlement.storage.queries import REGIONAL, SCATTER


async def prepayment_steps(
    connection: Connection[Record], lane: int, party: str, side: Side
) -> list[PrepaidStep]:
    """What was done about a prepayment, in order."""
    rows = await connection.fetch(REGIONAL["prepayment_steps"], lane, party, side)
    return [
        PrepaidStep(
            step_no=row["step_no"], act=PrepaidAct(row["act"]), year=row["year"],
            amount_fen=row["amount_fen"], at=row["recorded_at"], actor=row["actor"],
            reference=row["reference"], reason=row["reason"], entry_id=row["entry_id"],
        )
        for row in rows
    ]  # fmt: skip


async def keep_prepayment_step(
    connection: Connection[Record], lane: int, party: str, side: Side, step: PrepaidStep
) -> bool:
    """Keep the next step; False where somebody else took its number."""
    kept = await connection.fetchval(
        REGIONAL["keep_prepayment_step"], lane, party, side, step.step_no, step.act, step.year,
        step.amount_fen, step.at, step.actor, step.reference, step.reason, step.entry_id,
    )  # fmt: skip
    return kept is not None


async def prepaid_parties(connection: Connection[Record]) -> list[tuple[str, Side]]:
    """With whom there is anything about a prepayment."""
    rows = await connection.fetch(SCATTER["prepaid_parties"])
    return [(row["party"], Side(row["side"])) for row in rows]
