"""A matter is accepted, refused, cancelled or ended (ADR 0034): who may, and what follows."""

from __future__ import annotations

from settlement.clock import Moment
from settlement.decision import Decision
from settlement.people.matter_rows import MatterFact
from settlement.people.matter_states import Happening, MatterKind
from settlement.people.my_commands import ChangeMatter
from settlement.refusal import Refusal
from settlement.usecases import checks, matters, off_site_filings
from settlement.view import View
from settlement.world import World


def change(command: ChangeMatter, view: View, world: World, moment: Moment) -> Decision:
    """What a clerk decides, or a person takes back."""
    again = matters.answered_before(command, view)
    if again is not None:
        return again
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    fact = matters.found(command, view, command.matter_no, command.happening)
    if isinstance(fact, Decision):
        refused = _may(command, None, view, world, moment)
        return fact if refused is None else Decision(refused)
    refused = _may(command, fact, view, world, moment)
    if refused is not None:
        return Decision(refused)
    if fact.row.kind is MatterKind.OFF_SITE:
        return off_site_filings.change(command, fact, person, view, world, moment)
    event = matters.event_of(fact, command.happening, command, moment, note=command.note)
    fact.events.append(event)
    effects = matters.nothing_else(command)
    return matters.written(command, fact, [event], world, moment, effects=effects)


def _may(
    command: ChangeMatter, fact: MatterFact | None, view: View, world: World, moment: Moment
) -> Refusal | None:
    """Clerks do everything but cancel, which is the person's; an agent may give their own
    authorisation up, and cancels what the person could cancel, but nobody else's authorisation."""
    by_staff, cancels = bool(command.acting.staff), command.happening is Happening.CANCELLED
    if by_staff is cancels:
        return Refusal(code="NOT_AUTHORISED", field="matter_no")
    if by_staff:
        return None
    if fact is not None and fact.row.kind is MatterKind.AUTHORISATION:
        mine = command.acting.person_no in (fact.row.psn_no, fact.row.agent_no)
        return None if mine else Refusal(code="NOT_AUTHORISED", field="matter_no")
    relation = matters.acting_as(command, view, world.keyring, moment.local.date())
    return relation if isinstance(relation, Refusal) else None
