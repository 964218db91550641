"""A sale whose rest a payment channel collects: hold, report, find (ADR 0027).

`hold_sale` decides the sale as any other and holds it instead of booking it; `report` takes what
happened at the channel and has done what the table of settlement/payments/payment_states.py says
(settlement/usecases/payment_effects.py).
"""

from __future__ import annotations

from msgspec import UNSET, Struct
from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from protocol.nhsa import canonical
from settlement import chart
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.decision import Answer, Decision
from settlement.deposit import applied_to, fold_deposits, sum_of
from settlement.elsewhere.remote_rows import CaseFact
from settlement.elsewhere.remote_states import OPEN
from settlement.elsewhere.remote_states import State as CaseState
from settlement.entitlement import choose_scheme
from settlement.payments.pay_commands import (
    FindOrder,
    HoldDeposit,
    HoldPlainSale,
    HoldSale,
    HoldStay,
    HoldVisit,
    PayOnPhone,
    Report,
    RequestAdmission,
    Till,
)
from settlement.payments.payment_rows import (
    PaymentFact,
    PaymentRow,
    payment_commitment,
)
from settlement.payments.payment_states import (
    MONEY_CAME,
    PHONE_ATTEMPTS_MAX,
    PHONE_LAST_SECONDS,
    Attempt,
    Duty,
    Event,
    Happening,
    Ignored,
    PaymentKind,
    Standing,
    State,
    Way,
    phone_until,
    what_next,
)
from settlement.postings import (
    collecting_transfers,
    settlement_transfers,
)
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, SettlementRow
from settlement.translate import deposits, scans
from settlement.usecases import booking, checks, order_given_up, returns, sale, traces
from settlement.usecases.at_once import standing_of, tender_of
from settlement.usecases.payment_effects import carried_out, due_row
from settlement.usecases.payment_payloads import Plan, open_plan, seal_plan
from settlement.usecases.payment_steps import event_of_happening, event_row
from settlement.usecases.returns import Books
from settlement.usecases.sale import Sale
from settlement.view import Effects, SettlementFact, View
from settlement.world import World

_GONE = frozenset({Happening.REFUSED, Happening.UNDONE})
"""What says that nothing is collected under an attempt."""
Ordered = HoldSale | HoldPlainSale | HoldDeposit | HoldVisit | HoldStay | RequestAdmission
"""What asks for money under an order number."""


class PayAnswer(Answer):
    """An answer of a payment, with what whoever speaks to the channel has to know."""

    __slots__ = ("alarm", "ask_again", "began", "case", "fact", "settlement", "stay")

    def __init__(
        self, *, output: Struct, fact: PaymentFact | None = None, began: Attempt | None = None,
        replayed: bool = False, alarm: str = "", settlement: SettlementFact | None = None,
        ask_again: bool = False, stay: int | None = None, case: CaseFact | None = None,
    ) -> None:  # fmt: skip
        super().__init__(output=output, replayed=replayed)
        self.fact = fact
        self.began = began
        """an attempt that this decision commits: its first byte may leave after the commit"""
        self.alarm = alarm
        self.ask_again = ask_again
        """what was reported may be old news: only what the channel answers now counts"""
        self.settlement = settlement
        """of an order that no channel had a part in"""
        self.stay = stay
        """of a deposit that no channel had a part in"""
        self.case = case
        """of somebody insured elsewhere: what stands at their region"""


def hold_sale(command: HoldSale, view: View, world: World, moment: Moment) -> Decision:
    """Hold a sale with an insurance leg; settle it where nothing is left for a channel."""
    again = order_again(command, command.till, view, world, moment)
    if again is not None:
        return again
    one = Sale(_as_known(command, view))
    for step in _HELD_STEPS:
        decision = step(one, view, world, moment)
        if decision is not None:
            return decision
    if not one.row.cash_fen or command.counter.tender != "scan":
        sale.book(one, view, world, moment)
        output = scans.settled_at_once(
            command.counter.order_no, one.row, command.counter.tender, replayed=False
        )
        return Decision(PayAnswer(output=output), one.effects)
    if command.till is None and not command.counter.on_phone:
        return Decision(PayAnswer(output=scans.code_wanted(command.counter.order_no, one.row)))
    return _hold(one, command, command.till, world, moment)


