"""Deposits of a stay that are used by its settlement, or go back to who paid them (DOMAIN 4, 14).

What a channel collected goes back by a return of its own, like any refund. What the institution
took itself it hands back itself: that is booked at once, and said to whoever stands at the counter.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from settlement import chart
from settlement.clock import Moment
from settlement.decision import Decision
from settlement.deposit import Part, ReturnHead, fold_deposits
from settlement.deposit_postings import deposit_handed_back_transfers, deposit_owed_transfers
from settlement.payments.admission import admitted_as
from settlement.payments.pay_commands import TakeBack
from settlement.payments.payment_rows import PaymentFact, event_in
from settlement.payments.payment_states import Happening, Learnt
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome, VisitKind
from settlement.stay import head_text
from settlement.translate import deposits as said
from settlement.translate import scans
from settlement.usecases import booking, checks, family, visit_money
from settlement.usecases.paying import PayAnswer
from settlement.usecases.payment_effects import due_row, returning
from settlement.usecases.payment_payloads import Plan
from settlement.usecases.payment_steps import event_of_happening, event_row
from settlement.view import Effects, View, VisitFact
from settlement.world import World

_ENCODE = msgspec.json.Encoder().encode


def deposit_commitment(event: EventRow) -> bytes:
    """What the entry of money that the institution took or gave itself commits to: the event of the
    stay that says so."""
    return sha256(b"\x07" + _ENCODE([event.lane, event.mdtrt_id, event.head])).digest()


def take_back(
    command: TakeBack, paid: PaymentFact, view: View, world: World, moment: Moment
) -> Decision:
    """A deposit that a channel collected, all that is left of it or some, before the stay is
    settled for good."""
    visit = view.visits[paid.row.mdtrt_id or 0]
    visit = view.visits[admitted_as(visit) or visit.row.mdtrt_id]
    part = _part(command, paid.row.order_no, visit, view, world)
    if isinstance(part, Refusal):
        return Decision(part)
    asked = command.asked
    ended: tuple[EventRow, ...] = ()
    if visit.row.kind is VisitKind.REQUEST:  # without its deposit it is no request any more
        if part.amount_fen < part.deposit.left_fen:
            return Decision(Refusal(code="REQUEST_REFUND_WHOLE", field="amount"))
        ended = (visit_money.event_of(visit, EventKind.ENDED, command.refund_no),)
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(), events=ended
    )
    effects = given_back(
        effects, visit, [part], refund_no=command.refund_no, operator=command.operator, view=view,
        world=world, moment=moment,
    )  # fmt: skip
    sent = event_in(effects.payment_events[-1])
    back = PaymentFact(row=effects.payments[-1], events=[sent])
    message = booking.message_of(asked, MessageOutcome.PAYMENT, back.row.pay_no)
    output = scans.standing(back, Plan(transfers=(), deposit=True))
    answer = PayAnswer(output=output, fact=back, began=sent.began)
    return Decision(answer, replace(effects, messages=(message,)))


def take_back_declared(
    command: TakeBack, view: View, world: World, moment: Moment
) -> Decision:
    """The same of a deposit that the institution took itself."""
    visit = view.visits[command.visit_ids[0]]
    part = _part(command, command.order_no, visit, view, world)
    if isinstance(part, Refusal):
        return Decision(part)
    asked = command.asked
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.EVENT, visit.row.mdtrt_id),),
    )  # fmt: skip
    effects = given_back(
        effects, visit, [part], refund_no=command.refund_no, operator=command.operator, view=view,
        world=world, moment=moment,
    )  # fmt: skip
    output = said.handed_back(command.refund_no, part.deposit.head.tender, part.amount_fen)
    return Decision(PayAnswer(output=output), effects)


def handed_back_again(command: TakeBack, mdtrt_id: int, view: View) -> PayAnswer:
    """A refund of such a deposit that was sent before."""
    deposit, back = next(
        (deposit, back)
        for deposit in fold_deposits(view.visits[mdtrt_id])
        for back in deposit.returns
        if back.refund_no == command.refund_no
    )
    output = said.handed_back(
        command.refund_no, deposit.head.tender, back.amount_fen, replayed=True
    )
    return PayAnswer(output=output, replayed=True)


def _part(
    command: TakeBack, order_no: str, visit: VisitFact, view: View, world: World
) -> Part | Refusal:
    """How much of which deposit is to go back."""
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return person
    refused = family.open_undertaking(person, command)
    if refused is not None:
        return refused
    if command.lines:
        params: dict[str, str | int] = {"line_no": command.lines[0][0]}
        return Refusal(code="REFUND_LINE_UNKNOWN", field="lines", params=params)
    deposit = next(one for one in fold_deposits(visit) if one.head.order_no == order_no)
    left_fen = deposit.left_fen
    amount_fen = left_fen if command.amount_fen is None else command.amount_fen
    if not 0 < amount_fen <= left_fen:
        return Refusal(code="REFUND_TOO_MUCH", field="amount", params={"left_fen": left_fen})
    return Part(deposit, amount_fen)


def given_back(
    effects: Effects, visit: VisitFact, parts: Iterable[Part], *, refund_no: str, operator: str,
    view: View, world: World, moment: Moment,
) -> Effects:  # fmt: skip
    """The effects, with parts of deposits on their way back, or handed back."""
    for part in parts:
        if part.deposit.pay_no is None:
            effects = _handed_back(effects, visit, part, refund_no, world, moment)
        else:
            paid = view.payments[part.deposit.pay_no]
            effects = _sent_back(
                effects, visit, part, paid, refund_no, operator, world, moment
            )
    return effects


def _handed_back(
    effects: Effects, visit: VisitFact, part: Part, refund_no: str, world: World, moment: Moment
) -> Effects:
    head = ReturnHead(
        number=part.deposit.head.number, amount_fen=part.amount_fen, refund_no=refund_no,
        return_no=0,
    )  # fmt: skip
    event = _event(effects, visit, head)
    base = world.institutions[visit.row.institution].account_base
    entry = Entry(
        lane=event.lane, entry_id=world.next_number(event.lane, moment.business_day),
        kind=EntryKind.SINGLE, code=chart.EntryCode.DEPOSIT_HANDED_BACK,
        transfers=deposit_handed_back_transfers(
            amount_fen=part.amount_fen, institution_base=base
        ),
        commitment=deposit_commitment(event),
    )  # fmt: skip
    return replace(
        effects, entries=(*effects.entries, entry), events=(*effects.events, event)
    )


def _sent_back(
    effects: Effects, visit: VisitFact, part: Part, paid: PaymentFact, refund_no: str,
    operator: str, world: World, moment: Moment,
) -> Effects:  # fmt: skip
    paid = PaymentFact(row=paid.row, events=list(paid.events))
    standing = paid.standing
    attempt = standing.attempts[-1]
    owed = deposit_owed_transfers(
        custody=attempt.custody, amount_fen=part.amount_fen,
        institution_base=world.institutions[visit.row.institution].account_base,
    )  # fmt: skip
    reference = "" if standing.paid is None else standing.paid.reference
    back, entry = returning(
        paid.row, attempt, part.amount_fen, reference, owed, refund_no or paid.row.order_no,
        world, moment, deposit=True,
    )  # fmt: skip
    learnt = Learnt(amount_fen=part.amount_fen, operator=operator, return_no=back.row.pay_no)
    taken = event_of_happening(
        paid, Happening.TAKEN_BACK, attempt.number, moment, learnt=learnt
    )
    head = ReturnHead(
        number=part.deposit.head.number, amount_fen=part.amount_fen, refund_no=refund_no,
        return_no=back.row.pay_no,
    )  # fmt: skip
    return replace(
        effects,
        entries=(*effects.entries, entry),
        events=(*effects.events, _event(effects, visit, head)),
        payments=(*effects.payments, back.row),
        payment_events=(
            *effects.payment_events,
            event_row(paid.row, taken, None, world, booked=entry),
            event_row(back.row, back.events[0], None, world),
        ),
        due=(*effects.due, due_row(back)),
    )


def _event(effects: Effects, visit: VisitFact, head: ReturnHead) -> EventRow:
    return visit_money.event_of(
        visit, EventKind.DEPOSIT_RETURNED, head_text(head), after=len(effects.events)
    )
