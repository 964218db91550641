"""Take back what was settled of somebody insured elsewhere: cancel, reversal (异地就医, ADR 0033).

The region of insurance first, then our books (DOMAIN 14). What is decided here is that it is asked:
the wish is written down with the message that has it, and its answer is booked by
usecases/remote_report.py.
"""

from __future__ import annotations

from msgspec.structs import replace

from protocol.nhsa import canonical
from settlement.clock import Moment
from settlement.commands import Asked, Cancel, Command, Reverse
from settlement.decision import Decision
from settlement.elsewhere.remote_rows import CaseFact, case_number, event_row
from settlement.elsewhere.remote_states import NEXT, CaseEvent, Happening, State
from settlement.refusal import Refusal
from settlement.usecases.remote_payloads import Wish, open_wish, seal_event
from settlement.usecases.remote_settle import CaseAnswer, due_row
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

_WAIT = Refusal(code="UNDERTAKING_OPEN", field="person_no")


def under_way(command: Command, person: PersonFacts, view: View, world: World) -> Decision:
    """Something is under way: the cancel or refund that it is asks what became of it, any other
    waits."""
    fact = view.cases.get(person.undertaking or 0)
    if fact is None or fact.standing.state is not State.CANCELLING:
        return Decision(_WAIT)
    return _same_message(command.asked, fact, world)


def ask_cancel(command: Cancel, view: View, world: World, moment: Moment) -> Decision:
    """A settlement that may be cancelled: its region is asked to take it back."""
    return ask_back(command.asked, view.cases[command.setl_id], world, moment)


def ask_back(asked: Asked, fact: CaseFact, world: World, moment: Moment) -> Decision:
    """The region of a settled case is asked to take it back, for this message."""
    number = world.next_number(fact.row.lane, moment.business_day)
    return _wished(
        fact, Happening.CANCEL_ASKED, _wish(asked), world, moment,
        reference=case_number(world.region, number),
    )  # fmt: skip


def give_up_open(
    command: Reverse, person: PersonFacts, view: View, world: World, moment: Moment
) -> Decision:
    """2601 while something is under way: of the case that its original opened, it gives that up."""
    fact = view.cases.get(person.undertaking or 0)
    if fact is None:
        return Decision(_WAIT)
    row, asked = fact.row, command.asked
    opened_by = (row.institution, row.infno, row.msgid)
    if opened_by != (asked.institution.code, command.original_infno, command.original_msgid):
        return Decision(_WAIT)
    wish = fact.standing.wish
    if fact.standing.state is State.UNDOING and wish is not None and wish.payload:
        return _same_message(asked, fact, world)
    return give_up(command, fact, view, world, moment)


def give_up(
    command: Reverse, fact: CaseFact, view: View, world: World, moment: Moment
) -> Decision:
    """2601: whatever became of the case, it must not stand; its region hears of it first."""
    wish = replace(_wish(command.asked), original_key=command.original_key)
    return _wished(fact, Happening.GIVEN_UP, wish, world, moment)


def _wish(asked: Asked) -> Wish:
    return Wish(
        infno=asked.infno, msgid=asked.msgid, operator=asked.operator,
        message_key=asked.message_key, fingerprint=asked.fingerprint,
    )  # fmt: skip


def _wished(
    known: CaseFact, happening: Happening, wish: Wish, world: World, moment: Moment, *,
    reference: str = "",
) -> Decision:  # fmt: skip
    row, fact = known.row, known.copy()
    follows = NEXT[fact.standing.state, happening]
    if not isinstance(follows, State):
        return Decision(Refusal(code=str(follows), field="person_no"))
    number = len(fact.events) + 1
    event = CaseEvent(
        number=number, happening=happening, at=moment.at, reference=reference,
        payload=seal_event(wish, world.keyring, row.lane, row.case_no, number),
    )  # fmt: skip
    fact.events.append(event)
    effects = Effects(
        lane=row.lane, person_no=row.psn_no, messages=(), undertaking=row.case_no,
        case_events=(event_row(row, event),), case_due=(due_row(fact, moment),),
    )  # fmt: skip
    return Decision(CaseAnswer(region=row.insured_region, fact=fact, first=True), effects)


def _same_message(asked: Asked, fact: CaseFact, world: World) -> Decision:
    """The message that is under way, sent again; another one waits."""
    event, row = fact.standing.wish, fact.row
    if event is None or not event.payload:
        return Decision(_WAIT)
    wish = open_wish(event.payload, world.keyring, row.lane, row.case_no, event.number)
    if wish.message_key != asked.message_key:
        return Decision(_WAIT)
    part = canonical.differs(wish.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="MESSAGE_CONFLICT", field="msgid", params={"part": part}))
    return Decision(CaseAnswer(region=row.insured_region, fact=fact.copy()))
