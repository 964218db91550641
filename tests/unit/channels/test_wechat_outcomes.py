"""What WeChat's codes mean: each in exactly one class, and what is not listed is unknown."""

from __future__ import annotations

import pytest

from protocol.wechat.codes import RefundStatus, TradeState, normal
from settlement.channels import wechat_outcomes as outcomes
from settlement.channels.wechat_outcomes import Duty, of_refusal, of_return_message
from settlement.payments.payment import Advice, Verdict

UNKNOWN, PAYER, FAILED, SUCCESS = (
    Verdict.UNKNOWN, Verdict.PAYER_ACTION, Verdict.FAILED, Verdict.SUCCESS,
)  # fmt: skip
TABLES = {
    "PAY": outcomes.PAY,
    "QUERY": outcomes.QUERY,
    "UNDO": outcomes.UNDO,
    "REFUND": outcomes.REFUND,
    "REFUND_QUERY": outcomes.REFUND_QUERY,
}

# As the codes of 付款码支付 come, in v2's spelling and in v3's.
PAY_CODES = [
    ("SYSTEMERROR",       UNKNOWN, Advice.NONE),
    ("SYSTEM_ERROR",      UNKNOWN, Advice.NONE),
    ("BANKERROR",         UNKNOWN, Advice.NONE),
    ("BANK_ERROR",        UNKNOWN, Advice.NONE),
    ("FREQUENCY_LIMITED", UNKNOWN, Advice.NONE),
    ("ORDERPAID",         UNKNOWN, Advice.NONE),
    ("OUT_TRADE_NO_USED", UNKNOWN, Advice.COMPARE),
    ("BUYER_MISMATCH",    UNKNOWN, Advice.COMPARE),
    ("TRADE_ERROR",       UNKNOWN, Advice.SHOW_TEXT),
    ("USERPAYING",        PAYER,   Advice.NONE),
    ("AUTHCODEEXPIRE",    FAILED,  Advice.RESCAN),
    ("AUTH_CODE_EXPIRED", FAILED,  Advice.RESCAN),
    ("AUTH_CODE_ERROR",   FAILED,  Advice.RESCAN),
    ("AUTH_CODE_INVALID", FAILED,  Advice.RESCAN),
    ("NOTENOUGH",         FAILED,  Advice.OTHER_FUNDING),
    ("NOT_ENOUGH",        FAILED,  Advice.OTHER_FUNDING),
    ("NOTSUPORTCARD",     FAILED,  Advice.OTHER_FUNDING),
    ("ORDERCLOSED",       FAILED,  Advice.RESCAN),
    ("ORDERREVERSED",     FAILED,  Advice.RESCAN),
    ("RULELIMIT",         FAILED,  Advice.SHOW_TEXT),
    ("RULE_LIMIT",        FAILED,  Advice.SHOW_TEXT),
    ("NOAUTH",            FAILED,  Advice.OPERATOR),
    ("PARAM_ERROR",       FAILED,  Advice.OPERATOR),
    ("APPID_NOT_EXIST",   FAILED,  Advice.OPERATOR),
    ("SIGNERROR",         FAILED,  Advice.OPERATOR),
    ("INVALID_REQUEST",   FAILED,  Advice.OPERATOR),
    ("NOT_UTF8",          FAILED,  Advice.OPERATOR),
    ("SOMETHING_NEW",     UNKNOWN, Advice.NONE),
    ("",                  UNKNOWN, Advice.NONE),
]  # fmt: skip

TRADE_STATES = [
    ("SUCCESS",    SUCCESS),
    ("REFUND",     SUCCESS),
    ("NOTPAY",     PAYER),
    ("USERPAYING", PAYER),
    ("ACCEPT",     UNKNOWN),
    ("CLOSED",     FAILED),
    ("REVOKED",    FAILED),
    ("PAYERROR",   FAILED),
]  # fmt: skip

