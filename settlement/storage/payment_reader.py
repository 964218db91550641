"""Reading payments over channels into the view of a batch."""

from __future__ import annotations

from collections.abc import Iterable

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.numbers import lane_in
from settlement.payment_rows import PaymentFact, PaymentRow, event_of
from settlement.payment_states import PaymentKind
from settlement.storage.queries import SHAPED
from settlement.view import View


async def read_payments(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Payments by number with their events, into the view."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_payments", lanes, wanted):
        fact = view.payments.get(row["pay_no"])
        if fact is None:
            payment = PaymentRow(
                lane=row["lane"], pay_no=row["pay_no"], kind=PaymentKind(row["kind"]),
                opened_at=row["opened_at"], setl_id=row["setl_id"], parent=row["parent"],
                mdtrt_id=row["mdtrt_id"], psn_no=row["psn_no"], institution=row["institution"],
                order_no=row["order_no"], amount_fen=row["amount_fen"], plan=row["plan"],
            )  # fmt: skip
            fact = view.payments[row["pay_no"]] = PaymentFact(row=payment, events=[])
        if row["event_no"] is not None:
            fact.events.append(
                event_of(
                    event_no=row["event_no"], kind=row["event_kind"], attempt=row["attempt"],
                    recorded_at=row["recorded_at"], content=row["content"],
                )
            )  # fmt: skip
