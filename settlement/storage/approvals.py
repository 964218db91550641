"""Approvals of cancels (退费备案): what operators record where a region's cancels need one."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.numbers import lane_in
from settlement.storage.queries import REFERENCE


async def approve_cancel(
    connection: Connection[Record], setl_id: int, *, reason: str, actor: str, at: datetime
) -> bool:
    """Let a settlement be cancelled, audited, and tell every process; False where there is no such
    settlement, or it was undone already."""
    async with connection.transaction():
        found = await connection.fetchval(
            REFERENCE["approve_cancel"], lane_in(setl_id), setl_id, at, actor, reason
        )
        if found is None:
            return False
        await _audit(connection, "approve-cancel", setl_id, reason=reason, actor=actor, at=at)
    return True


async def withdraw_approval(
    connection: Connection[Record], setl_id: int, *, reason: str, actor: str, at: datetime
) -> bool:
    """Take an approval back; False where there is none, or it was used already."""
    async with connection.transaction():
        found = await connection.fetchval(REFERENCE["withdraw_approval"], lane_in(setl_id), setl_id)
        if found is None:
            return False
        await _audit(connection, "withdraw-approval", setl_id, reason=reason, actor=actor, at=at)
    return True


async def _audit(
    connection: Connection[Record], action: str, setl_id: int, *, reason: str, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    await connection.execute(REFERENCE["audit"], at, actor, action, f"settlement {setl_id}", reason)
    await connection.execute(REFERENCE["bump"], "cancel_approvals")
