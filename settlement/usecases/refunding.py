"""Taking a paid order back, all of it or some of it (退款, DOMAIN 12 and 14).

Insurance first, then the money. With an insurance leg the settlement is cancelled, and what stays
sold is settled anew on the original day, in the same commit; what the payer has paid too much is
owed to them from then on and goes back by a return of its own. Without one, money goes back.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from ledger.entry import Transfer
from protocol.nhsa import canonical
from protocol.scan import ScanReply
from settlement.claim import Claim
from settlement.clock import Moment
from settlement.decision import Decision
from settlement.deposit import applied_to, sum_of
from settlement.payments.pay_commands import PlainLine, TakeBack
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Attempt, Happening, Learnt, PaymentKind, State
from settlement.postings import (
    collecting_transfers,
    refund_owed_transfers,
    undone,
)
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, RowKind, SettlementRow
from settlement.translate import scans
from settlement.usecases import (
    booking,
    cancel,
    checks,
    deposit_returns,
    family,
    order_elsewhere,
    remote_cancel,
)
from settlement.usecases.at_once import claim_of, tender_of
from settlement.usecases.paying import PayAnswer
from settlement.usecases.payment_effects import (
    due_row,
    returning,
)
from settlement.usecases.payment_payloads import Plan, open_plan
from settlement.usecases.payment_steps import event_of_happening, event_row
from settlement.usecases.remainders import decided_anew, no_line, resettled, rest_of
from settlement.view import Effects, PersonFacts, SettlementFact, View
from settlement.world import World


class _Order(Struct, frozen=True):
    """A paid order, as far as it still stands."""

    fact: PaymentFact
    plan: Plan
    paid_by: Attempt
    left_fen: int
    """of what the channel collected"""


def take_back(command: TakeBack, view: View, world: World, moment: Moment) -> Decision:
    """Decide a refund."""
    again = _again(command, view, world)
    if again is not None:
        return again
    if not command.pay_no:
        if command.visit_ids:
            return deposit_returns.take_back_declared(command, view, world, moment)
        return _settled_at_once(command, view, world, moment)
    if order_elsewhere.is_uncollected(view.payments.get(command.pay_no), view):
        return _stands_uncollected(command, view, world, moment)
    order = _order(command, view, world)
    if isinstance(order, Refusal):
        return Decision(order)
    if order.plan.deposit:
        return deposit_returns.take_back(command, order.fact, view, world, moment)
    if order.plan.settlement is None:
        return _money_back(command, order, view, world, moment)
    if command.amount_fen is not None:
        return Decision(Refusal(code="REFUND_BY_AMOUNT", field="amount"))
    return _sale_back(command, order, view, world, moment)


def _again(command: TakeBack, view: View, world: World) -> Decision | None:
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    if message is None:
        return None
    if canonical.differs(message.fingerprint, asked.fingerprint) is not None:
        return Decision(Refusal(code="REFUND_CONFLICT", field="refund_no"))
    if message.outcome is MessageOutcome.SETTLEMENT:
        settled = view.settlements[message.ref]
        tender = tender_of(settled, world)
        if settled.row.kind is RowKind.SETTLE:
            cancelled = view.settlements[settled.row.prior_row or 0].row
            output = scans.partly_taken_back(
                command.refund_no, cancelled, settled.row, tender, replayed=True
            )
        else:
            output = _cancelled(command, settled.row, view, tender, replayed=True)
        return Decision(PayAnswer(output=output, replayed=True))
    if message.outcome is MessageOutcome.EVENT:
        return Decision(deposit_returns.handed_back_again(command, message.ref, view))
    fact = view.payments[message.ref]
    plan = open_plan(fact.row.plan, world.keyring, fact.row.lane, fact.row.pay_no)
    output = scans.standing(fact, plan, replayed=True)
    return Decision(PayAnswer(output=output, fact=fact, replayed=True))


def _order(command: TakeBack, view: View, world: World) -> _Order | Refusal:
    fact = view.payments.get(command.pay_no)
    if fact is None or fact.row.kind is not PaymentKind.COLLECT:
        return Refusal(code="ORDER_UNKNOWN", field="order_no")
    standing = fact.standing
    if standing.state is not State.SETTLED or standing.attempt is None:
        return Refusal(code="REFUND_NOT_SETTLED", field="order_no")
    left_fen = fact.row.amount_fen - standing.taken_back_fen
    plan = open_plan(fact.row.plan, world.keyring, fact.row.lane, fact.row.pay_no)
    copy = PaymentFact(row=fact.row, events=list(fact.events))
    return _Order(copy, plan, standing.attempt, left_fen)


def _too_much(left_fen: int) -> Refusal:
    return Refusal(code="REFUND_TOO_MUCH", field="amount", params={"left_fen": left_fen})


def _money_back(
    command: TakeBack, order: _Order, view: View, world: World, moment: Moment
) -> Decision:
    """A sale without an insurance leg: an amount, some lines, or what is left."""
    amount_fen = command.amount_fen
    lines: tuple[PlainLine, ...] = ()
    if command.lines:
        of_lines = _lines_back(command, order, view, world)
        if isinstance(of_lines, Refusal):
            return Decision(of_lines)
        lines, amount_fen = of_lines, sum(line.amount_fen for line in of_lines)
    if amount_fen is None:
        amount_fen = order.left_fen
    if not 0 < amount_fen <= order.left_fen:
        return Decision(_too_much(order.left_fen))
    base = command.asked.institution.account_base
    revenue_back = undone(collecting_transfers(amount_fen=amount_fen, institution_base=base))
    return _returned(
        command, order, amount_fen, revenue_back, None, None, world, moment, lines=lines
    )


def _lines_back(
    command: TakeBack, order: _Order, view: View, world: World
) -> tuple[PlainLine, ...] | Refusal:
    """What comes back of each line, less what came back of it before. All parts of a line together
    are the line, to the fen."""
    sold = {line.serial: line for line in order.plan.lines}
    before: Counter[str] = Counter()
    for row in (view.payments[number].row for number in order.fact.returns):
        plan = open_plan(row.plan, world.keyring, row.lane, row.pay_no)
        before.update({line.serial: line.quantity_e4 for line in plan.lines})
    back = []
    for serial, quantity_e4 in command.lines:
        line, gone_e4 = sold.pop(serial, None), before[serial]  # so that none comes back twice
        if line is None or not 0 < quantity_e4 <= line.quantity_e4 - gone_e4:
            return no_line(serial)
        amount_fen = _share_of(line, gone_e4 + quantity_e4) - _share_of(line, gone_e4)
        back.append(PlainLine(serial, amount_fen, quantity_e4))
    return tuple(back)


def _share_of(line: PlainLine, part_e4: int) -> int:
    """What so much of a line cost, half up to the fen."""
    whole_e4 = line.quantity_e4
    return (2 * line.amount_fen * part_e4 + whole_e4) // (2 * whole_e4)


def _sale_back(
    command: TakeBack, order: _Order, view: View, world: World, moment: Moment
) -> Decision:
    """A sale with an insurance leg: cancel it, settle the rest anew, and owe the difference."""
    asked = command.asked
    person = _person_of(command, view, world)
    if isinstance(person, Refusal):
        return Decision(person)
    if person.home_region and person.undertaking is not None:
        return remote_cancel.under_way(command, person, view, world)
    standing = order.fact.standing
    number = standing.taken_back[-1].setl_id if standing.taken_back else order.fact.row.setl_id
    fact = view.settlements.get(number or 0)
    if fact is None or fact.undone_by is not None:
        return Decision(_too_much(0))
    claim = order.plan.claim
    refused = _not_now(command, person, fact, claim, view, world, moment)
    if refused is not None:
        return Decision(refused)
    if order.plan.elsewhere:
        return _ask_back(command, fact, person, view, world, moment)
    _, effects = cancel.undo(
        fact, RowKind.CANCEL, asked, person, view, world, moment, collected=True
    )
    if not command.lines or claim is None:
        return _returned(command, order, order.left_fen, (), effects, None, world, moment)
    rest = rest_of(command.lines, claim, fact, view, world)
    if isinstance(rest, Refusal):
        return Decision(rest)
    if not rest.lines:
        return _returned(command, order, fact.row.cash_fen, (), effects, None, world, moment)
    return _settle_rest(command, order, fact, rest, effects, view, world, moment)


def _person_of(command: TakeBack, view: View, world: World) -> PersonFacts | Refusal:
    """Whose order it is; who is insured elsewhere was so when it was settled, and nobody says it
    again."""
    asked = command.asked
    person = view.persons.get(asked.person_no)
    region = "" if person is None else person.home_region
    return checks.known_person(view, world, replace(asked, insured_region=region))


def _ask_back(
    command: TakeBack, fact: SettlementFact, person: PersonFacts, view: View, world: World,
    moment: Moment,
) -> Decision:  # fmt: skip
    """A settlement that another region shared: it is asked to take it back first (DOMAIN 14)."""
    return order_elsewhere.ask_back(
        command.asked, fact.row.setl_id, person, by_lines=bool(command.lines), view=view,
        world=world, moment=moment,
    )  # fmt: skip


def _stands_uncollected(
    command: TakeBack, view: View, world: World, moment: Moment
) -> Decision:
    """Nobody paid, and the other region did not take back what it had shared: it is asked once
    more, and what the institution collected itself it gives back itself."""
    person = _person_of(command, view, world)
    if isinstance(person, Refusal):
        return Decision(person)
    if person.undertaking is not None:
        return remote_cancel.under_way(command, person, view, world)
    fact = view.settlements[view.payments[command.pay_no].row.setl_id or 0]
    refused = _not_now(command, person, fact, None, view, world, moment)
    if refused is not None:
        return Decision(refused)
    return _ask_back(command, fact, person, view, world, moment)


def _settle_rest(
    command: TakeBack, order: _Order, fact: SettlementFact, rest: Claim, cancelled: Effects,
    view: View, world: World, moment: Moment,
) -> Decision:  # fmt: skip
    left = decided_anew(command.asked, fact, rest, cancelled, view, world, moment)
    if isinstance(left, Refusal):
        return Decision(left)
    row, effects = resettled(
        command.asked, fact, left.decided, cancelled, left.after, world, moment, by_channel=True
    )
    cancelled = replace(cancelled, messages=(), then=effects)
    surplus_fen = fact.row.cash_fen - row.cash_fen
    return _returned(command, order, surplus_fen, (), cancelled, row, world, moment)


def _returned(
    command: TakeBack, order: _Order, amount_fen: int, before: tuple[Transfer, ...],
    effects: Effects | None, rest: SettlementRow | None, world: World, moment: Moment, *,
    lines: tuple[PlainLine, ...] = (),
) -> Decision:  # fmt: skip
    """The return, and all that is written with it. `before` brings what is owed to the account of
    what is to be collected; a cancelled settlement has done that already."""
    asked = command.asked
    fact, attempt = order.fact, order.paid_by
    effects = effects or Effects(lane=asked.lane, person_no=asked.person_no, messages=())
    if not amount_fen:
        return _nothing_returned(command, order, effects, rest, world, moment)
    owed = before + refund_owed_transfers(
        channel=attempt.channel, custody=attempt.custody, amount_fen=amount_fen,
        institution_base=asked.institution.account_base,
    )  # fmt: skip
    reference = fact.standing.paid.reference if fact.standing.paid is not None else ""
    back, entry = returning(
        fact.row, attempt, amount_fen, reference, owed, command.refund_no, world, moment,
        rest=rest, lines=lines,
    )  # fmt: skip
    learnt = Learnt(
        amount_fen=amount_fen, operator=command.operator, return_no=back.row.pay_no,
        setl_id=None if rest is None else rest.setl_id,
    )  # fmt: skip
    taken = event_of_happening(
        fact, Happening.TAKEN_BACK, attempt.number, moment, learnt=learnt
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
    plan = Plan(transfers=owed, settlement=rest)
    output = scans.standing(back, plan)
    return Decision(PayAnswer(output=output, fact=back, began=back.events[0].began), effects)


def _nothing_returned(
    command: TakeBack, order: _Order, effects: Effects, rest: SettlementRow | None, world: World,
    moment: Moment,
) -> Decision:  # fmt: skip
    """What came back was paid by funds and account alone: no money goes through the channel."""
    fact = order.fact
    learnt = Learnt(
        amount_fen=0, operator=command.operator, setl_id=None if rest is None else rest.setl_id
    )
    taken = event_of_happening(
        fact, Happening.TAKEN_BACK, order.paid_by.number, moment, learnt=learnt
    )
    effects = replace(
        effects,
        messages=(booking.message_of(command.asked, MessageOutcome.PAYMENT, fact.row.pay_no),),
        payment_events=(event_row(fact.row, taken, None, world),),
    )
    return Decision(PayAnswer(output=scans.standing(fact, order.plan), fact=fact), effects)


def _settled_at_once(
    command: TakeBack, view: View, world: World, moment: Moment
) -> Decision:
    """An order that no channel had a part in: what stands of it is cancelled, what stays sold is
    settled anew, and what the institution collected itself it gives back itself."""
    asked = command.asked
    if command.amount_fen is not None:
        return Decision(Refusal(code="REFUND_BY_AMOUNT", field="amount"))
    person = _person_of(command, view, world)
    if isinstance(person, Refusal):
        return Decision(person)
    if person.home_region and person.undertaking is not None:
        return remote_cancel.under_way(command, person, view, world)
    fact = view.settlements.get(view.standing.get(command.business_key, 0))
    if fact is None or fact.undone_by is not None:
        return Decision(_too_much(0))
    claim = claim_of(fact, view, world)
    refused = _not_now(command, person, fact, claim, view, world, moment)
    if refused is not None:
        return Decision(refused)
    if fact.row.setl_id in view.cases:
        return _ask_back(command, fact, person, view, world, moment)
    tender = tender_of(fact, world)
    row, effects = cancel.undo(fact, RowKind.CANCEL, asked, person, view, world, moment)
    rest = rest_of(command.lines, claim, fact, view, world) if command.lines and claim else None
    if isinstance(rest, Refusal):
        return Decision(rest)
    if rest is None or not rest.lines:
        return Decision(PayAnswer(output=_cancelled(command, row, view, tender)), effects)
    left = decided_anew(asked, fact, rest, effects, view, world, moment)
    if isinstance(left, Refusal):
        return Decision(left)
    kept, then = resettled(
        asked, fact, left.decided, effects, left.after, world, moment, by_channel=False
    )
    effects = replace(
        effects, then=then,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, kept.setl_id),),
    )  # fmt: skip
    output = scans.partly_taken_back(command.refund_no, row, kept, tender)
    return Decision(PayAnswer(output=output), effects)


def _not_now(
    command: TakeBack, person: PersonFacts, fact: SettlementFact, claim: Claim | None, view: View,
    world: World, moment: Moment,
) -> Refusal | None:  # fmt: skip
    """Why a settlement cannot be taken back, or not so."""
    refused = family.open_undertaking(person, command)
    refused = refused or cancel.outside_window(fact.row, world, moment)
    refused = refused or cancel.later_one(person, fact.row, world, "order_no")
    refused = refused or cancel.later_segment(fact.row, view, "order_no")
    if refused is None and command.lines and claim is None and not person.home_region:
        return Refusal(code="REFUND_VISIT_WHOLE", field="lines")
    return refused


def _cancelled(
    command: TakeBack, row: SettlementRow, view: View, tender: str, *, replayed: bool = False
) -> ScanReply:
    used = applied_to(view.visits.get(row.mdtrt_id), row.undoes_setl_id or 0)
    return scans.cancelled(
        command.refund_no, row, tender, replayed=replayed, deposit_fen=sum_of(used)
    )