def _as_known(command: HoldSale, view: View) -> HoldSale:
    """Of somebody insured elsewhere: whom a code named is asked for by it no more, so where they
    are insured is what was told then. While no code for the rest was shown, what is left is only
    asked for."""
    person = view.persons.get(command.asked.person_no)
    if person is None or not person.home_region:
        return command
    asked = command.asked
    if command.token_key:
        asked = replace(asked, insured_region=person.home_region)
    pays = command.till is not None or command.nothing_left
    pays = pays or command.counter.tender != "scan" or command.counter.on_phone
    quote = not pays and person.undertaking is None
    return replace(command, asked=asked, quote=quote)


def _choose_scheme(one: Sale, view: View, world: World, moment: Moment) -> Decision | None:
    """A scan need not say under which scheme: then the region's order decides (DOMAIN 20)."""
    command = one.command
    if command.claim.scheme:
        return None
    on = command.claim.service_at.date()
    scheme = choose_scheme(one.person.enrolments, on, world.profile)
    if scheme is None:
        return Decision(checks.not_enrolled("", one.person))
    one.command = replace(command, claim=replace(command.claim, scheme=scheme))
    return None


_HELD_STEPS = (sale.admit, _choose_scheme, sale.adjudicate, sale.seal, sale.write_row)


def hold_plain_sale(
    command: HoldPlainSale, view: View, world: World, moment: Moment
) -> Decision:
    """Hold a sale without an insurance leg (自费)."""
    again = order_again(command, command.till, view, world, moment)
    if again is not None:
        return again
    if command.total_fen <= 0:
        return Decision(Refusal(code="NOTHING_TO_COLLECT", field="lines"))
    transfers = collecting_transfers(
        amount_fen=command.total_fen,
        institution_base=command.asked.institution.account_base,
    )
    plan = Plan(transfers=transfers, lines=command.lines, counter=command.counter)
    return begin(command, command.till, command.total_fen, plan, 0, world, moment)


def _hold(
    one: Sale, command: HoldSale, till: Till | None, world: World, moment: Moment
) -> Decision:
    row = one.row
    base = command.asked.institution.account_base
    transfers = settlement_transfers(
        funds=booking.fund_legs(one.decided.benefit.shares), account_fen=row.account_fen,
        cash_fen=0, hospital_fen=row.hospital_fen, institution_base=base,
        personal_account=one.person.account,
    ) + collecting_transfers(amount_fen=row.cash_fen, institution_base=base)  # fmt: skip
    plan = Plan(
        transfers=transfers, counter=command.counter, claim=one.decided.claim, settlement=row,
        detail=one.sealed,
        increments=one.decided.benefit.increments,
        traces=traces.trace_rows(
            traces.boxes_sold(command.traces), row.lane, row.setl_id
        ) if command.traces else (),
    )  # fmt: skip
    return begin(command, till, row.cash_fen, plan, row.account_fen, world, moment)


def begin(
    command: Ordered, till: Till | None, amount_fen: int, plan: Plan, account_fen: int,
    world: World, moment: Moment, *, visit: int | None = None,
) -> Decision:  # fmt: skip
    """The payment, its first attempt, and the pending entry over all its legs: one commit. Without
    a till the payer is asked to pay on their own phone, and no attempt is out. `visit` is the one
    that learns of it."""
    asked = command.asked
    pay_no = world.next_number(asked.lane, moment.business_day)
    row = PaymentRow(
        lane=asked.lane, pay_no=pay_no, kind=PaymentKind.COLLECT, opened_at=moment.at,
        setl_id=None if plan.settlement is None else plan.settlement.setl_id, parent=None,
        mdtrt_id=visit,
        psn_no="" if plan.settlement is None and visit is None else asked.person_no,
        institution=asked.institution.code, order_no=command.counter.order_no,
        amount_fen=amount_fen,
        plan=seal_plan(plan, world.keyring, asked.lane, pay_no),
    )  # fmt: skip
    fact = PaymentFact(row=row, events=[])
    if till is None:
        attempt = None
        event = event_of_happening(fact, Happening.INVITED, 0, moment)
    else:
        attempt = new_attempt(1, till, amount_fen, row, world, moment)
        event = event_of_happening(fact, Happening.ATTEMPTED, 1, moment, began=attempt)
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.PAYMENT, pay_no),),
        entry=Entry(
            lane=asked.lane, entry_id=pay_no, kind=EntryKind.PENDING, code=chart.EntryCode.HOLD,
            transfers=plan.transfers, commitment=payment_commitment(row),
        ),
        account_change_fen=-account_fen,
        undertaking=pay_no if row.psn_no else UNSET,
        payments=(row,),
        payment_events=(event_row(fact.row, event, None, world),),
        due=(due_row(fact),),
    )  # fmt: skip
    return Decision(PayAnswer(output=scans.standing(fact, plan), fact=fact, began=attempt), effects)


