"""What is written of a payment: when it is looked at next, and what an event books, frees or gives
back (ADR 0027).

`settlement/usecases/paying.py` decides which event it is; everything that follows from that by the
table of settlement/payments/payment_states.py is made here.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from settlement import chart
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.deposit_postings import deposit_collected_transfers
from settlement.payments.pay_commands import PlainLine
from settlement.payments.payment_rows import (
    DueRow,
    PaymentFact,
    PaymentRow,
    payment_commitment,
)
from settlement.payments.payment_states import (
    ENDED,
    Attempt,
    Duty,
    Event,
    Happening,
    PaymentKind,
    next_errand,
)
from settlement.postings import collected_transfers, surplus_transfers
from settlement.rows import SettlementRow, commitment
from settlement.usecases import returns, visit_money
from settlement.usecases.payment_payloads import Plan, seal_plan
from settlement.usecases.payment_steps import event_of_happening, event_row
from settlement.usecases.returns import Books
from settlement.view import Effects, View

PEOPLES_TURN = datetime(9999, 1, 1, tzinfo=UTC)
"""When the resolver looks at what only people can end (待退款): it stays on the worklist."""


def due_row(fact: PaymentFact) -> DueRow:
    """When the resolver looks next."""
    standing = fact.standing
    due_at = None
    if standing.state not in ENDED:
        errand = next_errand(standing, fact.events)
        due_at = PEOPLES_TURN if errand is None else errand.at
    at_channel = "" if standing.attempt is None else standing.attempt.channel.value
    return DueRow(
        lane=fact.row.lane, pay_no=fact.row.pay_no, due_at=due_at, channel=at_channel
    )


def carried_out(
    duty: Duty, asked: Asked, fact: PaymentFact, plan: Plan, event: Event, view: View,
    world: Books, moment: Moment,
) -> Effects:  # fmt: skip
    """What is written together with an event."""
    row = fact.row
    effects = Effects(
        lane=row.lane, person_no=asked.person_no, messages=(), due=(due_row(fact),)
    )
    match duty:
        case Duty.NOTHING:
            return effects
        case Duty.BOOK:
            return _book(effects, fact, plan, view, world, moment)
        case Duty.RELEASE:
            return _release(effects, row, plan, view, world, moment)
        case Duty.GIVE_BACK:
            return open_return(effects, fact, event, world, moment)
        case Duty.RELEASE_AND_GIVE_BACK:
            effects = _release(effects, row, plan, view, world, moment)
            return open_return(effects, fact, event, world, moment)
        case Duty.CLEAR:
            entry = returns.given_back_entry(fact, event, world, moment)
            return replace(effects, entries=(*effects.entries, entry))


def _held(row: PaymentRow, plan: Plan) -> Entry:
    """The pending entry, as it was booked."""
    return Entry(
        lane=row.lane, entry_id=row.pay_no, kind=EntryKind.PENDING, code=chart.EntryCode.HOLD,
        transfers=plan.transfers, commitment=payment_commitment(row),
    )  # fmt: skip


def _book(
    effects: Effects, fact: PaymentFact, plan: Plan, view: View, world: Books, moment: Moment
) -> Effects:
    """The settlement as it was held; only when, on which day and after what is of now. Of somebody
    insured elsewhere it is booked already."""
    row, held = fact.row, plan.settlement
    effects = replace(
        effects, entries=(_collected(fact, plan, world, moment),),
        events=visit_money.learnt(fact, plan, view),
    )  # fmt: skip
    if held is None or plan.elsewhere:
        entry = Entry(
            lane=row.lane, entry_id=world.next_number(row.lane, moment.business_day),
            kind=EntryKind.POST, code=_code_of(plan), transfers=plan.transfers,
            pending_id=row.pay_no, commitment=payment_commitment(row),
        )  # fmt: skip
        return replace(
            effects, entry=entry, pending=_held(row, plan),
            undertaking=None if row.psn_no else effects.undertaking,
        )  # fmt: skip
    person = view.persons[row.psn_no]
    settled: SettlementRow = replace(
        held, setl_time=moment.at, business_day=moment.business_day, prior_row=person.latest_row,
        prior_active=person.year(held.year).latest,
    )  # fmt: skip
    entry = Entry(
        lane=row.lane, entry_id=settled.setl_id, kind=EntryKind.POST,
        code=chart.EntryCode.SETTLEMENT, transfers=plan.transfers, pending_id=row.pay_no,
        commitment=commitment(settled),
    )  # fmt: skip
    return replace(
        effects, entry=entry, pending=_held(row, plan), settlement=settled, detail=plan.detail,
        increments=plan.increments, latest_of_year=settled.setl_id, traces=plan.traces,
        undertaking=None,
    )  # fmt: skip


def _code_of(plan: Plan) -> chart.EntryCode:
    """Of what is posted without a settlement."""
    if plan.elsewhere:
        return chart.EntryCode.REST_COLLECTED
    return chart.EntryCode.DEPOSIT if plan.deposit else chart.EntryCode.PLAIN_SALE


def _collected(fact: PaymentFact, plan: Plan, world: Books, moment: Moment) -> Entry:
    """What the channel of the present attempt collected."""
    row, attempt = fact.row, fact.standing.attempts[-1]
    transfers = deposit_collected_transfers if plan.deposit else collected_transfers
    return Entry(
        lane=row.lane, entry_id=world.next_number(row.lane, moment.business_day),
        kind=EntryKind.SINGLE, code=chart.EntryCode.COLLECTED,
        transfers=transfers(
            channel=attempt.channel, custody=attempt.custody, amount_fen=row.amount_fen,
            institution_base=world.institutions[row.institution].account_base,
        ),
        commitment=payment_commitment(row),
    )  # fmt: skip


def _release(
    effects: Effects, row: PaymentRow, plan: Plan, view: View, world: Books, moment: Moment
) -> Effects:
    """Everything that was held is free again."""
    entry = Entry(
        lane=row.lane, entry_id=world.next_number(row.lane, moment.business_day),
        kind=EntryKind.VOID, code=chart.EntryCode.HOLD, transfers=plan.transfers,
        pending_id=row.pay_no, commitment=NOTHING,
    )  # fmt: skip
    held = None if plan.elsewhere else plan.settlement
    account_fen = 0 if held is None else held.account_fen
    return replace(
        effects, entry=entry, pending=_held(row, plan), account_change_fen=account_fen,
        undertaking=None if row.psn_no else effects.undertaking,
        events=visit_money.released(plan.events, view),
    )  # fmt: skip


def open_return(
    effects: Effects, fact: PaymentFact, event: Event, world: Books, moment: Moment
) -> Effects:
    """Money of an attempt came that nobody can use: it is owed to the payer, and goes back."""
    attempt = next(one for one in fact.standing.attempts if one.number == event.attempt)
    undo_refused = event.happening is Happening.NOT_UNDONE
    said = fact.standing.paid if undo_refused else event.learnt
    came_fen = (said.amount_fen if said is not None else None) or attempt.amount_fen
    base = world.institutions[fact.row.institution].account_base
    owed = surplus_transfers(
        channel=attempt.channel, custody=attempt.custody, amount_fen=came_fen,
        institution_base=base,
    )  # fmt: skip
    reference = event.learnt.reference or _reference_of(fact, attempt)
    more, entry = returning(
        fact.row, attempt, came_fen, reference, owed, fact.row.order_no, world, moment
    )
    return replace(
        effects,
        entries=(*effects.entries, entry),
        payments=(*effects.payments, more.row),
        payment_events=tuple(event_row(more.row, one, None, world) for one in more.events),
        due=(*effects.due, due_row(more)),
    )


def _reference_of(fact: PaymentFact, attempt: Attempt) -> str:
    said = (e.learnt.reference for e in reversed(fact.events) if e.attempt == attempt.number)
    return next(filter(None, said), "")


def returning(
    paid: PaymentRow, attempt: Attempt, amount_fen: int, reference: str,
    owed: tuple[Transfer, ...], order_no: str, world: Books, moment: Moment, *,
    rest: SettlementRow | None = None, lines: tuple[PlainLine, ...] = (), deposit: bool = False,
) -> tuple[PaymentFact, Entry]:  # fmt: skip
    """A return of money of `attempt`: its row and first event, and the entry that says it is owed.
    The order number of its own attempt is the refund number. `rest` is what stays settled; of a
    sale without an insurance leg `lines` are what comes back."""
    pay_no = world.next_number(paid.lane, moment.business_day)
    plan = Plan(transfers=owed, settlement=rest, lines=lines, deposit=deposit)
    row = PaymentRow(
        lane=paid.lane, pay_no=pay_no, kind=PaymentKind.RETURN, opened_at=moment.at,
        setl_id=paid.setl_id, parent=paid.pay_no, psn_no=paid.psn_no,
        institution=paid.institution, order_no=order_no, amount_fen=amount_fen,
        plan=seal_plan(plan, world.keyring, paid.lane, pay_no),
    )  # fmt: skip
    fact = PaymentFact(row=row, events=[])
    refund = Attempt(
        number=1, channel=attempt.channel, merchant_no=attempt.merchant_no,
        order_no=str(world.next_number(paid.lane, moment.business_day)), amount_fen=amount_fen,
        sent_at=moment.at, custody=attempt.custody, timers=attempt.timers,
        refunds=attempt, refunds_reference=reference,
    )  # fmt: skip
    event_of_happening(fact, Happening.ATTEMPTED, 1, moment, began=refund)
    entry = Entry(
        lane=paid.lane, entry_id=pay_no, kind=EntryKind.SINGLE, code=chart.EntryCode.OWED_BACK,
        transfers=owed, commitment=payment_commitment(row),
    )  # fmt: skip
    return fact, entry
