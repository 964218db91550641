"""Orders of scan-to-pay of people insured elsewhere (ADR 0075): what is written where their region
has shared one, and where it has taken one back.

The settlement is booked as any of theirs: what they owe is first what the institution collects
itself. A payment then says that a channel collects it instead; it is opened in the same commit.
"""

from __future__ import annotations

from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from settlement import chart
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.decision import Decision
from settlement.elsewhere.remote_states import State
from settlement.payments.pay_commands import Till
from settlement.payments.payment_rows import PaymentFact, PaymentRow, payment_commitment
from settlement.payments.payment_states import (
    Attempt,
    Event,
    Happening,
    Learnt,
    PaymentKind,
)
from settlement.payments.payment_states import State as PaymentState
from settlement.postings import refund_owed_transfers, rest_transfers, undone
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, MessageRow, SettlementRow
from settlement.translate import scans
from settlement.usecases import booking, remote_cancel
from settlement.usecases.paying import PayAnswer, new_attempt, plan_of
from settlement.usecases.payment_effects import due_row, returning
from settlement.usecases.payment_payloads import Plan, seal_plan
from settlement.usecases.payment_steps import event_of_happening, event_row
from settlement.usecases.remote_payloads import Order
from settlement.usecases.remote_payloads import Plan as CasePlan
from settlement.view import Effects, PersonFacts, View
from settlement.world import World


def collected(
    plan: CasePlan, order: Order, row: SettlementRow, till: Till | None, effects: Effects,
    world: World, moment: Moment,
) -> tuple[Effects, PayAnswer]:  # fmt: skip
    """The effects of a settlement with the payment of what is left, and what the counter hears.
    The till is that of whoever has the payer's code; without one a code is waited for."""
    counter = order.counter
    if not row.cash_fen or counter.tender != "scan":
        output = scans.settled_at_once(counter.order_no, row, counter.tender, replayed=False)
        return effects, PayAnswer(output=output)
    transfers = rest_transfers(
        amount_fen=row.cash_fen,
        institution_base=world.institutions[row.institution].account_base,
    )
    kept = Plan(transfers=transfers, counter=counter, settlement=row, elsewhere=True)
    payment = PaymentRow(
        lane=row.lane, pay_no=order.pay_no, kind=PaymentKind.COLLECT, opened_at=moment.at,
        setl_id=row.setl_id, parent=None, psn_no=row.psn_no, institution=row.institution,
        order_no=counter.order_no, amount_fen=row.cash_fen,
        plan=seal_plan(kept, world.keyring, row.lane, order.pay_no),
    )  # fmt: skip
    fact = PaymentFact(row=payment, events=[])
    began = _begun(fact, till, on_phone=counter.on_phone, world=world, moment=moment)
    held = Entry(
        lane=row.lane, entry_id=order.pay_no, kind=EntryKind.PENDING, code=chart.EntryCode.HOLD,
        transfers=transfers, commitment=payment_commitment(payment),
    )  # fmt: skip
    message = MessageRow(
        lane=row.lane, key=plan.message_key, outcome=MessageOutcome.PAYMENT, ref=order.pay_no,
        fingerprint=plan.fingerprint,
    )  # fmt: skip
    effects = replace(
        effects, messages=(message,), entries=(*effects.entries, held), undertaking=order.pay_no,
        payments=(payment,), due=(due_row(fact),),
        payment_events=tuple(event_row(payment, one, None, world) for one in fact.events),
    )  # fmt: skip
    output = scans.standing(fact, kept, case=State.SETTLED)
    return effects, PayAnswer(output=output, fact=fact, began=began)


def _begun(
    fact: PaymentFact, till: Till | None, *, on_phone: bool, world: World, moment: Moment
) -> Attempt | None:
    """The attempt that begins with the payment; appended to it, as is that the payer is asked to
    pay on their own phone."""
    if till is None:
        first = Happening.INVITED if on_phone else Happening.SHARED
        event_of_happening(fact, first, 0, moment)
        return None
    attempt = new_attempt(1, till, fact.row.amount_fen, fact.row, world, moment)
    event_of_happening(fact, Happening.ATTEMPTED, attempt.number, moment, began=attempt)
    return attempt


def is_uncollected(payment: PaymentFact | None, view: View) -> bool:
    """Whether a payment is closed whose settlement stands, or is being taken back."""
    if payment is None or payment.standing.state is not PaymentState.CLOSED:
        return False
    case = view.cases.get(payment.row.setl_id or 0)
    return case is not None and case.standing.state in (State.SETTLED, State.CANCELLING)


def given_up(payment: PaymentFact | None, world: World) -> PayAnswer | None:
    """How an order stands that its region has taken back because nobody paid; None while the
    channel has not said that."""
    if payment is None or payment.standing.state is not PaymentState.CLOSED:
        return None
    output = scans.standing(payment, plan_of(payment, world), case=State.UNDONE)
    return PayAnswer(output=output, fact=payment)


def ask_back(
    asked: Asked, case_no: int, person: PersonFacts, *, by_lines: bool, view: View, world: World,
    moment: Moment,
) -> Decision:  # fmt: skip
    """A refund: the region of insurance is asked first, and takes back a settlement as a whole."""
    if by_lines:
        return Decision(Refusal(code="REFUND_REMOTE_WHOLE", field="lines"))
    named = replace(asked, insured_region=person.home_region)
    return remote_cancel.ask_back(named, view.cases[case_no], world, moment)


def taken_back(
    payment: PaymentFact | None, order: Order, asked: Asked, row: SettlementRow,
    effects: Effects, world: World, moment: Moment,
) -> tuple[Effects, PayAnswer]:  # fmt: skip
    """The effects of a cancel that a refund asked for, with the return of what a channel collected;
    and what the counter hears."""
    if payment is None or payment.standing.state is not PaymentState.SETTLED:
        tender = order.counter.tender
        return effects, PayAnswer(output=scans.cancelled(asked.msgid, row, tender))
    fact = PaymentFact(row=payment.row, events=list(payment.events))
    paid_by, paid = fact.standing.attempts[-1], fact.standing.paid
    base, amount_fen = asked.institution.account_base, fact.row.amount_fen
    owed = undone(rest_transfers(amount_fen=amount_fen, institution_base=base))
    owed += refund_owed_transfers(
        channel=paid_by.channel, custody=paid_by.custody, amount_fen=amount_fen,
        institution_base=base,
    )  # fmt: skip
    reference = "" if paid is None else paid.reference
    back, entry = returning(
        fact.row, paid_by, amount_fen, reference, owed, asked.msgid, world, moment
    )
    learnt = Learnt(
        amount_fen=amount_fen, operator=asked.operator, return_no=back.row.pay_no
    )
    taken: Event = event_of_happening(
        fact, Happening.TAKEN_BACK, paid_by.number, moment, learnt=learnt
    )
    effects = replace(
        effects,
        messages=(booking.message_of(asked, MessageOutcome.PAYMENT, back.row.pay_no),),
        entries=(*effects.entries, entry),
        payments=(back.row,),
        payment_events=(
            event_row(fact.row, taken, None, world, booked=entry),
            event_row(back.row, back.events[0], None, world),
        ),
        due=(due_row(back),),
    )  # fmt: skip
    output = scans.standing(back, Plan(transfers=owed))
    return effects, PayAnswer(output=output, fact=back, began=back.events[0].began)
