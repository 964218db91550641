"""What a visit learns of the payment that is to settle it, or that is a deposit of it.

While a payment is under way other things happen to its visit; so the numbers of its events are
given when they are written. What is held stays as it is: a batch, or the lines of a stay, takes no
more lines until the payment is at its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from settlement.deposit import DepositHead
from settlement.payments.payment_rows import PaymentFact
from settlement.rows import EventKind, EventRow
from settlement.stay import head_text
from settlement.usecases.payment_payloads import Plan
from settlement.view import View, VisitFact


def event_of(
    visit: VisitFact, kind: EventKind, head: str = "", *, batch_no: str = "", after: int = 0
) -> EventRow:
    """An event of a visit that is about money; `after` so many others of the same commit."""
    row = visit.row
    return EventRow(
        lane=row.lane, mdtrt_id=row.mdtrt_id, event_no=len(visit.events) + 1 + after, kind=kind,
        batch_no=batch_no, setl_id=None, payload=b"", head=head,
    )  # fmt: skip


def held(events: Iterable[EventRow]) -> tuple[EventRow, ...]:
    """What stands in place of a settlement's events until it is paid."""
    return tuple(replace(event, kind=EventKind.HELD, payload=b"", head="") for event in events)


def released(events: Iterable[EventRow], view: View) -> tuple[EventRow, ...]:
    """What a visit learns where that came to nothing."""
    free = (
        replace(event, kind=EventKind.RELEASED, setl_id=None, payload=b"", head="")
        for event in events
    )
    return numbered(free, view)


def learnt(fact: PaymentFact, plan: Plan, view: View) -> tuple[EventRow, ...]:
    """What a visit learns where its payment came: it is settled, or has a deposit."""
    if not plan.deposit or fact.row.mdtrt_id is None:
        return numbered(plan.events, view)
    row, attempt = fact.row, fact.standing.attempts[-1]
    head = DepositHead(
        number=row.pay_no, order_no=row.order_no, tender=attempt.channel.value,
        custody=attempt.custody, amount_fen=row.amount_fen,
        operator="" if plan.counter is None else plan.counter.operator,
    )  # fmt: skip
    visit = view.visits[fact.row.mdtrt_id]
    return (event_of(visit, EventKind.DEPOSITED, head_text(head)),)


def numbered(events: Iterable[EventRow], view: View) -> tuple[EventRow, ...]:
    """Events as the next of their visits, as far as these have come."""
    return tuple(
        replace(event, event_no=len(view.visits[event.mdtrt_id].events) + n)
        for n, event in enumerate(events, 1)
    )
