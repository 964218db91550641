"""Comparing two policies over settled claims: sums, who loses, and the course of a person."""

from __future__ import annotations

from settlement.benefit import adjudicate
from settlement.person import YearToDate
from settlement.policy.loader import parse_policies
from settlement.policy.model import Policy
from settlement.usecases.compare import Comparison, Settled
from tests.unit.benefit.builders import (
    DEDUCTIBLE_POLICY,
    POLICY,
    REGION_PROFILE,
    a_case,
    entitled,
    some_totals,
)


def variant(old: str, new: str) -> Policy:
    text = DEDUCTIBLE_POLICY.replace(old, new)
    assert text != DEDUCTIBLE_POLICY
    [policy] = parse_policies(
        {"region.toml": REGION_PROFILE.encode(), "p.toml": text.encode()}
    ).policies()
    return policy


def course(person_no: str, *in_scope: int) -> list[Settled]:
    """A person's claims of a year as they were settled under the present policy."""
    counted: dict[str, int] = {}
    claims = []
    for fen in in_scope:
        case = a_case(
            some_totals(fen), entitled("deductible", "11", category="11"),
            year_to_date=YearToDate(year=2026, values=dict(counted)),
        )  # fmt: skip
        benefit = adjudicate(case, POLICY["deductible"])
        for name, added in benefit.increments.items():
            counted[name] = counted.get(name, 0) + added
        claims.append(
            Settled(person_no=person_no, case=case, increments=benefit.increments, account_fen=0)
        )
    return claims


def compared(new: Policy, *courses: list[Settled]) -> Comparison:
    comparison = Comparison(POLICY["deductible"], new)
    for claims in courses:
        for claim in claims:
            comparison.add(claim)
    comparison.finish()
    return comparison


def test_same_policy_changes_nothing() -> None:
    comparison = compared(POLICY["deductible"], course("A", 15_000, 20_000), course("B", 9_000))
    assert (comparison.claims, comparison.persons) == (3, 2)
    assert (comparison.changed_claims, comparison.changed_persons) == (0, 0)
    assert comparison.before.fund_fen == comparison.after.fund_fen
    assert comparison.losers() == []


def test_what_one_claim_uses_up_is_gone_for_the_next() -> None:
    """A deductible of 20 000 instead of 10 000: the first claim bears 15 000 of it, not 10 000, and
    the second the other 5 000, not none. Each claim by itself would say 15 000 and 20 000."""
    new = variant("10_000", "20_000")
    comparison = compared(new, course("A", 15_000, 20_000))
    # before: 70 % and 80 % of the rest: 94 % of 5 000 and of 20 000; after: 94 % of 15 000
    assert comparison.before.fund_fen == 4_700 + 18_800
    assert comparison.after.fund_fen == 14_100
    [loser] = comparison.losers()
    assert (loser.person_no, loser.more_fen, loser.claims) == ("A", 9_400, 2)


def test_who_loses_most_comes_first_and_only_ten_are_kept() -> None:
    new = variant("ratio_bp = 7000", "ratio_bp = 1000")
    courses = [course(f"P{number:02}", 11_000 + 100 * number) for number in range(15)]
    comparison = compared(new, *courses)
    assert comparison.losing_persons == 15
    assert [change.person_no for change in comparison.losers()] == [
        f"P{number:02}" for number in range(14, 4, -1)
    ]


def test_claim_that_one_policy_does_not_cover_is_left_out_of_the_sums() -> None:
    new = variant('care_types = ["11"]', 'care_types = ["12"]')
    comparison = compared(new, course("A", 15_000))
    assert (comparison.claims, comparison.not_covered) == (0, 1)
    assert comparison.before.fund_fen == 0


def test_category_is_read_by_the_new_policys_own_names() -> None:
    new = variant('name = "active"', 'name = "working"')
    assert compared(new, course("A", 15_000)).changed_claims == 0
