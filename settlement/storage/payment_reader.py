"""Reading payments over channels into the view of a batch."""

from __future__ import annotations

from collections.abc import Iterable

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.numbers import lane_in
from settlement.payments.payment_rows import PaymentFact, PaymentRow, event_of
from settlement.payments.payment_states import PaymentKind
from settlement.storage.queries import SHAPED
from settlement.view import View


async def read_payments(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Payments by number with their events, into the view."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    rows = await fetch_keys(connection, SHAPED[shape], "read_payments", lanes, wanted)
    gather(view.payments, rows, "pay_no")


def gather(facts: dict[int, PaymentFact], rows: Iterable[Record], name: str) -> None:
    """Rows of payments, one an event, put together under the number in the column `name`."""
    for row in rows:
        fact = facts.get(row[name])
        if fact is None:
            payment = PaymentRow(
                lane=row["lane"], pay_no=row["pay_no"], kind=PaymentKind(row["kind"]),
                opened_at=row["opened_at"], setl_id=row["setl_id"], parent=row["parent"],
                mdtrt_id=row["mdtrt_id"], psn_no=row["psn_no"], institution=row["institution"],
                order_no=row["order_no"], amount_fen=row["amount_fen"], plan=row["plan"],
            )  # fmt: skip
            fact = facts[row[name]] = PaymentFact(row=payment, events=[])
        if row["event_no"] is not None:
            fact.events.append(
                event_of(
                    event_no=row["event_no"], kind=row["event_kind"], attempt=row["attempt"],
                    recorded_at=row["recorded_at"], content=row["content"],
                )
            )  # fmt: skip
