"""From a claim to a priced, decided settlement: price, entitle, adjudicate, in that order.

What quote and settlement have in common. Nothing is booked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from settlement.benefit import Benefit, adjudicate
from settlement.case import Case, FamilyAccount, Stay
from settlement.claim import AccountUse, CareKind, Claim, PricedLine
from settlement.clock import Moment, years_between
from settlement.entitlement import (
    CareDates,
    Entitlement,
    dates_of,
    enrolment_on,
    entitle,
    ruling_date,
)
from settlement.institution import Institution
from settlement.person import YearToDate
from settlement.policy.model import Policy
from settlement.policy.table import Facts
from settlement.pricing import ItemTerms, LineTotals, price, terms_of, totals_of
from settlement.refusal import Refusal
from settlement.usecases.checks import not_enrolled
from settlement.usecases.filed import NOTHING, Filed, filed_for
from settlement.usecases.filed_elsewhere import LOCAL, Elsewhere, filed_elsewhere
from settlement.usecases.filing_payloads import standing_filings
from settlement.view import PersonFacts
from settlement.world import World

CIVIL_SERVANT = "civil_servant"
_FAMILY = AccountUse.FAMILY
_NO_TERMS: Mapping[str, ItemTerms] = {}
_KINDS_OF = {
    CareKind.PHARMACY: {CareKind.PHARMACY},
    CareKind.OUTPATIENT: {
        CareKind.OUTPATIENT, CareKind.OUTPATIENT_SPECIAL, CareKind.MATERNITY,
    },
    CareKind.INPATIENT: {CareKind.INPATIENT, CareKind.DAY_SURGERY, CareKind.MATERNITY},
}  # fmt: skip
"""Which kinds of a policy's care each family of transactions may name."""


class Adjudicated(Struct, frozen=True, kw_only=True, gc=False):
    """A decided claim: its lines with their splits, who pays, and under which policy."""

    claim: Claim
    lines: tuple[PricedLine, ...]
    """empty for a stay, whose lines were priced and kept as they came"""
    entitlement: Entitlement
    benefit: Benefit
    policy: Policy
    case: Case
    filings: tuple[int, ...] = ()
    """the filings that let it be settled as it was"""


def adjudicate_claim(
    claim: Claim,
    *,
    credential_kind: str,
    person: PersonFacts,
    institution: Institution,
    world: World,
    moment: Moment,
    family: tuple[FamilyAccount, ...] = (),
) -> Adjudicated | Refusal:
    """Decide a claim on what is known of the person now; `family` is what relatives may pay.
    Refusals name domain fields."""
    on = ruling_date(claim.kind, dates_of(claim), world.profile, today=moment.business_day)
    if isinstance(on, Refusal):
        return on
    policy = _policy(claim, person, world, on)
    if isinstance(policy, Refusal):
        return policy
    lines = price(
        claim, world.catalogue, institution, world.profile,
        item_terms(claim, policy, institution, person, on) if policy.items else _NO_TERMS,
    )  # fmt: skip
    if isinstance(lines, Refusal):
        return lines
    totals = totals_of(lines)
    if min(totals.parts()) < 0:
        return Refusal(code="REFUND_EXCEEDS_CHARGES", field="lines")
    return _share(
        claim, lines, totals, on, policy, credential_kind=credential_kind, person=person,
        institution=institution, world=world, stay=None, admitted=None, family=family,
    )  # fmt: skip


def adjudicate_stay(
    claim: Claim,
    totals: LineTotals,
    dates: CareDates,
    *,
    borne: Callable[[int], Stay | None],
    credential_kind: str,
    person: PersonFacts,
    institution: Institution,
    world: World,
    moment: Moment,
    family: tuple[FamilyAccount, ...] = (),
) -> Adjudicated | Refusal:
    """Decide a stay, or a segment of one, whose lines were priced as they came: `totals` are their
    sums, and `claim` has none. `borne` says what earlier segments bore, in a fiscal year."""
    on = ruling_date(claim.kind, dates, world.profile, today=moment.business_day)
    if isinstance(on, Refusal):
        return on
    policy = _policy(claim, person, world, on)
    if isinstance(policy, Refusal):
        return policy
    if claim.total_fen != totals.total_fen:
        params: dict[str, str | int] = {
            "declared_fen": claim.total_fen, "computed_fen": totals.total_fen,
        }  # fmt: skip
        return Refusal(code="TOTAL_MISMATCH", field="total", params=params)
    if min(totals.parts()) < 0:
        return Refusal(code="REFUND_EXCEEDS_CHARGES", field="lines")
    return _share(
        claim, (), totals, on, policy, credential_kind=credential_kind, person=person,
        institution=institution, world=world, stay=borne(policy.fiscal_year(on)),
        admitted=dates.admitted, family=family,
    )  # fmt: skip


