"""What rules do to the parts of a bill and to the year, on policies made for one question each."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from settlement.benefit import adjudicate
from settlement.case import Case
from settlement.explanation import Closure
from settlement.person import YearToDate
from settlement.policy.loader import PolicyError, parse_policies
from settlement.policy.model import Policy
from tests.unit.benefit.builders import (
    DEDUCTIBLE_POLICY,
    ON,
    REGION_PROFILE,
    a_case,
    entitled,
    some_totals,
)

ENTITLED = entitled("deductible", "11")
WITH_TAGS = """
[tags]
poor = "困难"

[ratios_bp.by-tag]
by = ["tag"]
rows = [ ["poor", 9000], ["*", 0] ]
source = "test"
"""
YEARLY = """
[[rules.visit]]
step = "share"
fund = "390200"
take = ["in_scope_own"]
along = "year"
threshold_fen = 20_000
ratio_bp = 5000
source = "test"

[[rules.visit]]
step = "share"
fund = "610100"
take = ["in_scope_own"]
ratio_bp = 5000
source = "test"

[[funds]]
code = "390200"
name = "大病"
name_en = "critical"
kind = "fund"
amount_field = "hifmi_pay"
ledger_code = 4

[[funds]]
code = "610100"
name = "救助"
name_en = "aid"
kind = "fund"
amount_field = "maf_pay"
ledger_code = 5
"""
REPORTED = 'reported = ["in_scope", "own_share"]\nverified = false'


def policy_of(text: str) -> Policy:
    files = {"region.toml": REGION_PROFILE.encode(), "policy.toml": text.encode()}
    policy = parse_policies(files).find("999999", "310", ON)
    assert policy is not None
    return policy


def a_visit(in_scope_fen: int, **changes: object) -> Case:
    return a_case(some_totals(in_scope_fen), ENTITLED, **changes)


@pytest.mark.parametrize(
    ("tags", "large"),
    [
        ((),                 0),
        (("poor",),          5_400),  # 70 % of 20 000, then 90 % of the 6 000 that are left
        (("poor", "other"),  5_400),
        (("other",),         0),      # a tag that the policy does not name
    ],
)  # fmt: skip
def test_tags_choose_the_row_of_a_table(tags: tuple[str, ...], large: int) -> None:
    policy = policy_of(DEDUCTIBLE_POLICY.replace("8000", '"by-tag"') + WITH_TAGS)
    year_to_date = YearToDate(year=2026, values={"outpatient.deductible": 10_000})
    case = a_visit(20_000, tags=tags, year_to_date=year_to_date)
    benefit = adjudicate(case, policy)
    assert (benefit.fund_fen, benefit.cash_fen) == (14_000 + large, 6_000 - large)
    assert adjudicate(case, policy) == benefit


def test_share_of_nothing_is_not_explained_as_below_a_threshold() -> None:
    policy = policy_of(DEDUCTIBLE_POLICY.replace("8000", '"by-tag"') + WITH_TAGS)
    benefit = adjudicate(a_visit(20_000), policy)
    notes = {step.rule: step.note for step in benefit.explanation}
    assert notes["share:330100@2"] == ""
    below = adjudicate(a_visit(15_000), policy_of(DEDUCTIBLE_POLICY + YEARLY))
    notes = {step.rule: step.note for step in below.explanation}
    assert notes["share:390200@3"] == Closure.BELOW_THRESHOLD


def test_own_share_of_the_year_is_the_same_where_the_fund_that_counts_it_is_closed() -> None:
    """After the stop the fund must count from where the person really stands."""
    policy = policy_of(DEDUCTIBLE_POLICY.replace("8000", "0") + YEARLY)
    open_ = adjudicate(a_visit(20_000), policy)
    stopped = replace(ENTITLED, closed={"390200": Closure.FUND_STOPPED.value})
    closed = adjudicate(replace(a_visit(20_000), entitlement=stopped), policy)
    assert open_.increments["outpatient.own_share"] == 13_000
    assert closed.increments["outpatient.own_share"] == 13_000
    assert closed.fund_fen == 7_000 + 6_500


@pytest.mark.parametrize(
    ("take", "in_scope", "own_share"),
    [
        ('"own", "over_cap"', 20_000, 10_600),  # 20 000 - 7 000 - 80 % of 3 000
        ('"full_self_pay"',   20_000, 13_000),
        ('"apart"',           20_000, 13_000),
    ],
)  # fmt: skip
def test_year_counts_what_is_in_scope_whoever_pays_the_rest(
    take: str, in_scope: int, own_share: int
) -> None:
    """A payer of what is out of scope or apart makes the person's own share no smaller."""
    text = DEDUCTIBLE_POLICY.replace("verified = false", REPORTED)
    policy = policy_of(text.replace('"own", "over_cap"', take))
    case = a_case(some_totals(20_000, full_fen=5_000), ENTITLED)
    increments = adjudicate(case, policy).increments
    assert increments["outpatient.in_scope"] == in_scope
    assert increments["outpatient.own_share"] == own_share


def test_what_was_apart_does_not_count_though_another_fund_pays_it() -> None:
    text = DEDUCTIBLE_POLICY.replace("verified = false", REPORTED)
    policy = policy_of(text.replace('"own", "over_cap"', '"apart"'))
    entitlement = replace(ENTITLED, closed={"310102": Closure.FUND_CLOSED.value})
    benefit = adjudicate(a_case(some_totals(20_000), entitlement), policy)
    assert benefit.fund_fen == 8_000
    assert benefit.increments == {
        "outpatient.deductible": 10_000,
        "outpatient.in_scope": 10_000,
        "outpatient.own_share": 10_000,
    }


CEILING = """
[[rules.visit]]
step = "ceiling"
ratio_bp = 4000
source = "test"
"""
LARGE = '[[rules.visit]]\nstep = "share"\nfund = "330100"'


def test_ceiling_may_stand_between_two_payers() -> None:
    """40 % of 20 000 are 8 000; the pool has paid 7 000 of them."""
    policy = policy_of(DEDUCTIBLE_POLICY.replace(LARGE, CEILING + LARGE))
    benefit = adjudicate(a_visit(20_000), policy)
    paid = {share.fund_pay_type: (share.amount_fen, share.note) for share in benefit.shares}
    assert paid == {"310102": (7_000, ""), "330100": (1_000, Closure.CEILING_REACHED)}


def test_ceiling_after_the_last_payer_does_not_load() -> None:
    with pytest.raises(PolicyError, match="永远用不到"):
        policy_of(DEDUCTIBLE_POLICY + CEILING)


def test_own_share_does_not_shrink_by_the_fen_that_reaches_the_cap() -> None:
    """10 % of 10 004 is 1 000, the cap; of 10 005 it would be 1 001. One fen is above the cap then,
    and not the five that 1 000 is short of: the payer of the own share pays no less than before."""
    text = DEDUCTIBLE_POLICY.replace("ratio_bp = 7000", "ratio_bp = 1000").replace("50000", "1000")
    policy = policy_of(text.replace('"own", "over_cap"', '"own"').replace("8000", "9000"))
    year_to_date = YearToDate(year=2026, values={"outpatient.deductible": 10_000})
    paid = [
        adjudicate(a_visit(in_scope_fen, year_to_date=year_to_date), policy).fund_fen
        for in_scope_fen in (10_004, 10_005, 10_006)
    ]
    assert paid == [9_104, 9_104, 9_104]
