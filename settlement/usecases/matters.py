"""What all matters of a person have in common (个人办件, ADR 0034): who may act, the first answer
again, opening one, and what follows by the table of states.

A matter lives in the lane of whose it is. Whether somebody may act for that person is decided there
too, on the same version, so that an authorisation that was withdrawn opens nothing any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.keyring import Keyring
from settlement.people.matter_rows import MatterEventRow, MatterFact, MatterRow
from settlement.people.matter_states import NEXT, OPEN, SAME, Happening, MatterKind, State
from settlement.people.my_commands import MyCommand, Relation, ShowMine, Wanted
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, MessageRow
from settlement.usecases import checks
from settlement.usecases.matter_messages import told
from settlement.usecases.matter_payloads import open_authorisation, seal_wanted
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

MATTERS_MAX = 200
"""How many a person may have, ended ones too: all of them are read when something is asked."""
OPEN_MAX = 10
"""How many of them may wait for somebody."""
NO_KEY = bytes(16)
"""The message key of what no app sent."""


class MatterAnswer(Answer):
    """What stands of a matter."""

    __slots__ = ("fact",)

    def __init__(self, fact: MatterFact, *, replayed: bool = False) -> None:
        super().__init__(replayed=replayed)
        self.fact = fact


class MineAnswer(Answer):
    """The person, and all matters of theirs."""

    __slots__ = ("matters", "person", "relation")

    def __init__(
        self, person: PersonFacts, matters: Sequence[MatterFact], relation: Relation | None
    ) -> None:
        super().__init__()
        self.person = replace(person)
        """as it was at that moment: the batch goes on"""
        self.matters = [MatterFact(row=one.row, events=list(one.events)) for one in matters]
        self.relation = relation
        """of whoever asks, where that is somebody else"""


def show(command: ShowMine, view: View, world: World, moment: Moment) -> Decision:
    """What a person may see of themselves, or somebody who may act for them."""
    asked = command.asked
    person = view.persons.get(asked.person_no)
    if person is None:
        return Decision(Refusal(code="PERSON_UNKNOWN", field="person_no"))
    relation = acting_as(command, view, world.keyring, moment.local.date())
    if isinstance(relation, Refusal):
        return Decision(relation)
    facts = list(view.matters.get(asked.person_no, {}).values())
    return Decision(MineAnswer(person, facts, relation))


def acting_as(
    command: MyCommand, view: View, keyring: Keyring, today: date
) -> Relation | Refusal | None:
    """As what somebody acts for the person; None for oneself and for staff."""
    acting, person_no = command.acting, command.asked.person_no
    if acting.staff or acting.person_no == person_no:
        return None
    for fact in view.matters.get(person_no, {}).values():
        if fact.row.kind is not MatterKind.AUTHORISATION or fact.row.agent_no != acting.person_no:
            continue
        wanted = open_authorisation(fact.row, keyring)
        if fact.state is State.ACCEPTED and wanted.begins_on <= today <= wanted.ends_on:
            return wanted.relation
    return Refusal(code="NOT_AUTHORISED", field="for")


def acting_on(
    command: MyCommand, view: View, world: World, moment: Moment
) -> PersonFacts | Refusal:
    """The person, if whoever acts may act for them now."""
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return person
    relation = acting_as(command, view, world.keyring, moment.local.date())
    return relation if isinstance(relation, Refusal) else person


def answered_before(command: MyCommand, view: View) -> Decision | None:
    """What stands of the matter that the same request made; None for a new request."""
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    if message is None or asked.message_key == NO_KEY:
        return None
    fact = view.matters.get(asked.person_no, {}).get(message.ref)
    if fact is None or message.fingerprint != asked.fingerprint:
        return Decision(Refusal(code="REQUEST_CONFLICT", field="request_no"))
    return Decision(MatterAnswer(_copy(fact), replayed=True))


def room_for(view: View, person_no: str) -> Refusal | None:
    """Whether the person may have one more."""
    facts = view.matters.get(person_no, {}).values()
    if len(facts) >= MATTERS_MAX:
        return Refusal(code="MATTERS_TOO_MANY", params={"most": MATTERS_MAX})
    if sum(fact.state in OPEN for fact in facts) >= OPEN_MAX:
        return Refusal(code="MATTERS_TOO_MANY", params={"most": OPEN_MAX})
    return None


def opened(
    command: MyCommand, kind: MatterKind, wanted: Wanted, world: World, moment: Moment, *,
    agent_no: str = "",
) -> MatterFact:  # fmt: skip
    """A new matter with its first event, not yet written."""
    asked = command.asked
    number = world.next_number(asked.lane, moment.business_day)
    row = MatterRow(
        lane=asked.lane, matter_no=number, opened_at=moment.at, kind=kind,
        psn_no=asked.person_no, agent_no=agent_no,
        payload=seal_wanted(wanted, world.keyring, asked.lane, number),
    )  # fmt: skip
    fact = MatterFact(row=row, events=[])
    fact.events.append(event_of(fact, Happening.APPLIED, command, moment))
    return fact


def event_of(
    fact: MatterFact, happening: Happening, command: MyCommand, moment: Moment, *, note: str = ""
) -> MatterEventRow:
    """The next event of a matter, as far as no money moves."""
    acting = command.acting
    return MatterEventRow(
        lane=fact.row.lane, matter_no=fact.row.matter_no, event_no=len(fact.events) + 1,
        kind=happening, recorded_at=moment.at, business_day=moment.business_day, entry_id=None,
        amount_fen=0, actor=acting.name, through=acting.app, reference="", coverage_months=0,
        note=note,
    )  # fmt: skip


def found(
    command: MyCommand, view: View, matter_no: int, happening: Happening
) -> MatterFact | Decision:
    """A matter of the person to which this can happen now; else what is answered at once."""
    fact = view.matters.get(command.asked.person_no, {}).get(matter_no)
    if fact is None:
        return Decision(Refusal(code="MATTER_UNKNOWN", field="matter_no"))
    follows = NEXT[fact.row.kind, fact.state, happening]
    if follows is SAME:
        return Decision(MatterAnswer(_copy(fact), replayed=True))
    if not isinstance(follows, State):
        return Decision(Refusal(code=follows, field="matter_no"))
    return _copy(fact)


def written(
    command: MyCommand, fact: MatterFact, events: Sequence[MatterEventRow], world: World,
    moment: Moment, *, effects: Effects, is_new: bool = False,
) -> Decision:  # fmt: skip
    """These events of a matter in one commit with `effects`, and what the person is told."""
    asked, row = command.asked, fact.row
    messages = (
        MessageRow(
            lane=asked.lane, key=asked.message_key, outcome=MessageOutcome.MATTER,
            ref=row.matter_no, fingerprint=asked.fingerprint,
        ),
    ) if asked.message_key != NO_KEY else ()  # fmt: skip
    effects = replace(
        effects, messages=messages, matters=(row,) if is_new else (), matter_events=tuple(events),
        outbox=told(fact, events, world, moment),
    )  # fmt: skip
    return Decision(MatterAnswer(fact), effects)


def nothing_else(command: MyCommand) -> Effects:
    """Effects that only touch the person's version."""
    asked = command.asked
    return Effects(lane=asked.lane, person_no=asked.person_no, messages=())


def _copy(fact: MatterFact) -> MatterFact:
    """A fact of one's own: the batch goes on with the other."""
    return MatterFact(row=fact.row, events=list(fact.events))