def adjudicate_elsewhere(
    claim: Claim,
    totals: LineTotals,
    dates: CareDates,
    place: Elsewhere,
    *,
    credential_kind: str,
    person: PersonFacts,
    institution: Institution,
    world: World,
    today: date,
) -> Adjudicated | Refusal:
    """Decide care in another region, which comes priced by that region's catalogue: `totals` are
    its four parts, and `claim` has no lines. Our policy shares it, and no relative pays. Nothing
    is of a day behind `today`."""
    on = ruling_date(claim.kind, dates, world.profile, today=today)
    if isinstance(on, Refusal):
        return on
    policy = _policy(claim, person, world, on)
    if isinstance(policy, Refusal):
        return policy
    return _share(
        claim, (), totals, on, policy, credential_kind=credential_kind, person=person,
        institution=institution, world=world, stay=None, admitted=dates.admitted, family=(),
        place=place,
    )  # fmt: skip


def _share(
    claim: Claim,
    lines: tuple[PricedLine, ...],
    totals: LineTotals,
    on: date,
    policy: Policy,
    *,
    credential_kind: str,
    person: PersonFacts,
    institution: Institution,
    world: World,
    stay: Stay | None,
    admitted: date | None,
    family: tuple[FamilyAccount, ...],
    place: Elsewhere | None = None,
) -> Adjudicated | Refusal:
    """Who may pay, and who pays what; `place` where the care was given in another region."""
    if claim.account_use is _FAMILY and (policy.account is None or policy.account.family is None):
        return Refusal(code="FAMILY_ACCOUNT_UNSUPPORTED", field="account_use")
    entitlement = entitle(
        person.enrolments, claim.scheme, claim.care_type, institution, on, policy,
        world.suspensions.funds,
    )  # fmt: skip
    if isinstance(entitlement, Refusal):
        return entitlement
    if policy.care[claim.care_type].kind not in _KINDS_OF[claim.kind]:
        return Refusal(
            code="CARE_TYPE_NOT_COVERED", field="care_type", params={"value": claim.care_type}
        )
    filed: Filed | Refusal = NOTHING
    if place is not None:
        filed = filed_elsewhere(
            claim, standing_filings(person, world.keyring), place, on=on, admitted=admitted,
            policy=policy, profile=world.profile,
        )  # fmt: skip
    elif claim.kind is not CareKind.PHARMACY:  # no filing concerns one: the list stays closed
        filed = filed_for(
            claim, standing_filings(person, world.keyring), on=on, admitted=admitted,
            policy=policy, profile=world.profile,
        )  # fmt: skip
    if isinstance(filed, Refusal):
        return filed
    year = policy.fiscal_year(on)
    case = Case(
        totals=totals,
        entitlement=entitlement,
        level=institution.deductible_level,
        year_to_date=YearToDate(year=year, values=person.year(year).values),
        account_balance_fen=person.balance_fen,
        account_use=claim.account_use,
        credential_type=credential_kind,
        where=LOCAL if place is None else place.where,
        filing=filed.filing,
        transfer=filed.transfer,
        tags=(*_tags(person, claim.scheme, on), *filed.tags),
        age=years_between(person.identity.born_on, on) if policy.age_breaks else 0,
        stay=stay,
        family=family,
    )
    return Adjudicated(
        claim=claim, lines=lines, entitlement=entitlement, benefit=adjudicate(case, policy),
        policy=policy, case=case, filings=filed.numbers,
    )  # fmt: skip


def however_old(world: World, since: date, moment: Moment) -> World:
    """The world for care that began on a day and for which it was decided elsewhere that it is not
    too late: the limit of settlements (`backdating_days_max`) is as wide as it takes."""
    days = max((moment.business_day - since).days, 0)
    window: Mapping[CareKind, int] = dict.fromkeys(world.profile.backdating_days_max, days)
    return replace(world, profile=replace(world.profile, backdating_days_max=window))


def item_terms(
    claim: Claim, policy: Policy, institution: Institution, person: PersonFacts, on: date
) -> Mapping[str, ItemTerms]:
    """What the policy says of the items of a claim, for this person at this institution."""
    enrolment = enrolment_on(person.enrolments, claim.scheme, on)
    facts = Facts(
        level=policy.level(institution.deductible_level),
        category=(policy.category(enrolment.category) if enrolment else None) or "",
        tags=frozenset(_tags(person, claim.scheme, on)),
        stay_total_fen=claim.total_fen,
    )
    return terms_of(policy, {line.item_code for line in claim.lines}, facts)


def terms_at_upload(
    claim: Claim, person: PersonFacts, institution: Institution, world: World, on: date
) -> Mapping[str, ItemTerms]:
    """The same for lines that come before their claim."""
    policy = world.policies.find(world.region, claim.scheme, on)
    if policy is None or not policy.items:
        return _NO_TERMS
    return item_terms(claim, policy, institution, person, on)


def _tags(person: PersonFacts, scheme: str, on: date) -> tuple[str, ...]:
    """人员标识 on a date, as enrolled; a civil servant (公务员) has one for it."""
    enrolment = enrolment_on(person.enrolments, scheme, on)
    if enrolment is None:
        return ()
    tags = enrolment.tags_on(on)
    return (*tags, CIVIL_SERVANT) if enrolment.civil_servant else tags


def _policy(claim: Claim, person: PersonFacts, world: World, on: date) -> Policy | Refusal:
    if person.enrolment(claim.scheme) is None:
        return not_enrolled(claim.scheme, person)
    policy = world.policies.find(world.region, claim.scheme, on)
    if policy is None:
        return Refusal(
            code="NO_POLICY", field="scheme", params={"value": claim.scheme, "on": str(on)}
        )
    return policy
