"""Orders of mobile payment that nobody paid in time: the worklist of the loop that ends them."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import SCATTER


class DueOrder(Struct, frozen=True, kw_only=True):
    """An order that nobody paid in time."""

    lane: int
    order_no: int
    psn_no: str
    institution: str
    mdtrt_id: int


async def due_orders(
    connection: Connection[Record], *, by: datetime, limit: int
) -> list[DueOrder]:
    """What should have ended by then, the oldest first."""
    rows = await connection.fetch(SCATTER["orders_due"], by, limit)
    return [DueOrder(**dict(row)) for row in rows]
