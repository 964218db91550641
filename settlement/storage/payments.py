"""Payments beside the settle path: whose an order number is, what is due, whose an attempt is."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.numbers import lane_in
from settlement.payments.payment_rows import PaymentRow
from settlement.storage.queries import QUERIES, SCATTER

PAYER_ALONE = "#"
"""How the place of a sale begins that nobody insured is part of."""


class Owner(Struct, frozen=True, gc=False):
    """Whose an order number is: a person, or the sale itself where nobody insured is part of it."""

    lane: int
    person_no: str


class Due(Struct, frozen=True, gc=False):
    """A payment that the resolver should look at."""

    pay_no: int
    due_at: datetime
    channel: str


def place_of(row: PaymentRow) -> str:
    """What stands for the person in a journal's queue; a sale without one stands for itself."""
    return row.psn_no or f"{PAYER_ALONE}{row.institution}/{row.order_no}"


async def due_payments(
    connection: Connection[Record], *, by: datetime, limit: int
) -> list[Due]:
    """What should have been looked at by then, the oldest first; of each channel no more than the
    limit."""
    rows = await connection.fetch(SCATTER["payments_due"], by, limit)
    return [Due(row["pay_no"], row["due_at"], row["channel"]) for row in rows]


async def open_payments(connection: Connection[Record], *, limit: int) -> list[int]:
    """Numbers of what is not at its end, the oldest first."""
    return [row["pay_no"] for row in await connection.fetch(SCATTER["payments_open"], limit)]


async def payment_exchanges(
    connection: Connection[Record], pay_no: int
) -> list[tuple[int, bytes]]:
    """Number of the event, and what was said between us and the channel, sealed."""
    rows = await connection.fetch(QUERIES["payment_exchanges"], lane_in(pay_no), pay_no)
    return [(row["event_no"], row["exchange"]) for row in rows]
