"""What a person's filings (备案) make of a claim: whether it may be settled, and as what.

A filed disease opens care of the special kind; a chosen institution decides on ordinary outpatient
care where the region asks for one; a transfer is told to the policy's tables. What decided is
named, so that it is kept with the settlement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from settlement.claim import CareKind, Claim
from settlement.explanation import Closure
from settlement.people.filing import (
    FOR_CHRONIC,
    FOR_OUTPATIENT,
    ChosenInstitution,
    ChronicCareAt,
    Filing,
    chosen_on,
    diseases_on,
    transfer_on,
)
from settlement.policy.model import CareRules, Policy
from settlement.policy.region import RegionProfile
from settlement.refusal import Refusal

NOT_CHOSEN = "not_chosen"
"""The tag of ordinary outpatient care elsewhere than at a chosen institution."""
_REFERRAL = "referral"


class Filed(Struct, frozen=True, kw_only=True, gc=False):
    """What filings make of one claim: facts of its case, and which filings said so."""

    tags: tuple[str, ...] = ()
    filing: str = "none"
    transfer: bool = False
    numbers: tuple[int, ...] = ()


NOTHING = Filed()


def filed_for(
    claim: Claim,
    standing: Sequence[Filing],
    *,
    on: date,
    admitted: date | None,
    policy: Policy,
    profile: RegionProfile,
) -> Filed | Refusal:
    """What the standing filings make of a claim that is ruled on a date; a stay is looked at on the
    day of its admission. Not asked for a pharmacy's."""
    kind = policy.care[claim.care_type].kind
    numbers: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    if kind is CareKind.OUTPATIENT_SPECIAL:
        found = _disease_of(claim, standing, on, profile)
        if isinstance(found, Refusal):
            return found
        numbers = (found.filing_no,)
    elif chosen_is_asked(policy.care[claim.care_type], profile):
        chosen = chosen_here(standing, claim.institution_code, on)
        if chosen is not None:
            numbers = (chosen.filing_no,)
        elif NOT_CHOSEN in policy.tags:
            tags = (NOT_CHOSEN,)
        else:
            return _not_chosen(standing, on)
    transfer = transfer_on(standing, claim.institution_code, claim.scheme, admitted or on)
    if transfer is None:
        return Filed(tags=tags, numbers=numbers) if tags or numbers else NOTHING
    return Filed(
        tags=tags, filing=_REFERRAL, transfer=claim.kind is CareKind.INPATIENT,
        numbers=(*numbers, transfer.filing_no),
    )  # fmt: skip


def chosen_is_asked(care: CareRules, profile: RegionProfile) -> bool:
    """Whether care of this type must be given at a chosen institution."""
    return (
        profile.chosen_institution is ChosenInstitution.REQUIRED
        and care.kind is CareKind.OUTPATIENT
        and care.care_type not in profile.chosen_institution_exempt
    )


def chosen_here(standing: Sequence[Filing], institution: str, on: date) -> Filing | None:
    """The filing that chose this institution for ordinary outpatient care."""
    for filing in chosen_on(standing, FOR_OUTPATIENT, on):
        if filing.institution == institution:
            return filing
    return None


def disease_here(
    filing: Filing, standing: Sequence[Filing], institution: str, on: date, profile: RegionProfile
) -> bool:
    """Whether a filed disease may be treated at this institution."""
    if profile.chronic_care_at is ChronicCareAt.ANY_INSTITUTION:
        return True
    return filing.institution == institution or any(
        chosen.institution == institution for chosen in chosen_on(standing, FOR_CHRONIC, on)
    )


def checked(
    care: CareRules,
    standing: Sequence[Filing],
    *,
    scheme: str,
    institution: str,
    disease: str,
    on: date,
    policy: Policy,
    profile: RegionProfile,
) -> tuple[Filing | None, Closure | None]:
    """For an enquiry about entitlement: the filing that opens this care here, or what is missing.
    Without a disease any one that is filed will do."""
    if care.kind is CareKind.OUTPATIENT_SPECIAL:
        for filing in diseases_on(standing, scheme, on):
            wanted = disease in ("", filing.subject)
            if wanted and disease_here(filing, standing, institution, on, profile):
                return filing, None
        return None, Closure.NOT_FILED
    if not chosen_is_asked(care, profile):
        return None, None
    chosen = chosen_here(standing, institution, on)
    if chosen is not None or NOT_CHOSEN in policy.tags:
        return chosen, None
    return None, Closure.NOT_CHOSEN


def _disease_of(
    claim: Claim, standing: Sequence[Filing], on: date, profile: RegionProfile
) -> Filing | Refusal:
    """The filing of the claim's disease that counts here."""
    if not claim.disease:
        return Refusal(code="DISEASE_MISSING", field="care_type", params={"value": claim.care_type})
    filed = [f for f in diseases_on(standing, claim.scheme, on) if f.subject == claim.disease]
    if not filed:
        return Refusal(
            code="DISEASE_NOT_FILED", field="care_type",
            params={"disease": claim.disease, "on": str(on)},
        )  # fmt: skip
    for filing in filed:
        if disease_here(filing, standing, claim.institution_code, on, profile):
            return filing
    return Refusal(
        code="DISEASE_FILED_ELSEWHERE", field="care_type",
        params={"disease": claim.disease, "institution": filed[0].institution},
    )  # fmt: skip


def _not_chosen(standing: Sequence[Filing], on: date) -> Refusal:
    chosen = "、".join(f.institution for f in chosen_on(standing, FOR_OUTPATIENT, on))
    return Refusal(code="INSTITUTION_NOT_CHOSEN", field="care_type", params={"chosen": chosen})