def new_attempt(
    number: int, till: Till, amount_fen: int, row: PaymentRow, world: World, moment: Moment
) -> Attempt:
    """An attempt through a till, with an order number of its own."""
    return Attempt(
        number=number, channel=till.channel, merchant_no=till.merchant_no,
        order_no=str(world.next_number(row.lane, moment.business_day)), amount_fen=amount_fen,
        sent_at=moment.at, custody=till.custody, timers=till.timers,
        code_shown=till.code_shown, way=till.way,
    )  # fmt: skip


def order_again(
    command: Ordered, till: Till | None, view: View, world: World, moment: Moment
) -> Decision | None:
    """What an order does that was sent before: another attempt where one may be made, else it says
    what stands. None for a new order."""
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    if message is None:
        return None
    part = canonical.differs(message.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="ORDER_CONFLICT", field="order_no", params={"part": part}))
    if message.outcome is MessageOutcome.TOMBSTONE:
        return Decision(PayAnswer(output=scans.never_settled(command.counter.order_no)))
    if message.outcome is not MessageOutcome.PAYMENT:
        settled = standing_of(command, message, view)
        output = scans.settled_at_once(
            command.counter.order_no, settled.row, command.counter.tender, replayed=True,
            undone=settled.undone_by is not None, deposit_fen=_deposits_of(settled.row, view),
            case=_case_state(settled.row.setl_id, view),
        )  # fmt: skip
        return Decision(PayAnswer(output=output, replayed=True, settlement=settled))
    fact = view.payments[message.ref]
    if fact.standing.state is not State.WAITING or till is None or till.implied:
        return Decision(_said(fact, view, world, replayed=True))
    return _another(fact, till, asked, world, moment)


def pay_on_phone(command: PayOnPhone, view: View, world: World, moment: Moment) -> Decision:
    """The payer pays on their own phone: an attempt begins where none is out and there is time
    left; else it says what stands."""
    fact = view.payments.get(command.pay_no)
    if fact is None:
        return Decision(Refusal(code="ORDER_UNKNOWN", field="order_no"))
    until = phone_until(fact.events)
    if until is None:
        return Decision(Refusal(code="ORDER_NOT_FOR_PHONES", field="order_no"))
    often = len(fact.standing.attempts) >= PHONE_ATTEMPTS_MAX
    if fact.standing.state is not State.WAITING or moment.at >= until or often:
        return Decision(_said(fact, view, world))
    left = max((until - moment.at).total_seconds(), PHONE_LAST_SECONDS)
    timers = replace(command.till.timers, payer_undo_after=left)
    till = replace(command.till, timers=timers)
    return _another(fact, till, command.asked, world, moment)


def _another(
    fact: PaymentFact, till: Till, asked: Asked, world: World, moment: Moment
) -> Decision:
    """One more attempt at a payment that waits for one."""
    fact = _copied(fact)
    standing = fact.standing
    attempt = new_attempt(
        len(standing.attempts) + 1, till, fact.row.amount_fen, fact.row, world, moment
    )
    event = event_of_happening(fact, Happening.ATTEMPTED, attempt.number, moment, began=attempt)
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(),
        payment_events=(event_row(fact.row, event, None, world),), due=(due_row(fact),),
    )  # fmt: skip
    output = scans.standing(fact, plan_of(fact, world))
    return Decision(PayAnswer(output=output, fact=fact, began=attempt), effects)


