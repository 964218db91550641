"""Who somebody of ours is, for another region that treats them: 1101 of that region. Nothing is
written."""

from __future__ import annotations

from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.elsewhere.home_commands import LookUpInsured
from settlement.refusal import Refusal
from settlement.translate import home_cases as told
from settlement.usecases import checks
from settlement.usecases.filed_elsewhere import told_filings
from settlement.usecases.filing_payloads import standing_filings
from settlement.usecases.home_checks import our_person, region_is_open
from settlement.view import View
from settlement.world import World


def look_up(command: LookUpInsured, view: View, world: World, moment: Moment) -> Decision:
    """The person behind a credential, with memberships, balance and filings for care elsewhere. A
    token counts where it was issued to the region that asks."""
    refused = region_is_open(command.asked, world)
    if refused is not None:
        return Decision(refused)
    person = our_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = checks.check_credential(command, command.credential, person, view, moment)
    if refused is not None:
        return Decision(refused)
    filings = told_filings(standing_filings(person, world.keyring), world.region, command.on)
    return Decision(Answer(output=told.person_told(person, filings, command.on, moment.at)))
