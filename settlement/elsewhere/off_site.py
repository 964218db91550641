"""Care outside the pooling area (异地就医): the kinds of filing, and which one covers a claim.

A kind says for how long a filing holds, how it is taken back, and by which word of the policy's
tables (`filing`) a claim is reduced. What stands is in the person's list with the other filings
(settlement/people/filing.py). Pure; knows neither who applied nor what a policy makes of the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum

from msgspec import Struct

from settlement.people.filing import Filing, FilingKind, last_day_of

PLACE_DIGITS = 6
NOT_FILED = "none"
EMERGENCY = "emergency"


class OffSiteKind(StrEnum):
    """What is filed (备案类型); long-term ones first, then temporary ones."""

    RETIRED = "retired"
    """异地安置退休人员"""
    RESIDENT = "resident"
    """异地长期居住人员"""
    POSTED = "posted"
    """常驻异地工作人员"""
    REFERRAL = "referral"
    """异地转诊人员"""
    EMERGENCY = "emergency"
    """异地急诊抢救人员; counts as filed also where nobody filed it"""
    OTHER = "other"
    """其他临时外出就医人员"""


KIND_ZH: Mapping[OffSiteKind, str] = {
    OffSiteKind.RETIRED: "异地安置退休人员",
    OffSiteKind.RESIDENT: "异地长期居住人员",
    OffSiteKind.POSTED: "常驻异地工作人员",
    OffSiteKind.REFERRAL: "异地转诊人员",
    OffSiteKind.EMERGENCY: "异地急诊抢救人员",
    OffSiteKind.OTHER: "其他临时外出就医人员",
}
LONG_TERM = frozenset({OffSiteKind.RETIRED, OffSiteKind.RESIDENT, OffSiteKind.POSTED})
WORD: Mapping[OffSiteKind, str] = {
    **dict.fromkeys(LONG_TERM, "long_term"),
    OffSiteKind.REFERRAL: "referral",
    OffSiteKind.EMERGENCY: EMERGENCY,
    OffSiteKind.OTHER: "temporary",
}
"""By which word a policy's tables know a kind (settlement/policy/table.py, FILINGS)."""
_PREFERRED = tuple(OffSiteKind)
"""Where several cover a claim: the one that lasts, then the one that was referred."""


class OffSiteRules(Struct, frozen=True, kw_only=True, gc=False):
    """What a region decides about these filings (the profile's table `off_site`)."""

    accepted_at_once: frozenset[OffSiteKind] = frozenset(OffSiteKind)
    """kinds that are accepted as they are applied for (承诺制); others wait for a clerk"""
    temporary_months: int = 6
    """how long a temporary one holds that does not say so"""
    long_term_lock_days: int = 180
    """how long after it was accepted a long-term one may not be cancelled by the person"""
    begins_days_max: int = 90
    """how far ahead a filing may begin"""
    retroactive: bool = True
    """filed before the discharge is filed in time (出院结算前补办)"""


class OffSite(Struct, frozen=True, gc=False):
    """What stands of a claim outside: the policy's word, and the filing that said so."""

    word: str
    filing_no: int | None = None


def covers(place: str, region: str) -> bool:
    """Whether a filed place includes a region: a province (440000) has its cities in it, a city
    (440100) its districts."""
    if place.endswith("0000"):
        return region[:2] == place[:2]
    if place.endswith("00"):
        return region[:4] == place[:4]
    return place == region


def last_day(kind: OffSiteKind, begins_on: date, rules: OffSiteRules) -> date | None:
    """The end of a filing that names none: a long-term one holds until it is changed."""
    if kind in LONG_TERM:
        return None
    return last_day_of(begins_on, rules.temporary_months)


def off_site_on(
    standing: Iterable[Filing], *, region: str, first_on: date, last_on: date, emergency: bool,
    rules: OffSiteRules,
) -> OffSite:  # fmt: skip
    """What a claim of care in `region` counts as.

    `first_on` is the day of a visit or of an admission, `last_on` that of the visit or the
    discharge: one filed during the stay is in time where the region lets it be. `standing` is the
    person's list at the time of settling.
    """
    until = last_on if rules.retroactive else first_on
    found = [
        filing
        for filing in standing
        if filing.kind is FilingKind.OFF_SITE
        and covers(filing.order, region)
        and filing.overlaps(first_on, until)
    ]
    if found:
        best = min(found, key=lambda one: _PREFERRED.index(OffSiteKind(one.subject)))
        return OffSite(WORD[OffSiteKind(best.subject)], best.filing_no)
    return OffSite(EMERGENCY if emergency else NOT_FILED)
