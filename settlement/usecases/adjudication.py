"""From a claim to a priced, decided settlement: price, entitle, adjudicate, in that order.

What quote and settlement have in common. Nothing is booked here.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from settlement.benefit import Benefit, adjudicate
from settlement.case import Case
from settlement.claim import AccountUse, Claim, PricedLine
from settlement.clock import Moment
from settlement.entitlement import Entitlement, entitle, ruling_date
from settlement.institution import Institution
from settlement.person import YearToDate
from settlement.policy.model import Policy
from settlement.pricing import price, totals_of
from settlement.refusal import Refusal
from settlement.usecases.checks import not_enrolled
from settlement.view import PersonFacts
from settlement.world import World

_FAMILY = AccountUse.FAMILY


class Adjudicated(Struct, frozen=True, kw_only=True, gc=False):
    """A decided claim: its lines with their splits, who pays, and under which policy."""

    claim: Claim
    lines: tuple[PricedLine, ...]
    entitlement: Entitlement
    benefit: Benefit
    policy: Policy


def adjudicate_claim(
    claim: Claim,
    *,
    credential_kind: str,
    person: PersonFacts,
    institution: Institution,
    world: World,
    moment: Moment,
) -> Adjudicated | Refusal:
    """Decide a claim on what is known of the person now. Refusals name domain fields."""
    if claim.account_use is _FAMILY:
        return Refusal(code="FAMILY_ACCOUNT_UNSUPPORTED", field="account_use")
    on = ruling_date(claim, world.profile, today=moment.business_day)
    if isinstance(on, Refusal):
        return on
    policy = _policy(claim, person, world, on)
    if isinstance(policy, Refusal):
        return policy
    lines = price(claim, world.catalogue, institution, world.profile)
    if isinstance(lines, Refusal):
        return lines
    entitlement = entitle(
        person.enrolments, claim.scheme, claim.care_type, institution, on, policy,
        world.suspensions.funds,
    )  # fmt: skip
    if isinstance(entitlement, Refusal):
        return entitlement
    year = policy.fiscal_year(on)
    case = Case(
        totals=totals_of(lines),
        entitlement=entitlement,
        level=institution.deductible_level,
        year_to_date=YearToDate(year=year, values=person.year(year).values),
        account_balance_fen=person.balance_fen,
        account_use=claim.account_use,
        credential_type=credential_kind,
    )
    benefit = adjudicate(case, policy)
    return Adjudicated(
        claim=claim, lines=lines, entitlement=entitlement, benefit=benefit, policy=policy
    )


def _policy(claim: Claim, person: PersonFacts, world: World, on: date) -> Policy | Refusal:
    if person.enrolment(claim.scheme) is None:
        return not_enrolled(claim.scheme, person)
    policy = world.policies.find(world.region, claim.scheme, on)
    if policy is None:
        return Refusal(
            code="NO_POLICY", field="scheme", params={"value": claim.scheme, "on": str(on)}
        )
    return policy
