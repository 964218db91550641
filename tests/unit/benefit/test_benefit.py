"""Who pays a priced claim: tables in fen, the recorded cases, and the identities for any claim."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from settlement.benefit import Benefit, InvariantError, adjudicate, negative_of, rerun
from settlement.case import Case
from settlement.claim import AccountUse
from settlement.entitlement import Entitlement
from settlement.explanation import render_zh
from settlement.person import YearToDate
from settlement.policy.model import AmountField
from tests.unit.benefit.builders import (
    ON,
    POLICY,
    SHIPPED,
    TESTED,
    a_case,
    entitled,
    some_totals,
)

EMPLOYEE_PAID, RESIDENT_PAID = "outpatient.paid.310102", "outpatient.paid.390102"
BEFORE = date(2026, 11, 19)


@pytest.mark.parametrize(
    ("policy", "care", "person", "level", "in_scope", "used", "fund", "limit"),
    [
        # ratio by scheme, care, person and level, rounded once, half up
        ("employee", "11", "11", "1",  10_000,       0,  7_500, 300_000),
        ("employee", "11", "12", "1",  10_000,       0,  8_000, 350_000),
        ("employee", "11", "11", "2",  10_000,       0,  6_000, 300_000),
        ("employee", "11", "12", "2",  10_000,       0,  6_500, 350_000),
        ("employee", "11", "11", "3",  10_000,       0,  5_000, 300_000),
        ("employee", "11", "11", "9",  10_000,       0,  5_000, 300_000),  # ungraded
        ("employee", "41", "11", "9",  10_000,       0,  6_000, 300_000),
        ("employee", "41", "12", "",   10_000,       0,  6_000, 350_000),
        ("resident", "11", "15", "1",  10_000,       0,  7_000, 120_000),
        ("resident", "11", "15", "2",  10_000,       0,  5_000, 120_000),
        ("resident", "11", "14", "3",  10_000,       0,  4_000, 120_000),
        ("resident", "41", "16", "9",  10_000,       0,  4_000, 120_000),
        ("employee", "11", "11", "1",     429,       0,    322, 300_000),  # 321.75
        ("employee", "11", "11", "1",       2,       0,      2, 300_000),  # 1.5 is a tie: up
        ("employee", "11", "11", "1",       0,       0,      0, 300_000),
        # the yearly cap: below, exactly at, crossing, used up, more than used up
        ("employee", "11", "11", "1",  10_000, 292_499,  7_500,   7_501),
        ("employee", "11", "11", "1",  10_000, 292_500,  7_500,   7_500),
        ("employee", "11", "11", "1",  10_000, 292_501,  7_499,   7_499),
        ("employee", "41", "11", "9",  10_000, 299_999,      1,       1),
        ("employee", "11", "11", "1",  10_000, 300_000,      0,       0),
        ("employee", "11", "12", "1",  10_000, 300_000,  8_000,  50_000),
        ("employee", "11", "11", "1",  10_000, 310_000,      0,       0),
        ("resident", "11", "15", "1",  10_000, 119_000,  1_000,   1_000),
    ],
)  # fmt: skip
def test_fund_pays_its_ratio_up_to_the_yearly_cap(
    policy: str, care: str, person: str, level: str,
    in_scope: int, used: int, fund: int, limit: int,
) -> None:  # fmt: skip
    accumulator = RESIDENT_PAID if policy == "resident" else EMPLOYEE_PAID
    case = a_case(
        some_totals(in_scope),
        entitled(policy, care, category=person),
        level=level,
        year_to_date=YearToDate(year=2026, values={accumulator: used}),
    )
    benefit = adjudicate(case, POLICY[policy])
    (share,) = benefit.shares
    assert (share.amount_fen, share.limit_before_fen, benefit.fund_fen) == (fund, limit, fund)
    assert benefit.increments == ({accumulator: fund} if fund else {})
    assert benefit.by_amount_field() == ({AmountField.POOL: fund} if fund else {})
    assert benefit.cash_fen == in_scope - fund


@pytest.mark.parametrize(
    ("balance", "use", "credential", "account", "cash"),
    [
        # totals: 1000 in scope (fund 600), 100 pre-self-pay, 50 over ceiling, 200 full self-pay
        (10_000, AccountUse.OWN,    "01", 550, 200),  # not what is wholly self-paid
        (10_000, AccountUse.OWN,    "03", 550, 200),
        (   550, AccountUse.OWN,    "01", 550, 200),
        (   549, AccountUse.OWN,    "01", 549, 201),
        (     0, AccountUse.OWN,    "01",   0, 750),
        (10_000, AccountUse.NONE,   "01",   0, 750),
        (10_000, AccountUse.FAMILY, "01", 550, 200),  # the own account comes first
        (10_000, AccountUse.OWN,    "02", 550, 200),  # the demonstration lets a bare number spend
        (10_000, AccountUse.OWN,    "09",   0, 750),  # one that the policy does not name may not
    ],
)  # fmt: skip
def test_account_pays_up_to_its_balance_and_cash_the_rest(
    balance: int, use: AccountUse, credential: str, account: int, cash: int
) -> None:
    case = a_case(
        some_totals(1_000, full_fen=200, over_fen=50, pre_fen=100),
        entitled(),
        account_balance_fen=balance,
        account_use=use,
        credential_type=credential,
    )
    benefit = adjudicate(case, POLICY["employee"])
    assert benefit.fund_fen == 600
    assert (benefit.account_fen, benefit.cash_fen) == (account, cash)
    assert benefit.person_fen == 750


@pytest.mark.parametrize(
    ("enrolment", "fund", "account", "note"),
    [
        ({},                                             6_000,  4_000, ""),
        ({"closed_funds": ("310102",)},                      0, 10_000, "fund_closed"),
        ({"status": "2", "suspended_on": BEFORE},            0, 10_000, "suspended"),
        ({"benefit_from": date(2027, 1, 1)},                 0, 10_000, "waiting"),
        ({"closed_funds": ("310200",)},                  6_000,      0, ""),
    ],
)  # fmt: skip
def test_closed_fund_stands_in_the_answer_with_zero_and_its_reason(
    enrolment: dict[str, object], fund: int, account: int, note: str
) -> None:
    case = a_case(some_totals(10_000), entitled(**enrolment), account_balance_fen=20_000)
    benefit = adjudicate(case, POLICY["employee"])
    (share,) = benefit.shares
    assert (share.amount_fen, share.note) == (fund, note)
    assert benefit.account_fen == account
    assert benefit.cash_fen == 10_000 - fund - account


def test_wholly_self_paid_bill_is_settled_with_no_fund_money() -> None:
    """Recorded case A09: nothing in scope, the deductible is not touched."""
    case = a_case(some_totals(0, full_fen=330_000), entitled("deductible", "11"))
    benefit = adjudicate(case, POLICY["deductible"])
    assert (benefit.fund_fen, benefit.deductible_fen, benefit.cash_fen) == (0, 0, 330_000)
    assert benefit.increments == {}


@pytest.mark.parametrize(
    ("in_scope", "deductible_used", "pool_used", "deductible", "pool", "large"),
    [
        (    429,      0,      0,    429,      0,      0),  # recorded case A03: all deductible
        ( 10_000,      0,      0, 10_000,      0,      0),
        ( 20_000,      0,      0, 10_000,  7_000,  2_400),  # 70 % of 10 000, then 80 % of 3 000
        ( 20_000,  4_000,      0,  6_000,  9_800,  3_360),
        ( 20_000, 10_000,      0,      0, 14_000,  4_800),
        ( 20_000, 12_000,      0,      0, 14_000,  4_800),
        ( 20_000, 10_000, 49_000,      0,  1_000, 15_200),  # cap crossed: the next fund takes on
        ( 20_000, 10_000, 50_000,      0,      0, 16_000),
    ],
)  # fmt: skip
def test_steps_run_in_order_on_what_is_left(
    in_scope: int, deductible_used: int, pool_used: int, deductible: int, pool: int, large: int
) -> None:
    values = {"outpatient.deductible": deductible_used, "outpatient.paid.310102": pool_used}
    case = a_case(
        some_totals(in_scope),
        entitled("deductible", "11"),
        year_to_date=YearToDate(year=2026, values=values),
    )
    benefit = adjudicate(case, POLICY["deductible"])
    assert benefit.deductible_fen == deductible
    paid = {share.fund_pay_type: share.amount_fen for share in benefit.shares}
    assert (paid["310102"], paid.get("330100", 0)) == (pool, large)
    counted = {"outpatient.deductible": deductible, "outpatient.paid.310102": pool}
    assert benefit.increments == {name: fen for name, fen in counted.items() if fen}


def test_account_pays_only_the_parts_that_the_policy_allows() -> None:
    totals = some_totals(20_000, full_fen=500, over_fen=300, pre_fen=200)
    case = a_case(totals, entitled("deductible", "11"), account_balance_fen=10**6)
    benefit = adjudicate(case, POLICY["deductible"])
    assert benefit.account_fen == 10_000 + 200
    assert benefit.cash_fen == 600 + 500 + 300


def test_recorded_visit_and_its_cancel() -> None:
    """Recorded cases A03 and A04: all of it deductible and pre-self-pay, paid by the account."""
    case = a_case(
        some_totals(2_487, pre_fen=23),
        entitled("deductible", "11"),
        account_balance_fen=137_815,
    )
    benefit = adjudicate(case, POLICY["deductible"])
    assert (benefit.deductible_fen, benefit.account_fen, benefit.cash_fen) == (2_487, 2_510, 0)
    cancel = negative_of(benefit)
    assert cancel.totals.total_fen == -2_510
    assert (cancel.deductible_fen, cancel.account_fen) == (-2_487, -2_510)
    assert cancel.increments == {"outpatient.deductible": -2_487}
    assert negative_of(cancel) == benefit


def test_accumulators_of_another_year_are_our_own_fault() -> None:
    case = a_case(some_totals(100), entitled(), year_to_date=YearToDate(year=2025))
    with pytest.raises(InvariantError, match="2025"):
        adjudicate(case, POLICY["employee"])


def test_totals_that_do_not_add_up_are_our_own_fault() -> None:
    totals = replace(some_totals(100), total_fen=101)
    with pytest.raises(InvariantError, match="four parts"):
        adjudicate(a_case(totals, entitled()), POLICY["employee"])


AMOUNTS = st.integers(0, 10**9)
CASES = st.builds(
    lambda entitlement, parts, level, used, balance, use, credential: a_case(
        some_totals(parts[0], full_fen=parts[1], over_fen=parts[2], pre_fen=parts[3]),
        entitlement,
        level=level,
        year_to_date=YearToDate(
            year=2026,
            values=dict.fromkeys((EMPLOYEE_PAID, RESIDENT_PAID, "outpatient.deductible"), used),
        ),
        account_balance_fen=balance,
        account_use=use,
        credential_type=credential,
    ),
    st.sampled_from(
        [
            entitled(),
            entitled(category="12", care_type="11"),
            entitled(closed_funds=("310102",)),
            entitled(status="2", suspended_on=ON),
            entitled("resident"),
            entitled("deductible", "11"),
        ]
    ),
    st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS),
    st.sampled_from(["", "1", "2", "3", "9"]),
    st.integers(0, 400_000),
    AMOUNTS,
    st.sampled_from(AccountUse),
    st.sampled_from(["01", "02", "03"]),
)


def policy_of(entitlement: Entitlement) -> str:
    if entitlement.scheme == "390":
        return "resident"
    return "deductible" if entitlement == entitled("deductible", "11") else "employee"


def decided(case: Case) -> Benefit:
    return adjudicate(case, POLICY[policy_of(case.entitlement)])


@given(CASES)
def test_identities_hold_for_any_case(case: Case) -> None:
    benefit = decided(case)
    totals = benefit.totals
    assert totals.total_fen == benefit.fund_fen + benefit.person_fen + benefit.hospital_fen
    assert benefit.fund_fen == sum(share.amount_fen for share in benefit.shares)
    assert benefit.fund_fen == sum(benefit.by_amount_field().values())
    assert 0 <= benefit.account_fen <= case.account_balance_fen
    assert min(benefit.cash_fen, benefit.deductible_fen, benefit.fund_fen) >= 0
    for share in benefit.shares:
        assert 0 <= share.amount_fen <= share.in_scope_fen
        assert share.limit_before_fen is None or share.amount_fen <= share.limit_before_fen


@given(CASES)
def test_stored_case_computed_again_gives_the_same_fen(case: Case) -> None:
    policies = TESTED if policy_of(case.entitlement) == "deductible" else SHIPPED
    benefit = decided(case)
    stored = msgspec.json.decode(msgspec.json.encode(case), type=Case)
    assert rerun(stored, benefit.policy_version, policies) == benefit


def test_case_of_a_policy_that_is_not_loaded_is_not_guessed() -> None:
    with pytest.raises(LookupError, match="not loaded"):
        rerun(a_case(some_totals(1), entitled()), "gone@2020-01-01#00000000", SHIPPED)


@given(CASES)
def test_every_fen_of_cash_account_and_funds_is_explained(case: Case) -> None:
    benefit = decided(case)
    results = {step.rule.partition("@")[0].partition(":")[0]: 0 for step in benefit.explanation}
    for step in benefit.explanation:
        results[step.rule.partition("@")[0].partition(":")[0]] += step.result_fen
    assert results.get("share", 0) == benefit.fund_fen
    assert results.get("account", 0) == benefit.account_fen
    assert results.get("cash", 0) == benefit.cash_fen
    assert results.get("deductible", 0) == benefit.deductible_fen
    assert render_zh(benefit.explanation).count("\n") == len(benefit.explanation) - 1
