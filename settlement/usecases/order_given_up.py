"""What becomes of the insurance of an order of somebody insured elsewhere when its payer does not
pay (ADR 0075): their region settled it before anybody was asked for money, so it has to take it
back.
"""

from __future__ import annotations

from msgspec.structs import replace

from settlement.clock import Moment
from settlement.elsewhere.remote_rows import CaseFact, event_row
from settlement.elsewhere.remote_states import OPEN, CaseEvent, Happening, State
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import ENDED
from settlement.payments.payment_states import State as PaymentState
from settlement.usecases.remote_payloads import Wish, seal_event
from settlement.usecases.remote_settle import due_row
from settlement.usecases.returns import Books
from settlement.view import Effects, View

_NOT_PAID = frozenset({PaymentState.UNDOING, PaymentState.CLOSED})
NO_KEY = b""
"""No message waits for it: the order's own is bound to its payment."""


def follow(
    before: PaymentState, fact: PaymentFact, operator: str, effects: Effects, view: View,
    books: Books, moment: Moment,
) -> tuple[Effects, CaseFact]:  # fmt: skip
    """The effects of what happened to the payment with what follows for the case, and the case as
    it stands then. What is under way for the person is the payment until it ends, then the case
    until that does."""
    case = view.cases[fact.row.setl_id or 0].copy()
    now = fact.standing.state
    if now is before or now not in _NOT_PAID:
        return effects, case
    if case.standing.state is State.SETTLED and not _was_given_up(case):
        event = _given_up(case, fact.row.order_no, operator, books, moment)
        effects = replace(
            effects, case_events=(event_row(case.row, event),), case_due=(due_row(case, moment),)
        )
    if now is PaymentState.CLOSED:
        open_there = case.standing.state in OPEN
        effects = replace(effects, undertaking=case.row.case_no if open_there else None)
    return effects, case


def under_way_after(payment: PaymentFact | None) -> int | None:
    """What is still under way for the person once a case has ended: its payment, where the channel
    has not said yet that nothing is collected."""
    if payment is None or payment.standing.state in ENDED:
        return None
    return payment.row.pay_no


def wish_of(order_no: str, operator: str) -> Wish:
    """Who wants a case taken back that nobody pays for."""
    return Wish(
        infno="SCAN", msgid=order_no, operator=operator, message_key=NO_KEY, fingerprint=b""
    )


def _was_given_up(case: CaseFact) -> bool:
    """Before: its region may have refused to take it back."""
    return any(event.happening is Happening.GIVEN_UP for event in case.events)


def _given_up(
    case: CaseFact, order_no: str, operator: str, books: Books, moment: Moment
) -> CaseEvent:
    """Appended to the case, which is the caller's own."""
    row, number = case.row, len(case.events) + 1
    sealed = seal_event(
        wish_of(order_no, operator), books.keyring, row.lane, row.case_no, number
    )
    event = CaseEvent(
        number=number, happening=Happening.GIVEN_UP, at=moment.at, payload=sealed
    )
    case.events.append(event)
    return event
