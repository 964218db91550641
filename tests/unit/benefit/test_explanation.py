"""What a cashier or an insured person reads about a settlement."""

from __future__ import annotations

import msgspec
import pytest

from settlement.benefit import adjudicate
from settlement.explanation import (
    CLOSURE_ZH,
    Closure,
    ExplanationStep,
    FundName,
    ratio_text,
    render_zh,
)
from settlement.person import YearToDate
from tests.unit.benefit.builders import POLICY, a_case, entitled, some_totals


def test_settlement_reads_as_numbered_sentences() -> None:
    case = a_case(
        some_totals(2_478, over_fen=104, pre_fen=130, full_fen=50),
        entitled(),
        account_balance_fen=500,
        year_to_date=YearToDate(year=2026, values={"outpatient.paid.310102": 299_000}),
    )
    policy = POLICY["employee"]
    names = {code: FundName(fund.name, fund.name_en) for code, fund in policy.funds.items()}
    benefit = adjudicate(case, policy)
    assert render_zh(benefit.explanation, names).splitlines() == [
        "1. 全自费 0.50 元",
        "2. 超限价自费 1.04 元",
        "3. 先行自付 1.30 元",
        "4. 符合政策范围金额 24.78 元",
        "5. 职工门诊统筹基金：24.78 元 × 60% → 10.00 元（受年度限额限制）",
        "6. 个人账户：可由账户支付 17.62 元，实际支付 5.00 元",
        "7. 个人现金支付 12.62 元",
    ]
    assert benefit.shares[0].process_zh("统筹") == (
        "统筹：24.78 元 × 60% → 10.00 元（受年度限额限制）"
    )


def test_deductible_and_unnamed_funds_read_well_too() -> None:
    benefit = adjudicate(
        a_case(some_totals(15_000), entitled("deductible", "11")), POLICY["deductible"]
    )
    lines = render_zh(benefit.explanation).splitlines()
    assert lines[1] == "2. 起付线尚差 100.00 元，本次计入 100.00 元"
    assert lines[2] == "3. 基金 310102：50.00 元 × 70% → 35.00 元"


def test_every_closure_has_a_text() -> None:
    assert set(CLOSURE_ZH) == set(Closure)


@pytest.mark.parametrize(
    ("ratio_bp", "text"), [(0, "0%"), (7_500, "75%"), (7_550, "75.5%"), (1, "0.01%"),
                           (10_000, "100%")]
)  # fmt: skip
def test_ratio_is_written_without_needless_zeros(ratio_bp: int, text: str) -> None:
    assert ratio_text(ratio_bp) == text


def test_step_of_a_rule_not_known_here_is_still_shown() -> None:
    step = ExplanationStep("future:1", 100, 0, 50, "说明")
    assert render_zh([step]) == "1. future:1 0.50 元（说明）"


def test_step_is_stored_as_a_short_array() -> None:
    step = ExplanationStep("share:310102", 2_478, 6_000, 1_487)
    assert msgspec.json.encode(step) == b'["share:310102",2478,6000,1487,""]'
