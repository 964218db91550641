"""Who may draw on what on a date; a refusal only where nothing may pay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import pytest
from msgspec.structs import replace

from settlement.claim import CareKind
from settlement.entitlement import (
    Entitlement,
    choose_scheme,
    dates_of,
    enrolment_on,
    entitle,
    fund_checks,
    ruling_date,
)
from settlement.explanation import Closure
from settlement.refusal import Refusal
from tests.unit.benefit.builders import (
    DONGGUAN,
    ON,
    POLICY,
    SCHEME,
    STRICT_REGION,
    a_claim,
    a_line,
    an_enrolment,
    an_institution,
)

BEFORE, AFTER = date(2026, 11, 19), date(2026, 11, 21)


@pytest.mark.parametrize(
    ("policy", "changes", "fund", "account"),
    [
        ("employee",   {},                                                   "",            ""),
        ("employee",   {"category": "1103"},                                 "",            ""),
        ("employee",   {"benefit_from": ON},                                 "",            ""),
        ("employee",   {"benefit_from": AFTER},                              "waiting",     ""),
        ("employee",   {"status": "2", "suspended_on": BEFORE},              "suspended",   ""),
        ("employee",   {"status": "2", "suspended_on": ON},                  "suspended",   ""),
        ("employee",   {"status": "2", "suspended_on": AFTER},               "",            ""),
        ("employee",   {"status": "2"},                                      "suspended",   ""),
        ("employee",   {"closed_funds": ("310102",)},                        "fund_closed", ""),
        ("employee",   {"closed_funds": ("310200",)},                        "", "fund_closed"),
        ("resident",   {"category": "1404"},                                 "", "no_account"),
        ("deductible", {"closed_funds": ("310102",)},                        "fund_closed", ""),
    ],
)  # fmt: skip
def test_closed_fund_pays_nothing_and_says_why(
    policy: str, changes: dict[str, object], fund: str, account: str
) -> None:
    result = _entitle(policy, changes)
    assert isinstance(result, Entitlement), result
    pool = POLICY[policy].care["11"].fund_codes[0]
    assert (result.closed.get(pool, ""), result.account_closed) == (fund, account)


@pytest.mark.parametrize(
    ("policy", "changes", "code"),
    [
        ("employee",   {"enrolled_on": AFTER},                        "NOT_ENROLLED"),
        ("employee",   {"scheme": "390"},                             "NOT_ENROLLED"),
        ("employee",   {"category": "13"},                        "PERSON_CATEGORY_NOT_COVERED"),
        ("employee",   {"status": "4", "suspended_on": BEFORE},       "NOT_ENTITLED"),
        ("employee",   {"closed_funds": ("310102", "310200")},        "NOT_ENTITLED"),
        ("resident",   {"status": "2", "suspended_on": BEFORE},       "NOT_ENTITLED"),
        ("resident",   {"benefit_from": AFTER},                       "NOT_ENTITLED"),
        ("resident",   {"closed_funds": ("390102",)},                 "NOT_ENTITLED"),
        ("deductible", {"status": "2", "suspended_on": BEFORE},       "NOT_ENTITLED"),
        ("deductible", {"benefit_from": AFTER},                       "NOT_ENTITLED"),
    ],
)  # fmt: skip
def test_claim_is_refused_only_where_nothing_may_pay(
    policy: str, changes: dict[str, object], code: str
) -> None:
    result = _entitle(policy, changes)
    assert isinstance(result, Refusal)
    assert result.code == code


@pytest.mark.parametrize(
    ("policy", "changes", "stopped", "fund", "account"),
    [
        ("employee", {},                            "310102", "fund_stopped", ""),
        ("employee", {},                            "310200", "",             "fund_stopped"),
        ("employee", {},                            "390102", "",             ""),
        ("employee", {"closed_funds": ("310102",)}, "310102", "fund_closed",  ""),
        ("employee", {"benefit_from": AFTER},       "310102", "waiting",      ""),
    ],
)  # fmt: skip
def test_fund_under_a_stop_switch_pays_nothing_and_says_why(
    policy: str, changes: dict[str, object], stopped: str, fund: str, account: str
) -> None:
    result = _entitle(policy, changes, {stopped: "测试停用"})
    assert isinstance(result, Entitlement), result
    assert (result.closed.get("310102", ""), result.account_closed) == (fund, account)


@pytest.mark.parametrize(
    ("policy", "changes", "stopped", "code"),
    [
        ("resident", {},                            ["390102"],           "FUND_SUSPENDED"),
        ("employee", {},                            ["310102", "310200"], "FUND_SUSPENDED"),
        ("employee", {"closed_funds": ("310102",)}, ["310200"],           "FUND_SUSPENDED"),
        ("resident", {"benefit_from": AFTER},       ["390102"],           "NOT_ENTITLED"),
    ],
)  # fmt: skip
def test_stop_switch_refuses_only_where_without_it_something_would_pay(
    policy: str, changes: dict[str, object], stopped: list[str], code: str
) -> None:
    result = _entitle(policy, changes, dict.fromkeys(stopped, "测试停用"))
    assert isinstance(result, Refusal)
    assert result.code == code
    if code == "FUND_SUSPENDED":
        assert result.params == {"fund": stopped[0], "reason": "测试停用"}


def test_refusal_names_the_reason_and_the_start_of_benefits() -> None:
    result = _entitle("resident", {"benefit_from": AFTER})
    assert isinstance(result, Refusal)
    assert result.params == {
        "scheme": "390",
        "reason": "待遇享受期尚未开始",
        "benefit_from": "2026-11-21",
    }


@pytest.mark.parametrize(
    ("changes", "care_type", "code"),
    [
        ({},                                      "2101", "CARE_TYPE_NOT_COVERED"),
        ({"suspended": True},                     "41",   "INSTITUTION_AGREEMENT_SUSPENDED"),
        ({"agreement_from": AFTER},               "41",   "INSTITUTION_AGREEMENT_NOT_IN_FORCE"),
        ({"agreement_to": BEFORE},                "41",   "INSTITUTION_AGREEMENT_NOT_IN_FORCE"),
        ({"care_types": frozenset({"11"})},       "41",   "INSTITUTION_CARE_TYPE_NOT_APPROVED"),
        ({"suspended": True, "agreement_to": BEFORE}, "41", "INSTITUTION_AGREEMENT_SUSPENDED"),
    ],
)  # fmt: skip
def test_institution_must_be_allowed_this_care_on_this_date(
    changes: dict[str, object], care_type: str, code: str
) -> None:
    institution = an_institution(**changes)
    result = entitle((an_enrolment(),), "310", care_type, institution, ON, POLICY["employee"])
    assert isinstance(result, Refusal)
    assert result.code == code


def test_latest_enrolment_begun_by_the_date_counts() -> None:
    first = an_enrolment(enrolled_on=date(2020, 1, 1))
    second = an_enrolment(enrolled_on=date(2024, 1, 1), category="12")
    assert enrolment_on((second, first), "310", date(2023, 12, 31)) is first
    assert enrolment_on((second, first), "310", date(2024, 1, 1)) is second
    assert enrolment_on((second, first), "310", date(2019, 12, 31)) is None


def test_scheme_is_chosen_in_the_order_of_the_region_among_those_in_force() -> None:
    employee, resident = an_enrolment(), an_enrolment(scheme="390", category="15")
    stopped = replace(employee, status="2", suspended_on=BEFORE)
    assert choose_scheme((resident, employee), ON, DONGGUAN) == "310"
    assert choose_scheme((resident, stopped), ON, DONGGUAN) == "390"
    assert choose_scheme((stopped,), ON, DONGGUAN) == "310"
    assert choose_scheme((), ON, DONGGUAN) is None


def test_enquiry_gets_one_row_a_fund_with_its_reason() -> None:
    stopped = an_enrolment(status="2", suspended_on=BEFORE)
    pool, account = fund_checks(stopped, "41", ON, POLICY["employee"])
    assert (pool.fund_pay_type, pool.entitled, pool.reason) == (
        "310102",
        False,
        Closure.SUSPENDED,
    )
    assert (pool.reason_zh, pool.ends_on) == ("参保关系已暂停", BEFORE)
    assert (account.fund_pay_type, account.entitled, account.reason_zh) == ("310200", True, "")
    assert fund_checks(stopped, "2101", ON, POLICY["employee"]) == ()


def test_enquiry_names_a_fund_under_a_stop_switch() -> None:
    switched = {"310102": "测试停用"}
    pool, account = fund_checks(an_enrolment(), "41", ON, POLICY["employee"], switched)
    assert (pool.entitled, pool.reason_zh) == (False, "该基金已被经办机构暂停支付")
    assert account.entitled


@pytest.mark.parametrize(
    ("kind", "dates", "ruling"),
    [
        (CareKind.PHARMACY,   (BEFORE, ON), ON),                   # fee: the latest line
        (CareKind.OUTPATIENT, (BEFORE, ON), AFTER),                # settlement: today
        (CareKind.INPATIENT,  (BEFORE, ON), date(2026, 11, 18)),   # discharge
    ],
)  # fmt: skip
def test_region_says_which_date_rules(
    kind: CareKind, dates: tuple[date, date], ruling: date
) -> None:
    lines = [replace(a_line("A001", 0, 10_000, 0), occurred_on=on) for on in dates]
    claim = a_claim(*lines, kind=kind, service_at=datetime(2026, 11, 20, 9))
    came = replace(dates_of(claim), discharged=date(2026, 11, 18))
    found = ruling_date(kind, came, STRICT_REGION, today=AFTER)
    assert found == ruling


@pytest.mark.parametrize(
    ("today", "code"),
    [
        (BEFORE,             "FEE_DATE_IN_FUTURE"),
        (date(2026, 12, 1),  "FEE_DATE_TOO_OLD"),
    ],
)  # fmt: skip
def test_fee_in_the_future_or_too_old_is_refused(today: date, code: str) -> None:
    claim = a_claim(a_line("A001", 0, 10_000, 0))
    result = ruling_date(claim.kind, dates_of(claim), STRICT_REGION, today=today)
    assert isinstance(result, Refusal)
    assert result.code == code


def test_oldest_fee_still_allowed_is_settled() -> None:
    claim = a_claim(a_line("A001", 0, 10_000, 0))
    found = ruling_date(claim.kind, dates_of(claim), STRICT_REGION, today=date(2026, 11, 30))
    assert found == ON


def _entitle(
    policy: str, changes: dict[str, object], stopped: Mapping[str, str] | None = None
) -> Entitlement | Refusal:
    category = "15" if policy == "resident" else "11"
    enrolment = an_enrolment(**{"scheme": SCHEME[policy], "category": category, **changes})
    return entitle(
        (enrolment,), SCHEME[policy], "11", an_institution(), ON, POLICY[policy], stopped or {}
    )
