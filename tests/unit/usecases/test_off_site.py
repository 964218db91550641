"""What a filing of care outside makes of a claim, and that each kind selects its own reduction."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from ledger.money import share_bp
from settlement.benefit import adjudicate
from settlement.elsewhere.off_site import (
    LONG_TERM,
    WORD,
    OffSite,
    OffSiteKind,
    OffSiteRules,
    covers,
    last_day,
    off_site_on,
)
from settlement.entitlement import Entitlement, entitle
from settlement.people.filing import Filing, FilingKind, in_the_way
from settlement.policy.loader import parse_policies
from settlement.policy.model import Policy
from settlement.policy.table import FILINGS
from tests.unit.benefit.builders import a_case, an_enrolment, an_institution, some_totals

BEGIN, RULES = date(2026, 11, 20), OffSiteRules()
NEVER_LATE = replace(RULES, retroactive=False)


def filing(kind: OffSiteKind, place: str = "510000", **changes: object) -> Filing:
    """One that stands."""
    made = Filing(
        filing_no=7, kind=FilingKind.OFF_SITE, institution="", subject=kind, order=place,
        scheme="", begins_on=BEGIN, ends_on=last_day(kind, BEGIN, RULES),
    )  # fmt: skip
    return replace(made, **changes)


def found(*standing: Filing, first: date = BEGIN, last: date = BEGIN, **more: object) -> OffSite:
    """What a claim in Chengdu counts as."""
    told: dict[str, object] = {"region": "510100", "emergency": False, "rules": RULES, **more}
    return off_site_on(standing, first_on=first, last_on=last, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "region", "inside"),
    [
        ("510000", "510100", True), ("510000", "510104", True), ("510000", "430100", False),
        ("510100", "510104", True), ("510100", "510300", False), ("510104", "510104", True),
        ("510104", "510105", False), ("440000", "441900", True), ("441900", "441900", True),
        ("440100", "441900", False),
    ],
)  # fmt: skip
def test_place_covers_what_is_in_it(place: str, region: str, inside: bool) -> None:
    assert covers(place, region) is inside


def test_every_kind_has_a_word_that_policies_know() -> None:
    assert set(WORD) == set(OffSiteKind)
    assert set(WORD.values()) == set(FILINGS) - {"none"}
    assert {kind for kind in OffSiteKind if last_day(kind, BEGIN, RULES) is None} == LONG_TERM
    assert last_day(OffSiteKind.OTHER, BEGIN, RULES) == date(2027, 5, 19)


@pytest.mark.parametrize("kind", OffSiteKind)
def test_filing_counts_where_it_was_filed_for(kind: OffSiteKind) -> None:
    assert found(filing(kind)) == OffSite(WORD[kind], 7)
    assert found(filing(kind), region="430100") == OffSite("none")
    assert found(filing(kind), first=date(2026, 11, 19), last=date(2026, 11, 19)).word == "none"


def test_emergency_counts_as_filed_and_a_filing_counts_for_more() -> None:
    assert found(emergency=True) == OffSite("emergency")
    assert found(filing(OffSiteKind.RESIDENT), emergency=True) == OffSite("long_term", 7)
    both = filing(OffSiteKind.OTHER), filing(OffSiteKind.REFERRAL, filing_no=8)
    assert found(*both) == OffSite("referral", 8)


def test_filed_before_the_discharge_is_filed_in_time_where_the_region_says_so() -> None:
    late = filing(OffSiteKind.REFERRAL, begins_on=date(2026, 11, 25))
    assert found(late, last=date(2026, 11, 27)) == OffSite("referral", 7)
    assert found(late, last=date(2026, 11, 27), rules=NEVER_LATE) == OffSite("none")
    assert found(late, last=date(2026, 11, 24)) == OffSite("none")


def test_filing_of_another_sort_says_nothing_of_care_outside() -> None:
    other = replace(filing(OffSiteKind.RESIDENT), kind=FilingKind.CHRONIC)
    assert found(other) == OffSite("none")


def test_one_place_to_live_in_and_one_reason_to_go_there() -> None:
    home = filing(OffSiteKind.RESIDENT)
    assert in_the_way(filing(OffSiteKind.POSTED, "430000"), [home]) is home
    trip = filing(OffSiteKind.OTHER)
    assert in_the_way(filing(OffSiteKind.OTHER, "430000"), [home, trip]) is None
    assert in_the_way(filing(OffSiteKind.REFERRAL), [home, trip]) is None
    assert in_the_way(filing(OffSiteKind.OTHER), [home, trip]) is trip


_CUT = {"none": 4000, "temporary": 2000, "referral": 1000, "emergency": 500, "long_term": 0}
"""What is cut for each word, basis points: of the base, of the ratio, or in points."""
_ROWS = "".join(f'  ["outside", "{word}", {{{word}}}],\n' for word in _CUT)
_POLICY = """
format = "benefit-policy/2"
name = "off-site"
title = "测试政策"
region = "999999"
scheme = "310"
effective_from = 2024-01-01
verified = false
categories = [ {{ name = "active", title = "在职", person_types = ["11"] }} ]
care = [ {{ care_types = ["11"], kind = "outpatient", rules = "visit", clearing_type = "11" }} ]
sources = {{ test = "测试" }}

[[funds]]
code = "310102"
name = "统筹"
name_en = "pool"
kind = "fund"
amount_field = "hifp_pay"
ledger_code = 1

[{table}.cut]
by = ["where", "filing"]
rows = [
{rows}  ["*", "*", {rest}],
]
source = "test"
{first}
[[rules.visit]]
step = "share"
fund = "310102"
ratio_bp = 8000
{share}
source = "test"
"""
_FIRST_OFF = '[[rules.visit]]\nstep = "first_off"\nratio_bp = "cut"\nsource = "test"\n'
FORMS = {
    "points": ("points_bp", 'plus_bp = ["cut"]', "", lambda cut: -cut, 0),
    "factor": ("ratios_bp", 'factor_bp = "cut"', "", lambda cut: 10_000 - cut, 10_000),
    "first_off": ("ratios_bp", "", _FIRST_OFF, lambda cut: cut, 0),
}


def policy_of(form: str) -> Policy:
    """A policy that cuts in one of the three ways."""
    table, share, first, value, rest = FORMS[form]
    rows = _ROWS.format(**{word: value(cut) for word, cut in _CUT.items()})
    content = _POLICY.format(table=table, rows=rows, rest=rest, first=first, share=share)
    policy = parse_policies({"policy.toml": content.encode()}).find("999999", "310", BEGIN)
    assert policy is not None
    return policy


def expected(form: str, cut: int) -> int:
    """What the fund pays of 1,000.00 then."""
    match form:
        case "points":
            return share_bp(100_000, 8_000 - cut)
        case "factor":
            return share_bp(100_000, 8_000 * (10_000 - cut) // 10_000)
    return share_bp(100_000 - share_bp(100_000, cut), 8_000)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("word", FILINGS)
def test_each_filing_selects_its_own_reduction(form: str, word: str) -> None:
    policy = policy_of(form)
    entitlement = entitle(
        (an_enrolment(region="999999"),), "310", "11", an_institution(region="999999"), BEGIN,
        policy,
    )  # fmt: skip
    assert isinstance(entitlement, Entitlement)
    case = a_case(some_totals(100_000), entitlement, where="outside", filing=word)
    assert adjudicate(case, policy).fund_fen == expected(form, _CUT[word])
    at_home = replace(case, where="local")
    assert adjudicate(at_home, policy).fund_fen == 80_000
