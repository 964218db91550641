"""What filings stand in each other's way, and what they make of a claim."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from msgspec import structs

from settlement.claim import AccountUse, CareKind, Claim
from settlement.explanation import Closure
from settlement.people.filing import (
    ChosenInstitution,
    ChronicCareAt,
    Filing,
    FilingKind,
    ended,
    in_the_way,
    last_day_of,
    without,
)
from settlement.refusal import Refusal
from settlement.usecases.filed import NOT_CHOSEN, Filed, checked, filed_for
from tests.unit.usecases.builders import a_world

ON = date(2026, 11, 20)
DAY_BEFORE, DAY_AFTER = date(2026, 11, 19), date(2026, 11, 21)
HERE, THERE = "H44190099001", "H44190099002"
TRANSFER, CHRONIC, CHOSEN = FilingKind.TRANSFER, FilingKind.CHRONIC, FilingKind.CHOSEN


def a_filing(kind: FilingKind = CHRONIC, **changes: object) -> Filing:
    """From the day on, at this hospital, number 1."""
    subject = {CHRONIC: "M01600", CHOSEN: "03", TRANSFER: "", FilingKind.OFF_SITE: "other"}[kind]
    filing = Filing(
        filing_no=1, kind=kind, institution=HERE, subject=subject,
        order="1" if kind is CHOSEN else "", scheme="" if kind is CHOSEN else "310",
        begins_on=ON, ends_on=None,
    )  # fmt: skip
    return structs.replace(filing, **changes)


def a_claim(care_type: str, disease: str = "M01600", scheme: str = "310") -> Claim:
    """A claim of this hospital."""
    kind = CareKind.INPATIENT if care_type == "21" else CareKind.OUTPATIENT
    return Claim(
        kind=CareKind.PHARMACY if care_type == "41" else kind, care_type=care_type, scheme=scheme,
        institution_code=HERE, person_no="1", account_use=AccountUse.OWN, total_fen=1,
        service_at=datetime(2026, 11, 20), lines=(), disease=disease,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("begins_on", "ends_on", "covers", "overlaps_day"),
    [
        (ON,         None,       True,  True),
        (ON,         ON,         True,  True),
        (DAY_BEFORE, DAY_BEFORE, False, False),
        (DAY_AFTER,  None,       False, False),
        (DAY_BEFORE, None,       True,  True),
        (DAY_BEFORE, DAY_AFTER,  True,  True),
    ],
)  # fmt: skip
def test_both_dates_of_a_filing_are_inclusive(
    begins_on: date, ends_on: date | None, covers: bool, overlaps_day: bool
) -> None:
    filing = a_filing(begins_on=begins_on, ends_on=ends_on)
    assert filing.covers(ON) is covers
    assert filing.overlaps(ON, ON) is overlaps_day


@pytest.mark.parametrize(
    ("kind", "changes", "in_way"),
    [
        (CHRONIC,  {},                                         True),
        (CHRONIC,  {"institution": THERE},                     True),
        (CHRONIC,  {"subject": "M00900"},                      False),
        (CHRONIC,  {"scheme": "390"},                          False),
        (CHRONIC,  {"begins_on": DAY_BEFORE, "ends_on": DAY_BEFORE}, False),
        (CHRONIC,  {"begins_on": DAY_BEFORE, "ends_on": ON},   True),
        (CHOSEN,   {},                                         True),
        (CHOSEN,   {"institution": THERE},                     True),
        (CHOSEN,   {"order": "2"},                             True),
        (CHOSEN,   {"institution": THERE, "order": "2"},       False),
        (CHOSEN,   {"subject": "01"},                          False),
        (TRANSFER, {},                                         True),
        (TRANSFER, {"scheme": ""},                             True),
        (TRANSFER, {"institution": THERE},                     False),
    ],
)  # fmt: skip
def test_filing_is_in_the_way_of_one_about_the_same(
    kind: FilingKind, changes: dict[str, object], in_way: bool
) -> None:
    others = [a_filing(other, filing_no=9) for other in FilingKind if other is not kind]
    standing = a_filing(kind, filing_no=2)
    assert in_the_way(a_filing(kind, **changes), others) is None
    found = in_the_way(a_filing(kind, **changes), [*others, standing])
    assert found is (standing if in_way else None)


def test_used_filing_ends_with_the_day_before_and_an_unused_one_goes() -> None:
    filing, other = a_filing(begins_on=DAY_BEFORE), a_filing(filing_no=2)
    assert without([filing, other], 1) == [other]
    assert ended([filing, other], 1, ON) == [structs.replace(filing, ends_on=DAY_BEFORE), other]
    over = a_filing(begins_on=DAY_BEFORE, ends_on=DAY_BEFORE)
    assert ended([over], 1, ON) == [over]


def decided(
    claim: Claim, *standing: Filing, admitted: date | None = None, **profile: object
) -> Filed | str:
    """What filings make of a claim; of a refusal its code."""
    world = a_world(**profile)
    policy = world.policies.find("441900", claim.scheme, ON)
    assert policy is not None
    filed = filed_for(
        claim, standing, on=ON, admitted=admitted, policy=policy, profile=world.profile
    )
    return filed.code if isinstance(filed, Refusal) else filed


ELSEWHERE = "DISEASE_FILED_ELSEWHERE"
ANY = {"chronic_care_at": ChronicCareAt.ANY_INSTITUTION}


@pytest.mark.parametrize(
    ("disease", "changes", "profile", "outcome"),
    [
        ("",       {},                                               {},  "DISEASE_MISSING"),
        ("M00900", {},                                               {},  "DISEASE_NOT_FILED"),
        ("M01600", {"scheme": "390"},                                {},  "DISEASE_NOT_FILED"),
        ("M01600", {"begins_on": DAY_AFTER},                         {},  "DISEASE_NOT_FILED"),
        ("M01600", {"begins_on": DAY_BEFORE, "ends_on": DAY_BEFORE}, {},  "DISEASE_NOT_FILED"),
        ("M01600", {"institution": THERE},                           {},  ELSEWHERE),
        ("M01600", {"institution": THERE},                           ANY, Filed(numbers=(1,))),
        ("M01600", {"ends_on": ON},                                  {},  Filed(numbers=(1,))),
    ],
)  # fmt: skip
def test_disease_is_settled_by_its_filing(
    disease: str, changes: dict[str, object], profile: dict[str, object], outcome: Filed | str
) -> None:
    assert decided(a_claim("14", disease), a_filing(**changes), **profile) == outcome


def test_disease_is_treated_where_the_person_chose_to() -> None:
    filing = a_filing(institution=THERE)
    for business, outcome in (("03", ELSEWHERE), ("01", Filed(numbers=(1,)))):
        chosen = a_filing(CHOSEN, filing_no=2, subject=business)
        assert decided(a_claim("14"), filing, chosen) == outcome


REQUIRED = {"chosen_institution": ChosenInstitution.REQUIRED}
EXEMPT = {**REQUIRED, "chosen_institution_exempt": frozenset({"11"})}
NOWHERE = Filed(tags=(NOT_CHOSEN,))


@pytest.mark.parametrize(
    ("scheme", "changes", "profile", "outcome"),
    [
        ("310", {"institution": THERE}, {},       Filed()),
        ("310", {},                     {},       Filed()),
        ("310", {},                     REQUIRED, Filed(numbers=(1,))),
        ("310", {"institution": THERE}, REQUIRED, NOWHERE),
        ("310", {"subject": "01"},      REQUIRED, NOWHERE),
        ("310", {"ends_on": DAY_BEFORE, "begins_on": DAY_BEFORE}, REQUIRED, NOWHERE),
        ("390", {"institution": THERE}, REQUIRED, "INSTITUTION_NOT_CHOSEN"),
        ("390", {},                     REQUIRED, Filed(numbers=(1,))),
        ("390", {"institution": THERE}, EXEMPT,   Filed()),
    ],
)  # fmt: skip
def test_chosen_institution_counts_where_the_region_asks(
    scheme: str, changes: dict[str, object], profile: dict[str, object], outcome: Filed | str
) -> None:
    """The employees' demonstration policy names the tag, the residents' does not."""
    assert decided(a_claim("11", scheme=scheme), a_filing(CHOSEN, **changes), **profile) == outcome


TO_HERE = Filed(filing="referral", transfer=True, numbers=(1,))


@pytest.mark.parametrize(
    ("care_type", "admitted", "changes", "outcome"),
    [
        ("21", ON,         {},                     TO_HERE),
        ("21", DAY_BEFORE, {},                     Filed()),
        ("21", ON,         {"institution": THERE}, Filed()),
        ("21", ON,         {"scheme": "390"},      Filed()),
        ("21", ON,         {"scheme": ""},         TO_HERE),
        ("11", None,       {},                     Filed(filing="referral", numbers=(1,))),
    ],
)  # fmt: skip
def test_transfer_counts_at_its_hospital_on_the_day_of_admission(
    care_type: str, admitted: date | None, changes: dict[str, object], outcome: Filed
) -> None:
    filing = a_filing(TRANSFER, **changes)
    assert decided(a_claim(care_type), filing, admitted=admitted) == outcome


@pytest.mark.parametrize(
    ("care_type", "scheme", "disease", "kind", "profile", "missing"),
    [
        ("14", "310", "",       CHRONIC, {},       None),
        ("14", "310", "M01600", CHRONIC, {},       None),
        ("14", "310", "M00900", CHRONIC, {},       Closure.NOT_FILED),
        ("14", "310", "",       CHOSEN,  {},       Closure.NOT_FILED),
        ("11", "390", "",       CHRONIC, {},       None),
        ("11", "390", "",       CHRONIC, REQUIRED, Closure.NOT_CHOSEN),
        ("11", "390", "",       CHOSEN,  REQUIRED, None),
        ("11", "310", "",       CHRONIC, REQUIRED, None),
    ],
)  # fmt: skip
def test_check_says_what_is_missing(
    care_type: str, scheme: str, disease: str, kind: FilingKind, profile: dict[str, object],
    missing: Closure | None,
) -> None:  # fmt: skip
    world = a_world(**profile)
    policy = world.policies.find("441900", scheme, ON)
    assert policy is not None
    _, found = checked(
        policy.care[care_type], [a_filing(kind)], scheme=scheme, institution=HERE,
        disease=disease, on=ON, policy=policy, profile=world.profile,
    )  # fmt: skip
    assert found is missing


MONTHS = [
    # from,              months, to
    (date(2026, 11, 23), 12,     date(2027, 11, 22)),
    (date(2026, 1, 1),   12,     date(2026, 12, 31)),
    (date(2026, 12, 1),  1,      date(2026, 12, 31)),
    (date(2026, 8, 31),  6,      date(2027, 2, 28)),
    (date(2027, 8, 31),  6,      date(2028, 2, 29)),
    (date(2028, 2, 29),  12,     date(2029, 2, 28)),
    (date(2028, 2, 29),  48,     date(2032, 2, 28)),
    (date(9999, 2, 1),   12,     date.max),
]  # fmt: skip


@pytest.mark.parametrize(("begins_on", "months", "ends_on"), MONTHS)
def test_months_end_with_the_day_before_the_same_day(
    begins_on: date, months: int, ends_on: date
) -> None:
    assert last_day_of(begins_on, months) == ends_on
