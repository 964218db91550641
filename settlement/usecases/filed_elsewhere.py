"""What a person's filings (备案) make of care in another region: by which word of the policy's
tables (`filing`) it is shared, and whether it may be.

What the person filed for that place counts (elsewhere/off_site.py), an emergency counts as filed,
and a transfer to the hospital that treats is a referral at least. A filed disease must be filed
here and may be treated anywhere there: where is the other region's to allow. A chosen institution
(定点) is one of ours, so the choice is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from protocol.hub.messages import FilingTold
from settlement.claim import CareKind, Claim
from settlement.elsewhere.counterpart import lies_in
from settlement.elsewhere.off_site import NOT_FILED, WORD, OffSite, OffSiteKind, off_site_on
from settlement.people.filing import Filing, FilingKind, diseases_on, transfer_on
from settlement.policy.model import Policy
from settlement.policy.region import RegionProfile
from settlement.refusal import Refusal
from settlement.usecases.filed import Filed

LOCAL, IN_PROVINCE, OUTSIDE = "local", "in_province", "outside"
REFERRAL, LONG_TERM = "referral", "long_term"


class Elsewhere(Struct, frozen=True, kw_only=True, gc=False):
    """Care in another region (异地就医), as its region says it."""

    area: str
    """where the institution is, six digits"""
    where: str
    """就医地, by the word of the policy's tables"""
    emergency: bool
    first_on: date
    """day of a visit or of an admission"""
    last_on: date
    """day of a visit or of a discharge"""


def where_is(area: str, region: str) -> str:
    """The policy's word for a place of care, seen from a region."""
    return IN_PROVINCE if area[:2] == region[:2] else OUTSIDE


def filed_elsewhere(
    claim: Claim,
    standing: Sequence[Filing],
    place: Elsewhere,
    *,
    on: date,
    admitted: date | None,
    policy: Policy,
    profile: RegionProfile,
) -> Filed | Refusal:
    """What the standing filings make of a claim in another region; a stay is looked at on the day
    of its admission."""
    kind = policy.care[claim.care_type].kind
    numbers: tuple[int, ...] = ()
    if kind is CareKind.OUTPATIENT_SPECIAL:
        disease = _disease_of(claim, standing, on)
        if isinstance(disease, Refusal):
            return disease
        numbers = (disease.filing_no,)
    found = off_site_on(
        standing, region=place.area, first_on=place.first_on, last_on=place.last_on,
        emergency=place.emergency, rules=profile.off_site,
    )  # fmt: skip
    if found.filing_no is not None:
        numbers = (*numbers, found.filing_no)
    transfer = transfer_on(standing, claim.institution_code, claim.scheme, admitted or on)
    if transfer is not None:
        return Filed(
            filing=found.word if found.word == LONG_TERM else REFERRAL,
            transfer=claim.kind is CareKind.INPATIENT, numbers=(*numbers, transfer.filing_no),
        )  # fmt: skip
    if found == OffSite(NOT_FILED) and kind in profile.elsewhere_needs_filing:
        return Refusal(code="CASE_FILING_REQUIRED", field="filing")
    return Filed(filing=found.word, numbers=numbers)


def told_filings(
    standing: Iterable[Filing], region: str, on: date
) -> tuple[FilingTold, ...]:
    """The filings for care outside the region that stand on a date, as another region is told of
    them: those for a place, and transfers to hospitals there, whose codes say where they are."""
    told = []
    for filing in standing:
        if not filing.covers(on):
            continue
        if filing.kind is FilingKind.OFF_SITE:
            told.append(_told(filing, WORD[OffSiteKind(filing.subject)], _prefix(filing.order)))
        elif filing.kind is FilingKind.TRANSFER:
            area = _area_of(filing.institution)
            if area and not lies_in(area, region):
                told.append(_told(filing, REFERRAL, area))
    return tuple(told)


def _told(filing: Filing, kind: str, region: str) -> FilingTold:
    return FilingTold(
        kind=kind, begins_on=filing.begins_on, ends_on=filing.ends_on, region=region
    )


def _prefix(place: str) -> str:
    """The digits that all areas of a filed place have: 43 of a province, 4301 of a city."""
    return place[:2] if place.endswith("0000") else place[:4] if place.endswith("00") else place


def _disease_of(claim: Claim, standing: Sequence[Filing], on: date) -> Filing | Refusal:
    if not claim.disease:
        return Refusal(code="DISEASE_MISSING", field="care_type", params={"value": claim.care_type})
    for filing in diseases_on(standing, claim.scheme, on):
        if filing.subject == claim.disease:
            return filing
    return Refusal(
        code="DISEASE_NOT_FILED", field="care_type",
        params={"disease": claim.disease, "on": str(on)},
    )  # fmt: skip


def _area_of(institution: str) -> str:
    """An institution's code is a letter, the area that it lies in, and a number."""
    area = institution[1:7]
    return area if len(area) == 6 and area.isdigit() else ""