def plan_of(fact: PaymentFact, world: Books) -> Plan:
    """What was decided when a payment was held."""
    return open_plan(fact.row.plan, world.keyring, fact.row.lane, fact.row.pay_no)


def find_order(command: FindOrder, view: View, world: World, moment: Moment) -> Decision:
    """What stands of an order."""
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    pay_no = command.pay_no or (message.ref if message is not None else 0)
    fact = view.payments.get(pay_no)
    if fact is not None and fact.row.institution == asked.institution.code:
        return Decision(_said(fact, view, world))
    if message is not None and message.outcome is MessageOutcome.SETTLEMENT:
        settled = standing_of(command, message, view)
        output = scans.settled_at_once(
            asked.msgid, settled.row, tender_of(settled, world), replayed=command.again,
            undone=settled.undone_by is not None, deposit_fen=_deposits_of(settled.row, view),
            case=_case_state(settled.row.setl_id, view),
        )  # fmt: skip
        return Decision(
            PayAnswer(output=output, replayed=command.again, settlement=settled)
        )
    if message is not None and message.outcome is MessageOutcome.EVENT:
        visit = view.visits[message.ref]
        mine = (one for one in fold_deposits(visit) if one.head.order_no == asked.msgid)
        output = deposits.declared(next(mine))
        return Decision(PayAnswer(output=output, stay=visit.row.mdtrt_id))
    if message is not None and message.outcome is MessageOutcome.TOMBSTONE:
        return Decision(PayAnswer(output=scans.never_settled(asked.msgid)))
    return _asked_elsewhere(asked, view)


def _asked_elsewhere(asked: Asked, view: View) -> Decision:
    """Nothing is booked: another region may be asked for its share, or to forget that it was."""
    person = view.persons.get(asked.person_no)
    case = None if person is None else view.cases.get(person.undertaking or 0)
    if case is None or case.standing.state not in OPEN:
        return Decision(Refusal(code="ORDER_UNKNOWN", field="order_no"))
    row = case.row
    if (row.institution, row.infno, row.msgid) != (asked.institution.code, scans.SCAN, asked.msgid):
        return Decision(Refusal(code="ORDER_UNKNOWN", field="order_no"))
    output = scans.region_unclear(asked.msgid, case.standing.state)
    return Decision(PayAnswer(output=output, case=case))


def _case_state(case_no: int | None, view: View) -> CaseState | None:
    case = view.cases.get(case_no or 0)
    return None if case is None else case.standing.state


def _deposits_of(row: SettlementRow, view: View) -> int:
    return sum_of(applied_to(view.visits.get(row.mdtrt_id), row.setl_id))


def report(command: Report, view: View, world: Books, moment: Moment) -> Decision:
    """What happened at the channel, or what people decided: given up, tried again, given back."""
    fact = view.payments.get(command.pay_no)
    if fact is None:
        return Decision(Refusal(code="ORDER_UNKNOWN", field="order_no"))
    standing = fact.standing
    happening = _as_it_counts(command, fact, standing)
    if happening is None:
        return Decision(_said(fact, view, world))
    if _may_be_old(command, happening, fact):
        return Decision(_said(fact, view, world, ask_again=True))
    fact = _copied(fact)
    follows = what_next(fact.row.kind, standing.state, happening)
    alarm = returns.contradiction(command, fact)
    if isinstance(follows, Ignored):
        if follows is Ignored.IMPOSSIBLE:
            alarm = f"{happening.name} while {standing.state}"
        is_again = happening is Happening.CHANGED
        return Decision(_said(fact, view, world, replayed=is_again, alarm=alarm))
    began = returns.tried_anew(happening, fact, world, moment)
    event = event_of_happening(
        fact, happening, command.attempt if began is None else began.number, moment,
        began=began, learnt=command.learnt, opens=command.opens,
    )  # fmt: skip
    plan = plan_of(fact, world)
    over: tuple[Event, ...] = ()
    if fact.standing.state is State.WAITING and not _second_code(plan):
        # A code that failed was the only one: nobody is waited for.
        over = (event_of_happening(fact, Happening.GIVEN_UP, command.attempt, moment),)
        follows = State.CLOSED, Duty.RELEASE
    effects = carried_out(follows[1], command.asked, fact, plan, event, view, world, moment)
    case: CaseFact | None = None
    if plan.elsewhere:
        effects, case = order_given_up.follow(
            standing.state, fact, command.learnt.operator, effects, view, world, moment
        )
    for back in effects.payments:  # what cannot be used goes back: the order says how far it is
        event = replace(event, learnt=replace(event.learnt, return_no=back.pay_no))
        fact.events[event.number - 1] = event
    events = (
        event_row(
            fact.row, event, command.exchange, world,
            booked=effects.entries[-1] if effects.entries else None,
        ),
        *(event_row(fact.row, one, None, world) for one in over),
    )
    effects = replace(effects, payment_events=(*events, *effects.payment_events))
    if happening is Happening.MISPAID:
        alarm = f"{command.learnt.amount_fen} fen instead of {fact.row.amount_fen}"
    stands = None if case is None else case.standing.state
    output = scans.standing(fact, plan, case=stands)
    answer = PayAnswer(output=output, fact=fact, alarm=alarm, case=case)
    return Decision(answer, effects)


