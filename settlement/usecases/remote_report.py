"""What became of a case at the region of insurance, booked here (异地就医, ADR 0033).

Whoever hears of a case says so with a `ReportCase`: the process that asked, the resolver, whoever
sends the message again. What it does is in the table of settlement/remote_states.py, so it does not
matter how many of them say it, or in which order.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Raw
from msgspec.structs import replace

from ledger.entry import NOTHING, Entry, EntryKind
from protocol.hub.messages import Refused
from settlement import chart
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.decision import Answer, Decision
from settlement.postings import undone
from settlement.refusal import Refusal
from settlement.remote_commands import Heard, ReportCase
from settlement.remote_rows import CaseFact, event_row
from settlement.remote_states import (
    HELD,
    NEXT,
    OPEN,
    CaseEvent,
    Happening,
    Ignored,
    State,
)
from settlement.rows import MessageOutcome, MessageRow, RowKind, commitment
from settlement.translate import rendering
from settlement.translate.remote import fault_of
from settlement.usecases import booking, visit_money
from settlement.usecases.cancel import undone_events
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

    __slots__ = ("alarm", "fact", "refused")

    def __init__(self, fact: CaseFact, *, output: Raw | None = None, alarm: str = "") -> None:
        super().__init__(output=output)
        self.fact = fact
        self.alarm = alarm
        self.refused: Refused | None = None
        """what the region of insurance refused, in the words of whoever asked it"""


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
    event = _event(fact, happening, command.heard, world, moment)
    fact.events.append(event)
    effects = Effects(
        lane=fact.row.lane, person_no=fact.row.psn_no, messages=(),
        case_due=(due_row(fact, moment),),
    )  # fmt: skip
    if isinstance(follows, State) and follows is not state:
        effects = _follow(follows, command, fact, effects, view, world, moment)
        if effects.settlement is not None:
            event = replace(event, setl_id=effects.settlement.setl_id)
            fact.events[-1] = event
    effects = replace(effects, case_events=(event_row(fact.row, event),))
    output = _output(effects, view, world)
    return Decision(CaseReply(fact, output=output, alarm=fault), effects)


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
    fact: CaseFact, happening: Happening, heard: Heard, world: World, moment: Moment
) -> CaseEvent:
    row, number = fact.row, len(fact.events) + 1
    said = heard.case
    refused = heard.refused
    kept = said or (
        None if refused is None
        else Refusing(code=refused.code, text=refused.text, retry=refused.retry)
    )  # fmt: skip
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
    effect (DOMAIN 9)."""
    wish = _wish(fact, world)
    if wish is None:
        return ()
    lane = fact.row.lane
    return (
        MessageRow(lane=lane, key=wish.message_key, outcome=MessageOutcome.DONE, ref=0,
                   fingerprint=wish.fingerprint),
        MessageRow(lane=lane, key=wish.original_key, outcome=MessageOutcome.TOMBSTONE, ref=0,
                   fingerprint=b""),
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
    asked = Asked(
        infno=wish.infno, institution=world.institutions[case.institution], msgid=wish.msgid,
        operator=wish.operator, lane=case.lane, person_no=case.psn_no,
        message_key=wish.message_key, fingerprint=wish.fingerprint,
        insured_region=case.insured_region,
    )  # fmt: skip
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
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, setl_id),),
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
