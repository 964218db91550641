"""What another region tells: sums that must add up, and what its answers mean for a case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from protocol.hub.messages import (
    CancelTold,
    Case,
    CaseState,
    CaseTold,
    InstitutionTold,
    Refused,
    ReverseTold,
    ShareTold,
    StatusTold,
)
from settlement.elsewhere.abroad import askable, counterpart_of, elsewhere, same_city
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.remote_rows import told_by, told_policy
from settlement.elsewhere.remote_states import Errand, Happening
from settlement.policy.model import AmountField
from settlement.refusal import Refusal
from settlement.region.hub import NoAnswer, Why
from settlement.region.verdicts import happened, refused_there
from settlement.translate.remote import by_amount_field, fault_of, shares_of, urgency

AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
CASE = Case(
    case_no="441900-1", person_no="43010088", scheme="390", care_kind="outpatient", care_type="11",
    credential_kind="02", account_use="1",
    institution=InstitutionTold(
        code="H1", name="测试医院", region="441900", hospital_level="5", deductible_level="2"
    ),
    visit_no="1", service_at=AT, admitted_on=None, discharged_on=None, disease="",
    emergency=False, referral=False, total_fen=10_000, full_self_pay_fen=1_000,
    over_ceiling_fen=0, pre_self_pay_fen=0, in_scope_fen=9_000, lines=(),
)  # fmt: skip
TOLD = CaseTold(
    case_no="441900-1", settlement_no="A1", told_at=AT, business_day=date(2026, 3, 1),
    clearing_type="9903", category="15", civil_servant=False, deductible_fen=100, pool_ratio_bp=0,
    total_fen=10_000, fund_fen=5_000, account_fen=3_000, family_account_fen=500, hospital_fen=200,
    cash_fen=1_800, balance_fen=0,
    shares=(
        ShareTold(fund_code="390100", name="统筹", amount_field="hifp_pay", amount_fen=4_000),
        ShareTold(fund_code="999", name="新基金", amount_field="new_pay", amount_fen=1_000),
        ShareTold(fund_code="800", name="医院", amount_field="hosp_part_amt", amount_fen=200),
    ),
    policy="测试@1", explanation=Raw(b"[]"), filing="",
)  # fmt: skip


def test_answer_that_adds_up_has_no_fault() -> None:
    assert fault_of(CASE, TOLD) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"case_no": "441900-2"}, "answers case"),
        ({"total_fen": 9_999}, "total"),
        ({"cash_fen": 1_801}, "are not the total"),
        ({"fund_fen": 5_001, "cash_fen": 1_799}, "shares of"),
        ({"cash_fen": -200, "account_fen": 5_000}, "below zero"),
        ({"family_account_fen": 3_001}, "relatives"),
        ({"deductible_fen": -1}, "below zero"),
    ],
)
def test_answer_that_does_not_add_up_says_where(changes: dict[str, Any], said: str) -> None:
    assert said in fault_of(CASE, replace(TOLD, **changes))


def test_one_fen_anywhere_is_a_fault() -> None:
    for name in ("total_fen", "fund_fen", "account_fen", "hospital_fen", "cash_fen"):
        for by in (-1, 1):
            assert fault_of(CASE, replace(TOLD, **{name: getattr(TOLD, name) + by}))


def test_field_that_nobody_here_knows_is_reported_as_other() -> None:
    paid = by_amount_field(shares_of(TOLD))
    assert paid == {
        AmountField.POOL: 4_000, AmountField.OTHER: 1_000, AmountField.HOSPITAL: 200,
    }  # fmt: skip


CANCEL = CancelTold(
    cancel_no="441900-9", case_no="441900-1", settlement_no="A2", told_at=AT,
    business_day=date(2026, 3, 1),
)  # fmt: skip
REVERSED = ReverseTold(case_no="441900-1", undone=True, told_at=AT)
NO, NO_LATER = Refused(code="X", text="不行。"), Refused(code="X", text="不行。", retry="later")
SILENT, UNSENT = NoAnswer(why=Why.NO_ANSWER, text=""), NoAnswer(why=Why.NOT_SENT, text="")
WORTHLESS = NoAnswer(why=Why.WORTHLESS, text="")


def status(state: CaseState, *, case: CaseTold | None = None) -> StatusTold:
    """An answer to a status question."""
    return StatusTold(case_no="441900-1", state=state, case=case, cancel=None)


@pytest.mark.parametrize(
    ("errand", "told", "settled", "first", "means"),
    [
        (Errand.SETTLE, TOLD, False, True, Happening.SETTLED),
        (Errand.SETTLE, NO, False, True, Happening.REFUSED),
        (Errand.SETTLE, SILENT, False, True, Happening.SILENT),
        (Errand.SETTLE, WORTHLESS, False, True, Happening.SILENT),
        (Errand.SETTLE, UNSENT, False, True, Happening.REFUSED),
        (Errand.SETTLE, UNSENT, False, False, Happening.SILENT),
        (Errand.SETTLE, CANCEL, False, True, Happening.SILENT),
        (Errand.CANCEL, CANCEL, True, True, Happening.CANCELLED),
        (Errand.CANCEL, NO, True, True, Happening.CANCEL_REFUSED),
        (Errand.CANCEL, UNSENT, True, True, Happening.CANCEL_REFUSED),
        (Errand.CANCEL, UNSENT, True, False, Happening.SILENT),
        (Errand.CANCEL, SILENT, True, True, Happening.SILENT),
        (Errand.REVERSE, REVERSED, False, False, Happening.UNDONE),
        (Errand.REVERSE, NO, False, False, Happening.SILENT),
        (Errand.REVERSE, NO, True, False, Happening.CANCEL_REFUSED),
        (Errand.REVERSE, NO_LATER, True, False, Happening.SILENT),
        (Errand.REVERSE, UNSENT, True, True, Happening.SILENT),
        (Errand.STATUS, status(CaseState.UNKNOWN), False, False, Happening.SILENT),
        (Errand.STATUS, status(CaseState.SETTLED), False, False, Happening.SILENT),
        (Errand.STATUS, status(CaseState.SETTLED, case=TOLD), False, False, Happening.SETTLED),
        (Errand.STATUS, status(CaseState.REVERSED), False, False, Happening.UNDONE),
        (Errand.STATUS, status(CaseState.CANCELLED), False, False, Happening.CANCELLED),
        (Errand.STATUS, NO, False, False, Happening.SILENT),
    ],
)
def test_what_an_answer_means(
    errand: Errand, told: Any, settled: bool, first: bool, means: Happening
) -> None:
    assert happened(errand, told, settled=settled, first=first)[0] is means


def test_refusal_there_is_told_in_its_own_words() -> None:
    assert refused_there(NO).code == "REGION_REFUSED"
    assert refused_there(NO_LATER).code == "REGION_REFUSED_LATER"
    assert refused_there(NO).params["text"] == "不行。"


def test_region_of_the_envelope_is_another_city_or_none() -> None:
    assert elsewhere("", "441900") == ""
    assert elsewhere("441900", "441900") == ""
    assert elsewhere("441901", "441900") == ""
    assert elsewhere("430104", "441900") == "430104"
    assert same_city("430104", "430100") and not same_city("430104", "440100")


def test_district_belongs_to_its_city_and_the_switched_off_is_not_asked() -> None:
    on = Counterpart(region="430100", name="测试", account_base=5_000_010)
    off = Counterpart(region="450100", name="测试", account_base=5_000_020, active=False)
    known = {one.region: one for one in (on, off)}
    assert counterpart_of(known, "430104") is on
    assert askable(known, "430104") is on
    for code, why in (("450100", "REGION_INACTIVE"), ("110000", "REGION_UNKNOWN")):
        refused = askable(known, code)
        assert isinstance(refused, Refusal) and refused.code == why


def test_policy_of_another_region_is_none_of_ours() -> None:
    assert told_by(told_policy("430100", "测试@1")) == "430100"
    assert told_by("441900-employee@2026") == ""


@pytest.mark.parametrize(
    ("care_type", "said", "expected"),
    [
        ("11", (None,), (False, False)),
        ("13", (), (True, False)),
        ("11", ('{"OTP_ER_REFL_FLAG":"1"}',), (True, False)),
        ("11", ('{"otp_er_refl_flag":"2"}',), (False, True)),
        ("11", ('{"OTP_ER_REFL_FLAG":"3"}',), (True, True)),
        ("21", ('{"IPT_TYPE":2}',), (True, False)),
        ("21", ('{"IPT_TYPE":"2"}', '{"IPT_TYPE":"3"}'), (False, True)),
        ("11", ("free text", '{"a":[1]}', "{"), (False, False)),
    ],
)
def test_emergency_and_referral_are_read_of_what_was_said(
    care_type: str, said: tuple[object, ...], expected: tuple[bool, bool]
) -> None:
    assert urgency(care_type, said) == expected