def _second_code(plan: Plan) -> bool:
    return plan.counter is not None and plan.counter.second_code


def _as_it_counts(
    command: Report, fact: PaymentFact, standing: Standing
) -> Happening | None:
    """The happening as it concerns the payment; None where it says nothing new. Money of an attempt
    that is over, because it failed or another one followed, is surplus; it goes back once."""
    happening, attempt = command.happening, standing.attempt
    if fact.row.kind is PaymentKind.RETURN:
        return returns.as_it_counts(command, fact)
    came = happening in MONEY_CAME
    if came and command.attempt in standing.given_back:
        return None
    is_present = attempt is None or command.attempt == attempt.number
    if happening is Happening.CHANGED and attempt is not None and attempt.way is not Way.PHONE:
        return None
    is_late = command.asked_after < len(fact.events)
    if happening is Happening.NOT_UNDONE and standing.state is State.CHANGING and is_late:
        return Happening.UNCLEAR  # another closing may be under way, and give back what was paid
    if is_present and happening in _GONE and _came_meanwhile(command, fact):
        return Happening.UNCLEAR
    if is_present and not (came and standing.state is State.WAITING):
        return happening
    return Happening.SURPLUS if came else None


def _came_meanwhile(command: Report, fact: PaymentFact) -> bool:
    """Whether money came after the channel was asked that now says that none is there."""
    return any(
        event.happening in MONEY_CAME and event.attempt == command.attempt
        for event in fact.events[command.asked_after :]
    )


def _may_be_old(command: Report, happening: Happening, fact: PaymentFact) -> bool:
    """Whether money may have come before the attempt was undone, and be undone with it: an answer
    or a notification that was long on its way says the same as one of money that came after."""
    standing = fact.standing
    if happening in MONEY_CAME and standing.state is State.CLOSED:
        return command.asked_after < standing.since_event
    return happening is Happening.SURPLUS and command.asked_after < _left_with(command, fact)


def _left_with(command: Report, fact: PaymentFact) -> int:
    """With which event an attempt was dead that its payer left for another channel; 0 where none
    was: a channel that closes such an order may have given back what was paid meanwhile."""
    mine = [event for event in fact.events if event.attempt == command.attempt]
    if all(event.happening is not Happening.CHANGED for event in mine):
        return 0
    return max((event.number for event in mine if event.happening in _GONE), default=0)


def _said(
    fact: PaymentFact, view: View, world: Books, *, replayed: bool = False, alarm: str = "",
    ask_again: bool = False,
) -> PayAnswer:  # fmt: skip
    plan = plan_of(fact, world)
    going_back = [view.payments[number] for number in fact.returns]
    output = scans.standing(
        fact, plan, returns=going_back, replayed=replayed,
        case=_case_state(fact.row.setl_id, view),
    )  # fmt: skip
    return PayAnswer(
        output=output, fact=fact, replayed=replayed, alarm=alarm, ask_again=ask_again
    )


def _copied(fact: PaymentFact) -> PaymentFact:
    """The view is changed by what is written, not by what is decided."""
    return PaymentFact(row=fact.row, events=list(fact.events))
