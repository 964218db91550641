"""Orders of mobile payment: reading them into the view of a batch, and whose a number is."""

from __future__ import annotations

from collections.abc import Iterable

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.numbers import lane_in
from settlement.payments.mobile_rows import MobileFact, MobileOrderRow, event_of
from settlement.storage.queries import QUERIES, SHAPED
from settlement.view import View


class OrderOwner(Struct, frozen=True, gc=False):
    """Whose an order is, and who uploaded it."""

    person_no: str
    institution: str


async def read_orders(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Orders by number with their events, into the view."""
    wanted = [number for number in numbers if number]
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_mobile_orders", lanes, wanted):
        fact = view.mobile.get(row["order_no"])
        if fact is None:
            order = MobileOrderRow(
                lane=row["lane"], order_no=row["order_no"], opened_at=row["opened_at"],
                psn_no=row["psn_no"], institution=row["institution"],
                institution_order_no=row["institution_order_no"], mdtrt_id=row["mdtrt_id"],
                batch_no=row["batch_no"], total_fen=row["total_fen"], payload=row["payload"],
            )  # fmt: skip
            fact = view.mobile[row["order_no"]] = MobileFact(row=order, events=[])
        fact.events.append(
            event_of(
                event_no=row["event_no"], kind=row["kind"], recorded_at=row["recorded_at"],
                setl_id=row["setl_id"], content=row["content"], payload=row["event_payload"],
            )
        )  # fmt: skip


async def find_order(connection: Connection[Record], order_no: int) -> OrderOwner | None:
    """Whose an order is; None where there is none of that number."""
    row = await connection.fetchrow(QUERIES["find_mobile_order"], lane_in(order_no), order_no)
    return None if row is None else OrderOwner(row["psn_no"], row["institution"])
