"""Steps of payments over channels: appended to a fact, and as they are stored.

What a step means is payments/payment_states.py; what is written together with it is decided where
it is reported (settlement/usecases/paying.py).
"""

from __future__ import annotations

from ledger.entry import Entry
from settlement.clock import Moment
from settlement.payments.payment import Exchange
from settlement.payments.payment_rows import (
    PaymentEventRow,
    PaymentFact,
    PaymentRow,
    content_text,
    step_digest,
    step_text,
)
from settlement.payments.payment_states import Attempt, Event, Happening, Learnt
from settlement.usecases.payment_payloads import seal_exchange
from settlement.usecases.returns import Books


def event_of_happening(
    fact: PaymentFact, happening: Happening, attempt: int, moment: Moment, *,
    began: Attempt | None = None, learnt: Learnt | None = None, opens: str = "",
) -> Event:  # fmt: skip
    """Append an event to a fact that is the caller's own."""
    event = Event(
        number=len(fact.events) + 1, happening=happening, at=moment.at, attempt=attempt,
        began=began, learnt=learnt or Learnt(), opens=opens,
    )  # fmt: skip
    fact.events.append(event)
    return event


def event_row(
    row: PaymentRow, event: Event, exchange: Exchange | None, world: Books, *,
    booked: Entry | None = None,
) -> PaymentEventRow:  # fmt: skip
    """An event as stored; `booked` is what was collected, given back or owed back with it."""
    order_no = None if event.began is None else event.began.order_no
    entry_id = None if booked is None else booked.entry_id
    content = content_text(event)
    told = step_text(
        lane=row.lane, pay_no=row.pay_no, event_no=event.number, kind=event.happening,
        attempt=event.attempt, recorded_at=event.at, order_no=order_no, entry_id=entry_id,
        content=content,
    )  # fmt: skip
    return PaymentEventRow(
        lane=row.lane, pay_no=row.pay_no, event_no=event.number, kind=event.happening,
        attempt=event.attempt, recorded_at=event.at, order_no=order_no, content=content,
        exchange=seal_exchange(exchange, world.keyring, row.lane, row.pay_no, event.number),
        entry_id=entry_id, digest=step_digest(told, world.keyring),
    )  # fmt: skip
