"""What became of a case at the region of insurance, booked here (异地就医, ADR 0033).

Whoever hears of a case says so with a `ReportCase`: the process that asked, the resolver, whoever
sends the message again. What it does is in the table of elsewhere/remote_states.py, so it does not
matter how many of them say it, or in which order.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Raw
from msgspec.structs import replace

from ledger.entry import NOTHING, Entry, EntryKind
from protocol.hub.messages import CaseTold, Refused
from settlement import chart
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.decision import Answer, Decision
from settlement.elsewhere.remote_commands import Heard, ReportCase
from settlement.elsewhere.remote_rows import CaseFact, CaseRow, event_row
from settlement.elsewhere.remote_states import (
    HELD,
    NEXT,
    OPEN,
    CaseEvent,
    Happening,
    Ignored,
    State,
)
from settlement.postings import undone
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, MessageRow, RowKind, commitment
from settlement.translate import rendering, scans
from settlement.translate.remote import fault_of
from settlement.usecases import booking, order_elsewhere, order_given_up, visit_money
from settlement.usecases.cancel import undone_events
from settlement.usecases.paying import PayAnswer
from settlement.usecases.remote_drafts import beside, told_row, transfers_of
from settlement.usecases.remote_payloads import (
    Refusing,
    Wish,
    forget_plan,
    open_plan,
    open_wish,
    seal_event,
)
from settlement.usecases.remote_settle import due_row, held_entry
from settlement.view import Effects, SettlementFact, View
from settlement.world import World


class CaseReply(Answer):
    """How a case stands after a report, with what the message that asked for it is answered."""

    __slots__ = ("alarm", "fact", "order", "refused")

    def __init__(self, fact: CaseFact, *, output: Raw | None = None, alarm: str = "") -> None:
        super().__init__(output=output)
        self.fact = fact
        self.alarm = alarm
        self.refused: Refused | None = None
        """what the region of insurance refused, in the words of whoever asked it"""
        self.order: PayAnswer | None = None
        """of an order of scan-to-pay: how it stands, and what a channel is asked now"""


def report(command: ReportCase, view: View, world: World, moment: Moment) -> Decision:
    """Take what happened to a case, and book what follows from it."""
    known = view.cases.get(command.case_no)
    if known is None:
        return Decision(Refusal(code="INTERNAL"))
    fact = known.copy()
    fault = _fault(command, fact, world)
    state = fact.standing.state
    if fault and state not in HELD:
        return Decision(CaseReply(fact, alarm=fault))
    if fault:  # what says that it was booked there has to go
        command = replace(command, happening=Happening.GIVEN_UP, heard=Heard())
    happening = command.happening
    follows = NEXT[state, happening]
    silent = happening is Happening.SILENT and state in OPEN
    if not isinstance(follows, State) and not silent:
        impossible = follows is Ignored.IMPOSSIBLE
        said = f"{happening.name} while {state.name}" if impossible else ""
        return Decision(CaseReply(fact, alarm=said))
    event = _event(fact, happening, command, world, moment)
    fact.events.append(event)
    effects = Effects(
        lane=fact.row.lane, person_no=fact.row.psn_no, messages=(),
        case_due=(due_row(fact, moment),),
    )  # fmt: skip
    order: PayAnswer | None = None
    if isinstance(follows, State) and follows is not state:
        effects = _follow(follows, command, fact, effects, view, world, moment)
        effects, order = _of_order(command, fact, effects, view, world, moment)
        if effects.settlement is not None:
            event = replace(event, setl_id=effects.settlement.setl_id)
            fact.events[-1] = event
    effects = replace(effects, case_events=(event_row(fact.row, event),))
    reply = CaseReply(
        fact, alarm=fault, output=None if order is not None else _output(effects, view, world)
    )
    reply.order = order
    return Decision(reply, effects)


def _of_order(
    command: ReportCase, fact: CaseFact, effects: Effects, view: View, world: World,
    moment: Moment,
) -> tuple[Effects, PayAnswer | None]:  # fmt: skip
    """What is written beside it where the case is of an order of scan-to-pay."""
    case, row = fact.row, effects.settlement
    if case.infno != scans.SCAN:
        return effects, None
    plan = open_plan(case.payload, world.keyring, case.lane, case.case_no)
    order = plan.order
    if order is None:
        return effects, None
    payment = view.payments.get(order.pay_no)
    if effects.undertaking is None:
        effects = replace(effects, undertaking=order_given_up.under_way_after(payment))
    if row is not None and row.kind is RowKind.SETTLE:
        return order_elsewhere.collected(plan, order, row, command.till, effects, world, moment)
    wish = _wish(fact, world)
    if row is None or wish is None:
        return effects, None
    if row.kind is RowKind.REVERSE:
        return effects, order_elsewhere.given_up(payment, world)
    asked = _asked_by(wish, case, world)
    return order_elsewhere.taken_back(payment, order, asked, row, effects, world, moment)


def _fault(command: ReportCase, fact: CaseFact, world: World) -> str:
    """What does not add up in an answer, which is none then; empty where there is no such thing."""
    told = command.heard.case
    if told is None:
        return ""
    plan = open_plan(fact.row.payload, world.keyring, fact.row.lane, fact.row.case_no)
    return fault_of(plan.question, told) or ("" if told.settlement_no else "no number")


def _output(effects: Effects, view: View, world: World) -> Raw | None:
    """What the message is answered that asked for what is booked now."""
    row = effects.settlement
    if row is None:
        return None
    return rendering.settlement_output(
        SettlementFact(row=row, detail=effects.detail), view, world
    )


def _event(
    fact: CaseFact, happening: Happening, command: ReportCase, world: World, moment: Moment
) -> CaseEvent:
    row, number, heard = fact.row, len(fact.events) + 1, command.heard
    said, refused = heard.case, heard.refused
    kept: CaseTold | Refusing | Wish | None = said
    if refused is not None:
        kept = Refusing(code=refused.code, text=refused.text, retry=refused.retry)
    if happening is Happening.GIVEN_UP and command.operator:
        kept = order_given_up.wish_of(row.msgid, command.operator)
    reference = said.settlement_no if said is not None else (
        heard.cancel.settlement_no if heard.cancel is not None else ""
    )
    return CaseEvent(
        number=number, happening=happening, at=moment.at, reference=reference,
        payload=seal_event(kept, world.keyring, row.lane, row.case_no, number),
    )  # fmt: skip


def _follow(
    follows: State, command: ReportCase, fact: CaseFact, effects: Effects,
    view: View, world: World, moment: Moment,
) -> Effects:  # fmt: skip
    """What is booked where a case comes to another state."""
    match follows:
        case State.UNCLEAR | State.UNDOING | State.ASKED | State.CANCELLING:
            return effects
        case State.SETTLED if command.happening is Happening.CANCEL_REFUSED:
            return replace(effects, undertaking=None)
        case State.SETTLED:
            return _settled(command, fact, effects, view, world, moment)
        case State.REFUSED:
            return _released(fact, effects, view, world, moment)
        case State.UNDONE:
            if fact.standing.settled is None:
                effects = _released(fact, effects, view, world, moment)
                return replace(effects, messages=_bound(fact, world))
            return _taken_back(RowKind.REVERSE, "", fact, effects, view, world, moment)
        case State.CANCELLED:
            number = "" if command.heard.cancel is None else command.heard.cancel.settlement_no
            return _taken_back(RowKind.CANCEL, number, fact, effects, view, world, moment)
        case _:
            assert_never(follows)


def _settled(
    command: ReportCase, fact: CaseFact, effects: Effects, view: View, world: World,
    moment: Moment,
) -> Effects:  # fmt: skip
    """The settlement as its region shares it, and the hold is over, in one commit."""
    case, told = fact.row, command.heard.case
    if told is None:
        raise ValueError("a case is settled by an answer")
    plan = open_plan(case.payload, world.keyring, case.lane, case.case_no)
    person = view.persons[case.psn_no]
    draft = plan.settlement
    row = replace(
        told_row(draft, case.insured_region, told),
        setl_time=moment.at, business_day=moment.business_day, prior_row=person.latest_row,
        prior_active=person.year(draft.year).latest,
    )  # fmt: skip
    entry = Entry(
        lane=row.lane, entry_id=row.setl_id, kind=EntryKind.SINGLE,
        code=chart.EntryCode.SETTLEMENT, transfers=transfers_of(row, case.insured_region, world),
        commitment=commitment(row),
    )  # fmt: skip
    message = MessageRow(
        lane=row.lane, key=plan.message_key, outcome=MessageOutcome.SETTLEMENT, ref=row.setl_id,
        fingerprint=plan.fingerprint,
    )  # fmt: skip
    return replace(
        _over(fact, effects, world, moment),
        messages=(message,), settlement=row, detail=plan.detail, entry=entry,
        latest_of_year=row.setl_id, traces=plan.traces,
        events=visit_money.numbered(plan.events, view),
        elsewhere=beside(
            row, case.case_no, case.insured_region, told.settlement_no, person, world
        ),
    )  # fmt: skip


def _over(fact: CaseFact, effects: Effects, world: World, moment: Moment) -> Effects:
    """Nothing is held any more, nothing is under way. A post would have to take something of every
    leg that was held, and who pays nothing has no leg: so what was held is let go, and what is
    booked beside it has the legs that it has."""
    forget_plan(fact.row.payload, fact.row.lane, fact.row.case_no)
    held = held_entry(fact.row, world)
    void = Entry(
        lane=held.lane, entry_id=world.next_number(held.lane, moment.business_day),
        kind=EntryKind.VOID, code=held.code, transfers=held.transfers, pending_id=held.entry_id,
        commitment=NOTHING,
    )  # fmt: skip
    return replace(effects, entries=(void,), pending=held, undertaking=None)


def _released(
    fact: CaseFact, effects: Effects, view: View, world: World, moment: Moment
) -> Effects:
    """Nothing was booked there, and nothing is held here any more."""
    case = fact.row
    plan = open_plan(case.payload, world.keyring, case.lane, case.case_no)
    return replace(
        _over(fact, effects, world, moment), events=visit_money.released(plan.events, view)
    )


def _wish(fact: CaseFact, world: World) -> Wish | None:
    event = fact.standing.wish
    if event is None or not event.payload:
        return None
    case = fact.row
    return open_wish(event.payload, world.keyring, case.lane, case.case_no, event.number)


def _bound(fact: CaseFact, world: World) -> tuple[MessageRow, ...]:
    """Where a reversal (2601) gave a case up: its message is done, and the original never has an
    effect (DOMAIN 9). An order is over once it was given up, whoever did that: its number says so
    from then on."""
    case, lane = fact.row, fact.row.lane
    plan = open_plan(case.payload, world.keyring, lane, case.case_no)
    if plan.order is not None:
        return (MessageRow(lane=lane, key=plan.message_key, outcome=MessageOutcome.TOMBSTONE,
                           ref=0, fingerprint=plan.fingerprint),)  # fmt: skip
    wish = _wish(fact, world)
    if wish is None:
        return ()
    return (
        MessageRow(lane=lane, key=wish.message_key, outcome=MessageOutcome.DONE, ref=0,
                   fingerprint=wish.fingerprint),
        MessageRow(lane=lane, key=wish.original_key, outcome=MessageOutcome.TOMBSTONE, ref=0,
                   fingerprint=b""),
    )  # fmt: skip


def _asked_by(wish: Wish, case: CaseRow, world: World) -> Asked:
    return Asked(
        infno=wish.infno, institution=world.institutions[case.institution], msgid=wish.msgid,
        operator=wish.operator, lane=case.lane, person_no=case.psn_no,
        message_key=wish.message_key, fingerprint=wish.fingerprint,
        insured_region=case.insured_region,
    )  # fmt: skip


def _taken_back(
    kind: RowKind, number_there: str, fact: CaseFact, effects: Effects, view: View, world: World,
    moment: Moment,
) -> Effects:  # fmt: skip
    """The exact negative, now that it is taken back there."""
    case, wish = fact.row, _wish(fact, world)
    if wish is None:
        raise ValueError("a settled case is taken back by a message")
    original = view.settlements[case.case_no]
    person = view.persons[case.psn_no]
    setl_id = world.next_number(case.lane, moment.business_day)
    detail = booking.open_detail(
        original.detail, world.keyring, booking.detail_record(case.lane, case.case_no)
    )
    sealed = booking.seal_detail(
        detail, world.keyring, booking.detail_record(case.lane, setl_id)
    )
    asked = _asked_by(wish, case, world)
    row = replace(
        booking.undoing_row(
            original.row, kind=kind, asked=asked, person=person, moment=moment, setl_id=setl_id,
            detail_commitment=sealed.commitment,
        ),
        balance_fen=original.row.balance_fen + original.row.account_fen,
    )  # fmt: skip
    year = person.year(original.row.year).without(case.case_no, original.row.prior_active)
    code = chart.EntryCode.CANCEL if kind is RowKind.CANCEL else chart.EntryCode.REVERSAL
    return replace(
        effects,
        messages=(
            (booking.message_of(asked, MessageOutcome.SETTLEMENT, setl_id),)
            if wish.message_key else ()
        ),
        settlement=row,
        detail=sealed,
        entry=Entry(
            lane=row.lane, entry_id=setl_id, kind=EntryKind.SINGLE, code=code,
            transfers=undone(transfers_of(original.row, case.insured_region, world)),
            commitment=commitment(row),
        ),
        latest_of_year=year.latest,
        gaps_of_year=year.gaps,
        events=undone_events(original.row, setl_id, asked, view),
        undertaking=None,
        elsewhere=beside(
            row, case.case_no, case.insured_region, number_there, person, world
        ),
    )  # fmt: skip
