"""Who a person is and what may pay for them: 1101 and 2001. Nothing is written."""

from __future__ import annotations

from settlement.clock import Moment
from settlement.commands import CheckEntitlement, LookUpPerson
from settlement.decision import Answer, Decision
from settlement.entitlement import check_institution, enrolment_on, fund_checks
from settlement.refusal import Refusal
from settlement.translate import people
from settlement.usecases import checks
from settlement.usecases.filed import checked
from settlement.usecases.filing_payloads import standing_filings
from settlement.view import View, named
from settlement.world import World


def look_up(command: LookUpPerson, view: View, world: World, moment: Moment) -> Decision:
    """The person behind a credential, with memberships and balance."""
    of_person = named(command, view)
    if of_person is None:
        return Decision(Refusal(code="PERSON_UNKNOWN", field="credential_number"))
    command = of_person
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = checks.check_credential(command, command.credential, person, view, moment)
    if refused is not None:
        return Decision(refused)
    return Decision(Answer(output=people.person_reply(person, moment.local.date(), world.region)))


def check_entitlement(
    command: CheckEntitlement, view: View, world: World, moment: Moment
) -> Decision:
    """What may pay, fund by fund, with the reason where one may not."""
    person = checks.own_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    on = command.on.date()
    refused = check_institution(command.asked.institution, command.care_type, on)
    if refused is not None:
        return Decision(refused)
    enrolment = enrolment_on(person.enrolments, command.scheme, on)
    if enrolment is None:
        return Decision(checks.not_enrolled(command.scheme, person))
    policy = world.policies.find(world.region, command.scheme, on)
    if policy is None:
        return Decision(
            Refusal(code="NO_POLICY", field="scheme",
                    params={"value": command.scheme, "on": str(on)})
        )  # fmt: skip
    if command.care_type not in policy.care:
        return Decision(
            Refusal(code="CARE_TYPE_NOT_COVERED", field="care_type",
                    params={"value": command.care_type})
        )  # fmt: skip
    filing, missing = checked(
        policy.care[command.care_type], standing_filings(person, world.keyring),
        scheme=command.scheme, institution=command.asked.institution.code,
        disease=command.disease, on=on, policy=policy, profile=world.profile,
    )  # fmt: skip
    rows = fund_checks(
        enrolment, command.care_type, on, policy, world.suspensions.funds, filing=filing,
        missing=missing,
    )  # fmt: skip
    return Decision(Answer(output=people.entitlement_reply(command.asked.person_no, rows)))
