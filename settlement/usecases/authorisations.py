"""Who may act for a person (代办授权, DOMAIN 31): made, listed, withdrawn (ADR 0034).

A person lets a relative act by saying so. For a ward the guardian asks, and the agency says yes
once it has seen the papers. Either lies in the lane of whom it is about, where what is done for
them is decided too.
"""

from __future__ import annotations

from datetime import date

from settlement.clock import Moment
from settlement.decision import Decision
from settlement.keyring import Keyring
from settlement.people.matter_rows import MatterFact
from settlement.people.matter_states import Happening, MatterKind, State
from settlement.people.my_commands import Authorise, Relation
from settlement.refusal import Refusal
from settlement.usecases import checks, matters
from settlement.usecases.matter_payloads import open_authorisation
from settlement.view import View
from settlement.world import World

YEARS_MAX = 5


def authorise(command: Authorise, view: View, world: World, moment: Moment) -> Decision:
    """Let somebody act; in force at once, but for a guardian, who waits for a clerk."""
    again = matters.answered_before(command, view)
    if again is not None:
        return again
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = (
        _whose_to_say(command)
        or _for_so_long(command, moment.local.date())
        or _given_already(command, view, world.keyring, moment.local.date())
        or matters.room_for(view, command.asked.person_no)
    )
    if refused is not None:
        return Decision(refused)
    fact = matters.opened(
        command, MatterKind.AUTHORISATION, command.wanted, world, moment,
        agent_no=command.agent_no,
    )  # fmt: skip
    if command.wanted.relation is Relation.RELATIVE:
        fact.events.append(matters.event_of(fact, Happening.ACCEPTED, command, moment))
    effects = matters.nothing_else(command)
    return matters.written(
        command, fact, fact.events, world, moment, effects=effects, is_new=True
    )


def stands(fact: MatterFact, keyring: Keyring, on: date) -> bool:
    """Whether an authorisation is in force on a date."""
    wanted = open_authorisation(fact.row, keyring)
    return fact.state is State.ACCEPTED and wanted.begins_on <= on <= wanted.ends_on


def _whose_to_say(command: Authorise) -> Refusal | None:
    """A relative is authorised by the person alone, a guardian asks for themselves; nobody who
    merely acts for a person lets others act for them."""
    by, person_no = command.acting.person_no, command.asked.person_no
    if command.agent_no == person_no:
        return Refusal(code="AUTHORISATION_OF_ONESELF", field="agent_no")
    says = person_no if command.wanted.relation is Relation.RELATIVE else command.agent_no
    if by != says:
        return Refusal(code="AUTHORISATION_NOT_YOURS", field="relation")
    return None


def _for_so_long(command: Authorise, today: date) -> Refusal | None:
    begins_on, ends_on = command.wanted.begins_on, command.wanted.ends_on
    if today <= begins_on <= ends_on and ends_on.year - today.year <= YEARS_MAX:
        return None
    return Refusal(
        code="AUTHORISATION_DATES_WRONG", field="ends_on",
        params={"first": str(today), "years": YEARS_MAX},
    )  # fmt: skip


def _given_already(
    command: Authorise, view: View, keyring: Keyring, today: date
) -> Refusal | None:
    for fact in view.matters.get(command.asked.person_no, {}).values():
        about = fact.row.kind is MatterKind.AUTHORISATION and (
            fact.row.agent_no == command.agent_no
        )
        if about and (fact.state is State.APPLIED or stands(fact, keyring, today)):
            number = str(fact.row.matter_no)
            return Refusal(code="MATTER_OPEN_ALREADY", params={"matter_no": number})
    return None
