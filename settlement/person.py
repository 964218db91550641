"""The insured person (参保人) as the settlement core reads them."""

from __future__ import annotations

from datetime import date

from msgspec import Struct, field

YEARS_KEPT = 3
"""The newest fiscal years of a person: their accumulators are kept."""
CARE_DAYS_MAX = (YEARS_KEPT - 1) * 365
"""How long ago care may have been and certainly count in one of them."""


class Identity(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Personal data (个人信息): encrypted at rest, never logged, never in a ledger leaf."""

    name: str
    certificate_type: str
    certificate_no: str
    sex: str
    ethnic_group: str
    born_on: date
    card_no: str
    card_serial: str
    employer: str


def person_record(
    lane: int, person_no: str, *, account: int, home_region: str, enrolments: str, family: str
) -> bytes:  # fmt: skip
    """The associated data under which a person's identity is sealed: the account, the region, the
    memberships and the relatives, as they stand in the row. So an identity opens beside no others
    than those it was written with (ADR 0061)."""
    return f"person/{lane}/{person_no}/{account}/{home_region}/{enrolments}{family}".encode()


class Qualification(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A tag that holds between two dates, both inclusive: a chronic disease (门慢门特待遇资格)."""

    tag: str
    begins_on: date
    ends_on: date = date.max


class FamilyLink(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A relative whose account may pay for this person (家庭共济), by consent between two dates."""

    donor_no: str
    """psn_no of the relative whose account it is"""
    relation: str
    """a code of the policy's list of relatives"""
    order: int
    """whose account pays first"""
    consented_on: date
    ends_on: date = date.max


class Enrolment(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Membership of one scheme (参保关系). `benefit_from` is when benefits start (待遇享受开始)."""

    scheme: str
    """insutype"""
    category: str
    """psn_type: 11 active, 12 retired, 15 resident …"""
    status: str
    """psn_insu_stas: 1 normal, 2 suspended, 4 ended"""
    enrolled_on: date
    benefit_from: date
    suspended_on: date | None
    region: str
    civil_servant: bool
    closed_funds: tuple[str, ...] = ()
    """fund_pay_type codes closed for this person: such a fund pays 0 and says why"""
    tags: tuple[str, ...] = ()
    """person tags (人员标识, e.g. 救助身份) that a policy's tables and conditions name"""
    effective_from: date | None = None
    """from when this version holds, where the membership changed since (退休 …)"""
    qualifications: tuple[Qualification, ...] = ()
    """tags with dates (门慢门特待遇资格)"""

    @property
    def starts_on(self) -> date:
        """The first day on which this version of the membership counts."""
        return self.effective_from or self.enrolled_on

    def tags_on(self, on: date) -> tuple[str, ...]:
        """The tags that hold on a date."""
        if not self.qualifications:
            return self.tags
        held = (each.tag for each in self.qualifications if each.begins_on <= on <= each.ends_on)
        return (*self.tags, *held)


class YearToDate(Struct, kw_only=True, array_like=True, gc=False):
    """What counts so far in one fiscal year (年度累计), by accumulator name, in fen or times."""

    year: int
    values: dict[str, int] = field(default_factory=dict)