REFUND_STATUSES = [
    ("SUCCESS",     SUCCESS, Advice.NONE),
    ("PROCESSING",  PAYER,   Advice.NONE),
    ("ABNORMAL",    PAYER,   Advice.OPERATOR),
    ("CHANGE",      PAYER,   Advice.OPERATOR),
    ("CLOSED",      FAILED,  Advice.OPERATOR),
    ("REFUNDCLOSE", FAILED,  Advice.OPERATOR),
]  # fmt: skip

OTHER_CODES = [
    ("QUERY",        "ORDERNOTEXIST",       UNKNOWN),
    ("QUERY",        "NOAUTH",              UNKNOWN),
    ("UNDO",         "ORDER_NOT_EXIST",     UNKNOWN),
    ("UNDO",         "USERPAYING",          UNKNOWN),
    ("UNDO",         "SIGNERROR",           UNKNOWN),
    ("UNDO",         "ORDERREVERSED",       SUCCESS),
    ("UNDO",         "REVERSE_EXPIRE",      FAILED),
    ("REFUND",       "BIZERR_NEED_RETRY",   UNKNOWN),
    ("REFUND",       "NOTENOUGH",           FAILED),
    ("REFUND",       "TRADE_OVERDUE",       FAILED),
    ("REFUND",       "REFUND_FEE_MISMATCH", UNKNOWN),
    ("REFUND_QUERY", "REFUNDNOTEXIST",      UNKNOWN),
    ("REFUND_QUERY", "RESOURCE_NOT_EXISTS", UNKNOWN),
    ("REFUND_QUERY", "SIGNERROR",           UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(("code", "verdict", "advice"), PAY_CODES)
def test_code_of_a_payment(code: str, verdict: Verdict, advice: Advice) -> None:
    duty = of_refusal(outcomes.PAY, code, status=400)
    assert (duty.verdict, duty.advice) == (verdict, advice)


@pytest.mark.parametrize(("state", "verdict"), TRADE_STATES)
def test_trade_state(state: str, verdict: Verdict) -> None:
    assert outcomes.TRADE_STATES[state].verdict is verdict
    assert {one.value for one in TradeState} == {name for name, _ in TRADE_STATES}


@pytest.mark.parametrize(("status", "verdict", "advice"), REFUND_STATUSES)
def test_refund_status(status: str, verdict: Verdict, advice: Advice) -> None:
    duty = outcomes.REFUND_STATUSES[status]
    assert (duty.verdict, duty.advice) == (verdict, advice)
    of_bills_only = {RefundStatus.FAIL}
    assert set(RefundStatus) - of_bills_only == {name for name, _, _ in REFUND_STATUSES}


@pytest.mark.parametrize(("table", "code", "verdict"), OTHER_CODES)
def test_code_of_another_operation(table: str, code: str, verdict: Verdict) -> None:
    assert of_refusal(TABLES[table], code, status=400).verdict is verdict


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_overload_and_errors_of_the_server_never_fail_or_succeed(
    table: dict[str, Duty], status: int
) -> None:
    verdicts = {of_refusal(table, code, status=status).verdict for code in table}
    assert verdicts <= {UNKNOWN, PAYER}


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_codes_are_listed_in_their_normal_form_with_a_chinese_text(table: dict[str, Duty]) -> None:
    assert all(code == normal(code) for code in table)
    assert all(any("一" <= c <= "鿿" for c in duty.text) for duty in table.values())


def test_only_queries_of_refunds_and_payments_never_fail() -> None:
    assert {duty.verdict for duty in outcomes.QUERY.values()} == {UNKNOWN}
    assert {duty.verdict for duty in outcomes.REFUND_QUERY.values()} == {UNKNOWN}


@pytest.mark.parametrize(
    ("message", "verdict"),
    [("签名错误", FAILED), ("缺少参数total_fee", FAILED), ("系统繁忙", UNKNOWN), ("", UNKNOWN)],
)
def test_what_v2_does_not_understand(message: str, verdict: Verdict) -> None:
    assert of_return_message(message).verdict is verdict
