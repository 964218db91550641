"""Papers for reimbursement told in advance by the person (线上预受理, DOMAIN 29): the facts of an
invoice get a receipt number; nothing is calculated, held or promised. The counter accepts the
papers themselves, or refuses."""

from __future__ import annotations

from settlement.clock import Moment
from settlement.decision import Decision
from settlement.people.matter_states import MatterKind, State
from settlement.people.my_commands import PapersTold, TellPapers
from settlement.refusal import Refusal
from settlement.usecases import checks, matters
from settlement.usecases.matter_payloads import open_papers_told
from settlement.view import View
from settlement.world import World

_STANDS = frozenset({State.APPLIED, State.ACCEPTED})


def tell(command: TellPapers, view: View, world: World, moment: Moment) -> Decision:
    """Take down what will be brought; of an invoice once."""
    again = matters.answered_before(command, view)
    if again is not None:
        return again
    person = matters.acting_on(command, view, world, moment)
    if isinstance(person, Refusal):
        return Decision(person)
    if person.home_region:
        return Decision(checks.only_at_home(person))
    refused = _acceptable(command.wanted, world, moment) or _told_before(command, view, world)
    refused = refused or matters.room_for(view, command.asked.person_no)
    if refused is not None:
        return Decision(refused)
    fact = matters.opened(command, MatterKind.REIMBURSEMENT, command.wanted, world, moment)
    return matters.written(
        command, fact, fact.events, world, moment, effects=matters.nothing_else(command),
        is_new=True,
    )  # fmt: skip


def _acceptable(wanted: PapersTold, world: World, moment: Moment) -> Refusal | None:
    if wanted.institution not in world.institutions:
        return Refusal(
            code="REIMBURSEMENT_INSTITUTION_UNKNOWN", field="institution",
            params={"value": wanted.institution},
        )  # fmt: skip
    today, days_max = moment.local.date(), world.profile.reimbursement.claim_days_max
    if not wanted.begins_on <= wanted.ends_on <= today:
        return Refusal(code="REIMBURSEMENT_DATES_WRONG", field="ends_on")
    if (today - wanted.ends_on).days > days_max:
        return Refusal(
            code="REIMBURSEMENT_TOO_LATE", field="ends_on",
            params={"on": wanted.ends_on.isoformat(), "days_max": days_max},
        )  # fmt: skip
    return None


def _told_before(command: TellPapers, view: View, world: World) -> Refusal | None:
    wanted = command.wanted
    for fact in view.matters.get(command.asked.person_no, {}).values():
        if fact.row.kind is not MatterKind.REIMBURSEMENT or fact.state not in _STANDS:
            continue
        other = open_papers_told(fact.row, world.keyring)
        if (other.institution, other.invoice_no) == (wanted.institution, wanted.invoice_no):
            number = str(fact.row.matter_no)
            return Refusal(code="MATTER_OPEN_ALREADY", params={"matter_no": number})
    return None
