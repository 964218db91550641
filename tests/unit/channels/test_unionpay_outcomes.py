"""Every code of UnionPay's, in every place it may stand, is in exactly one class."""

from __future__ import annotations

import string

import pytest

from protocol.unionpay.codes import MEANINGS
from settlement.channels import unionpay_outcomes as outcomes
from settlement.payments.payment import Advice, Verdict

S, P, U, F = Verdict.SUCCESS, Verdict.PAYER_ACTION, Verdict.UNKNOWN, Verdict.FAILED
RESCAN, FUNDING, SHOW, OURS, COMPARE, NONE = (
    Advice.RESCAN, Advice.OTHER_FUNDING, Advice.SHOW_TEXT, Advice.OPERATOR, Advice.COMPARE,
    Advice.NONE,
)  # fmt: skip

# code · a payment or refund that is final · a refund that was asked · a query · a reversal
TABLE = [
    ("00", (S, NONE), (S, NONE), U, (S, NONE)),
    ("A6", (S, NONE), (S, NONE), U, (S, NONE)),
    ("70", (P, NONE), (P, NONE), U, (U, NONE)),
    ("01", (U, NONE), (U, NONE), U, (U, NONE)),
    ("02", (U, NONE), (U, NONE), U, (U, NONE)),
    ("03", (U, NONE), (U, NONE), U, (U, NONE)),
    ("04", (U, NONE), (U, NONE), U, (U, NONE)),
    ("05", (U, NONE), (U, NONE), U, (U, NONE)),
    ("06", (U, NONE), (U, NONE), U, (U, NONE)),
    ("12", (U, NONE), (U, NONE), U, (U, NONE)),
    ("34", (U, NONE), (U, NONE), U, (U, NONE)),
    ("37", (U, NONE), (U, NONE), U, (U, NONE)),
    ("42", (U, NONE), (U, NONE), U, (U, NONE)),
    ("60", (U, NONE), (U, NONE), U, (U, NONE)),
    ("74", (U, NONE), (U, NONE), U, (U, NONE)),
    ("75", (U, NONE), (U, NONE), U, (U, NONE)),
    ("99", (U, NONE), (U, NONE), U, (U, NONE)),
    ("10", (F, OURS), (F, OURS), U, (U, OURS)),
    ("11", (F, OURS), (F, OURS), U, (U, OURS)),
    ("13", (F, OURS), (F, OURS), U, (U, OURS)),
    ("31", (F, OURS), (F, OURS), U, (F, OURS)),
    ("32", (F, OURS), (F, OURS), U, (F, OURS)),
    ("43", (F, OURS), (F, OURS), U, (F, OURS)),
    ("30", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("33", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("35", (F, SHOW), (F, SHOW), U, (F, SHOW)),
    ("36", (F, COMPARE), (F, COMPARE), U, (F, COMPARE)),
    ("38", (F, SHOW), (F, SHOW), U, (U, NONE)),
    ("39", (F, OURS), (F, OURS), U, (F, SHOW)),
    ("44", (F, SHOW), (F, SHOW), U, (U, NONE)),
    ("61", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("62", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("63", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("64", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("65", (F, RESCAN), (F, SHOW), U, (U, NONE)),
    ("66", (F, SHOW), (F, SHOW), U, (U, NONE)),
    ("67", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("68", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("69", (F, RESCAN), (F, SHOW), U, (U, NONE)),
    ("73", (F, FUNDING), (F, SHOW), U, (U, NONE)),
    ("78", (F, FUNDING), (F, SHOW), U, (U, NONE)),
]
LISTED = {row[0] for row in TABLE}


@pytest.mark.parametrize(("code", "payment", "refund", "query", "reversal"), TABLE)
def test_code_is_in_one_class(
    code: str, payment: tuple[Verdict, Advice], refund: tuple[Verdict, Advice], query: Verdict,
    reversal: tuple[Verdict, Advice],
) -> None:  # fmt: skip
    said = [
        outcomes.of_transaction(code, "说明[0000000]"),
        outcomes.of_refund(code, "说明[0000000]", is_final=True),
        outcomes.of_reversal(code, is_absent=False),
    ]
    assert [(m.verdict, m.advice) for m in said] == [payment, refund, reversal]
    assert outcomes.of_query(code, "说明").verdict is query
    assert all(m.text.endswith("。") and len(m.text) < 100 for m in said)


def test_table_of_the_test_is_the_table_of_the_code() -> None:
    assert set(outcomes.TRANSACTIONS) == LISTED
    assert set(outcomes.REVERSALS) <= LISTED
    assert set(MEANINGS) >= LISTED


def test_every_other_code_is_unknown() -> None:
    letters = string.digits + string.ascii_uppercase
    others = [a + b for a in letters for b in letters if a + b not in LISTED]
    for code in ["", "0", "000", "a6", *others]:
        said = [
            outcomes.of_transaction(code, "没见过"),
            outcomes.of_payment(code, "没见过", is_final=True),
            outcomes.of_refund(code, "没见过", is_final=False),
            outcomes.of_query(code, "没见过"),
            outcomes.of_reversal(code, is_absent=True),
        ]
        assert {m.verdict for m in said} == {U}, code


def test_money_that_was_taken_is_no_failure() -> None:
    """42, 74, 75: 扣款成功 and something after it went wrong."""
    assert {outcomes.of_transaction(c, "").verdict for c in ("42", "74", "75")} == {U}


@pytest.mark.parametrize("code", ["00", "A6"])
def test_whether_00_is_final_is_a_setting(code: str) -> None:
    assert outcomes.of_payment(code, "", is_final=False).verdict is U
    assert outcomes.of_payment(code, "", is_final=True).verdict is S
    assert outcomes.of_refund(code, "", is_final=False).verdict is P
    assert outcomes.of_refund(code, "", is_final=True).verdict is S


@pytest.mark.parametrize(
    ("code", "has_address", "verdict"),
    [
        ("00", True,  P),
        ("A6", True,  P),
        ("00", False, U),
        ("12", False, U),
        ("03", False, U),
        ("34", False, U),
        ("99", True,  U),
        ("XX", True,  U),
        ("11", False, F),
        ("31", False, F),
        ("33", False, F),
    ],
)  # fmt: skip
def test_order_for_a_phone_waits_only_with_an_address(
    code: str, has_address: bool, verdict: Verdict
) -> None:
    assert outcomes.of_application(code, "", has_address=has_address).verdict is verdict


def test_codes_that_ask_for_a_fresh_qr_code_are_a_setting() -> None:
    for code in ("44", "8X"):
        meaning = outcomes.of_payment(code, "", is_final=False, rescan_codes=("44", "8X"))
        assert (meaning.verdict, meaning.advice) == (F, RESCAN)


def test_an_order_that_cannot_arrive_any_more_is_undone() -> None:
    assert outcomes.of_reversal("34", is_absent=True).verdict is S
    assert outcomes.of_reversal("34", is_absent=False).verdict is U


def test_failed_query_tells_operators_what_is_theirs() -> None:
    assert outcomes.of_query("11", "").advice is OURS
    assert outcomes.of_query("64", "").advice is NONE


def test_what_unionpay_says_is_shown_short_and_without_control_characters() -> None:
    said = outcomes.of_transaction("Z9", "余额\n不足" + "长" * 500 + "[1000052]")
    assert "Z9" in said.text and "余额 不足" in said.text
    assert "\n" not in said.text and len(said.text) < 150
    assert outcomes.shown("成功[0000000]") == "成功"
