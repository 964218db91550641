"""Filings of a person (备案): a disease (慢特病), a chosen institution (定点), a transfer (转院),
care outside the region (异地就医).

What stands of them is a short list, kept with the person and read with every claim, because it
decides what may be settled where. This module says when one covers a date and which one is in the
way of another; it knows neither how the list is stored nor what a policy makes of it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import IntEnum, StrEnum

from msgspec import Struct, structs

FILINGS_MAX = 64
"""How many may stand for one person: the list is read with every claim."""
FOR_CHRONIC = "01"
"""门慢门特登记: where a filed disease may be treated, beside the institution that filed it"""
FOR_OUTPATIENT = "03"
"""就医定点医疗机构登记: where ordinary outpatient care is chosen to be given"""


class FilingKind(IntEnum):
    """What is filed: 转院备案, 慢特病备案, 定点备案 or 异地就医备案."""

    TRANSFER = 1
    CHRONIC = 2
    CHOSEN = 3
    OFF_SITE = 4
    """applied for by the person, not by an institution (settlement/elsewhere/off_site.py)"""


class ChosenInstitution(StrEnum):
    """Whether ordinary outpatient care asks for a chosen institution (定点就医)."""

    OFF = "off"
    REQUIRED = "required"
    """elsewhere the case has the tag `not_chosen`; refused where the policy does not name it"""


class ChronicCareAt(StrEnum):
    """Where a filed disease may be treated."""

    FILED_INSTITUTION = "filed_institution"
    """where it was found, or where the person chose to be treated for it (2505 of type 01)"""
    ANY_INSTITUTION = "any_institution"


class Filing(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One filing that stands (有效备案); both dates are inclusive."""

    filing_no: int
    """trt_dcla_detl_sn"""
    kind: FilingKind
    institution: str
    """where it lets care be given: found there, chosen, or transferred to; empty outside"""
    subject: str
    """the disease of 慢特病, the kind of business of 定点, the kind of 异地就医; empty for a
    transfer"""
    order: str
    """定点排序号 of a chosen institution; the place of care outside, six digits; else empty"""
    scheme: str
    """empty where it counts for every scheme"""
    begins_on: date
    ends_on: date | None

    def covers(self, on: date) -> bool:
        """Whether it stands on a date."""
        return self.begins_on <= on and (self.ends_on is None or on <= self.ends_on)

    def overlaps(self, begins_on: date, ends_on: date | None) -> bool:
        """Whether some day is in both periods."""
        starts_in_time = ends_on is None or self.begins_on <= ends_on
        return starts_in_time and (self.ends_on is None or begins_on <= self.ends_on)


def last_day_of(begins_on: date, months: int) -> date:
    """The last day of so many months: the day before the same day of the month that they lead to;
    the last of that month where it has no such day, and the last of all where there is no month."""
    year, month = divmod(begins_on.year * 12 + begins_on.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    days = monthrange(year, month + 1)[1]
    if begins_on.day > days:
        return date(year, month + 1, days)
    return date(year, month + 1, begins_on.day) - timedelta(days=1)


def in_the_way(new: Filing, standing: Iterable[Filing]) -> Filing | None:
    """The filing that says something about the same at the same time.

    A disease is filed once for a scheme; a transfer once for a hospital; of a kind of business each
    place in the order has one institution, and each institution one place. Somebody lives outside
    in one place at a time, and goes to one place for one reason.
    """
    for filing in standing:
        same = filing.kind is new.kind and _about_the_same(filing, new)
        if same and filing.overlaps(new.begins_on, new.ends_on):
            return filing
    return None


def _about_the_same(one: Filing, other: Filing) -> bool:
    if one.kind is FilingKind.TRANSFER:
        return one.institution == other.institution
    if one.kind is FilingKind.OFF_SITE:
        return _same_stay_outside(one, other)
    if one.subject != other.subject:
        return False
    if one.kind is FilingKind.CHRONIC:
        return one.scheme == other.scheme
    return one.order == other.order or one.institution == other.institution


def _same_stay_outside(one: Filing, other: Filing) -> bool:
    """Without an end in sight: a long-term one. Those with an end are of one place and kind."""
    if one.ends_on is None and other.ends_on is None:
        return True
    return (one.subject, one.order) == (other.subject, other.order)


def diseases_on(standing: Iterable[Filing], scheme: str, on: date) -> list[Filing]:
    """The diseases that are filed for a scheme on a date."""
    return [
        filing
        for filing in standing
        if filing.kind is FilingKind.CHRONIC and filing.scheme == scheme and filing.covers(on)
    ]


def chosen_on(standing: Iterable[Filing], business: str, on: date) -> list[Filing]:
    """The institutions that are chosen for a kind of business on a date."""
    return [
        filing
        for filing in standing
        if filing.kind is FilingKind.CHOSEN and filing.subject == business and filing.covers(on)
    ]


def transfer_on(
    standing: Iterable[Filing], institution: str, scheme: str, on: date
) -> Filing | None:
    """The transfer that brings the person to a hospital on a date."""
    for filing in standing:
        here = filing.kind is FilingKind.TRANSFER and filing.institution == institution
        if here and filing.scheme in ("", scheme) and filing.covers(on):
            return filing
    return None


def without(standing: Iterable[Filing], filing_no: int) -> list[Filing]:
    """The list once a filing is gone as if it had never been."""
    return [filing for filing in standing if filing.filing_no != filing_no]


def ended(standing: Sequence[Filing], filing_no: int, today: date) -> list[Filing]:
    """The list once a filing ends with the day before `today`: what it decided stays covered."""
    last = today - timedelta(days=1)
    return [
        structs.replace(filing, ends_on=last)
        if filing.filing_no == filing_no and filing.covers(today)
        else filing
        for filing in standing
    ]
