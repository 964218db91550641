"""The population of the demonstration: repeatable, complete, and nobody's."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from loadtest.population import (
    InsuredPerson,
    make_credential,
    make_institutions,
    make_item,
    make_items,
    make_person,
    make_persons,
)
from loadtest.population.institutions import AGREEMENT_OVER
from loadtest.population.persons import POOL_FUND, card_of, ordinal_in
from settlement.institution import InstitutionKind
from settlement.policy.loader import load_policies
from tests.tidy.test_privacy import could_be_real

ON = date(2026, 3, 16)
REGION = "441900"
COUNT = 4_000


@pytest.fixture(scope="module")
def persons() -> list[InsuredPerson]:
    return list(make_persons(COUNT, seed=1, region=REGION, on=ON))


def test_a_person_is_the_same_whether_made_alone_or_with_the_others(
    persons: list[InsuredPerson],
) -> None:
    assert make_person(1_234, seed=1, region=REGION, on=ON) == persons[1_233]
    assert make_person(1_234, seed=2, region=REGION, on=ON) != persons[1_233]


def test_no_identity_number_could_be_a_living_persons(persons: list[InsuredPerson]) -> None:
    numbers = [person.identity.certificate_no for person in persons]
    assert all(len(n) == 18 and n.startswith("999999") for n in numbers)
    assert not any(map(could_be_real, numbers))
    assert all(person.identity.name.startswith("测试") for person in persons)


def test_identity_numbers_stay_unique_when_birth_dates_come_round_again() -> None:
    around = [make_person(n, seed=1, region=REGION, on=ON) for n in (5, 5 + 30_680, 5 + 2 * 30_680)]
    numbers = [person.identity.certificate_no for person in around]
    assert len({person.identity.born_on for person in around}) == 1
    assert len(set(numbers)) == 3


def test_identity_number_card_and_person_number_belong_to_one_person(
    persons: list[InsuredPerson],
) -> None:
    assert len({person.identity.certificate_no for person in persons}) == COUNT
    assert len({person.identity.card_no for person in persons}) == COUNT
    assert len({person.person_no for person in persons}) == COUNT
    found = persons[700]
    card = card_of(ordinal_in(found.person_no), REGION)
    assert card == (found.identity.card_no, found.identity.card_serial)
    assert len(found.identity.card_serial) == 32


def test_both_schemes_and_every_awkward_case_are_there(persons: list[InsuredPerson]) -> None:
    present = [person.enrolments[-1] for person in persons]
    schemes = Counter(each.scheme for each in present)
    assert 0.5 < schemes["310"] / COUNT < 0.6
    categories = {each.category for each in present}
    assert {"11", "12", "15", "16", "1402", "1403"} <= categories
    assert any(each.status == "2" for each in present)
    assert any(each.benefit_from > ON for each in present)
    assert any(each.closed_funds for each in present)
    assert any(each.civil_servant for each in present)
    assert any(len(person.enrolments) == 2 for person in persons)


def test_only_employees_have_accounts_and_some_are_empty(persons: list[InsuredPerson]) -> None:
    with_account = [p for p in persons if p.opening_balance_fen is not None]
    assert {p.enrolments[-1].scheme for p in with_account} == {"310"}
    assert len(with_account) == sum(p.enrolments[-1].scheme == "310" for p in persons)
    balances = [p.opening_balance_fen or 0 for p in with_account]
    assert 0 in balances and max(balances) <= 800_000


def test_every_category_and_closed_fund_is_known_to_the_policies(
    persons: list[InsuredPerson],
) -> None:
    policies = load_policies()
    for person in persons[:500]:
        each = person.enrolments[-1]
        policy = policies.find(REGION, each.scheme, ON)
        assert policy is not None and policy.category(each.category) is not None
        assert POOL_FUND[each.scheme] in policy.funds


def test_institutions_are_hospitals_and_pharmacies_with_accounts_of_their_own() -> None:
    institutions = list(make_institutions(200, seed=1, region=REGION))
    kinds = Counter(one.kind for one in institutions)
    assert kinds == {InstitutionKind.HOSPITAL: 80, InstitutionKind.PHARMACY: 120}
    assert len({one.code for one in institutions}) == 200
    assert len({one.account_base for one in institutions}) == 200
    assert all(len(one.code) == 12 and one.name.startswith("测试") for one in institutions)
    levels = Counter(one.deductible_level for one in institutions)
    assert levels["3"] < levels["2"] < levels["1"]


def test_some_institutions_of_either_kind_may_not_settle_today() -> None:
    institutions = list(make_institutions(200, seed=1, region=REGION))
    unusable = [one for one in institutions if one.suspended or one.agreement_to == AGREEMENT_OVER]
    assert {one.kind for one in unusable} == set(InstitutionKind)
    assert any(one.suspended for one in unusable) and not all(one.suspended for one in unusable)
    assert len(unusable) < 20


def test_care_types_fit_the_kind_and_some_pharmacies_dispense_prescriptions() -> None:
    institutions = list(make_institutions(200, seed=1, region=REGION))
    pharmacies = [one for one in institutions if one.kind is InstitutionKind.PHARMACY]
    hospitals = [one for one in institutions if one.kind is InstitutionKind.HOSPITAL]
    assert all("41" in one.care_types for one in pharmacies)
    assert {len(one.care_types) for one in pharmacies} == {1, 2}
    assert all({"11", "21"} <= one.care_types and "41" not in one.care_types for one in hospitals)


def test_a_credential_belongs_to_its_institution_and_seed() -> None:
    one = make_credential("P44190099002", seed=1)
    assert one == make_credential("P44190099002", seed=1)
    assert one.secret != make_credential("P44190099002", seed=2).secret
    assert one.secret != make_credential("P44190099003", seed=1).secret


def test_catalogue_codes_are_well_formed_and_visibly_synthetic() -> None:
    profile = load_policies().region(REGION)
    assert profile is not None
    items = list(make_items(2_000, seed=1))
    codes = [demo.item.code for demo in items]
    assert codes == sorted(set(codes))
    assert all(profile.item_code.match(code) and "TEST" in code for code in codes)
    assert items[17] == make_item(18, seed=1)


def test_catalogue_has_every_class_and_prices_above_some_ceilings() -> None:
    items = list(make_items(2_000, seed=1))
    ratios = {(demo.item.item_class, demo.item.self_pay_bp) for demo in items}
    assert {("01", 0), ("02", 500), ("02", 2_000), ("03", 10_000)} <= ratios
    assert {bp for item_class, bp in ratios if item_class == "01"} == {0}
    capped = [demo for demo in items if demo.item.ceiling_e6]
    assert capped and all(demo.price_e6 > 0 for demo in items)
    assert any((demo.item.ceiling_e6 or {})["1"] < demo.price_e6 for demo in capped)
