"""Alipay's codes: each in one class, what is in no table UNKNOWN, and what an answer then says."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.alipay import trade
from protocol.alipay.notification import TradeNotice
from settlement.channels import alipay_outcomes as outcomes
from settlement.channels.alipay_outcomes import GATEWAY, TABLES, Operation, row
from settlement.payments.payment import Advice, Verdict

S, P, U, F = Verdict.SUCCESS, Verdict.PAYER_ACTION, Verdict.UNKNOWN, Verdict.FAILED
PAID_AT = datetime(2026, 11, 25, 4, tzinfo=UTC)

MEANS = [
    (Operation.PAY,          "40004", "ACQ.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.PAY,          "40004", "AQC.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.PAY,          "40004", "ACQ.TRADE_HAS_SUCCESS",            U, Advice.NONE),
    (Operation.PAY,          "40004", "ACQ.CONTEXT_INCONSISTENT",         U, Advice.COMPARE),
    (Operation.PAY,          "40004", "ACQ.TRADE_BUYER_NOT_MATCH",        U, Advice.COMPARE),
    (Operation.PAY,          "40004", "ACQ.PAYMENT_AUTH_CODE_INVALID",    F, Advice.RESCAN),
    (Operation.PAY,          "40004", "ACQ.ILLEGAL_AUTH_CODE",            F, Advice.RESCAN),
    (Operation.PAY,          "40004", "ACQ.AUTH_CODE_INVALID_OR_EXPIRE",  F, Advice.RESCAN),
    (Operation.PAY,          "40004", "ACQ.TRADE_HAS_CLOSE",              F, Advice.RESCAN),
    (Operation.PAY,          "40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH",     F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH",
                                                                          F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.ERROR_BALANCE_PAYMENT_DISABLE", F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE",
                                                                          F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
                                                                          F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR",
                                                                          F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.TOTAL_FEE_EXCEED",             F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.PRODUCT_AMOUNT_LIMIT_ERROR",   F, Advice.OTHER_FUNDING),
    (Operation.PAY,          "40004", "ACQ.BEYOND_PAY_RESTRICTION",       F, Advice.OPERATOR),
    (Operation.PAY,          "40004", "ACQ.BEYOND_PER_RECEIPT_RESTRICTION", F, Advice.OPERATOR),
    (Operation.PAY,          "40004", "ACQ.PAYMENT_REQUEST_HAS_RISK",     F, Advice.SHOW_TEXT),
    (Operation.PAY,          "40004", "ACQ.PAYMENT_FAIL",                 F, Advice.SHOW_TEXT),
    (Operation.PAY,          "40004", "ACQ.PULL_MOBILE_CASHIER_FAIL",     F, Advice.SHOW_TEXT),
    (Operation.PAY,          "40004", "ACQ.BUYER_SELLER_EQUAL",           F, Advice.SHOW_TEXT),
    (Operation.PAY,          "40004", "ACQ.BUYER_ENABLE_STATUS_FORBID",   F, Advice.SHOW_TEXT),
    (Operation.PAY,          "40004", "ACQ.MOBILE_PAYMENT_SWITCH_OFF",    F, Advice.SHOW_TEXT),
    (Operation.PAY,          "40004", "ACQ.EXIST_FORBIDDEN_WORD",         F, Advice.OPERATOR),
    (Operation.PAY,          "40004", "ACQ.INVALID_PARAMETER",            F, Advice.OPERATOR),
    (Operation.PAY,          "40004", "ACQ.ACCESS_FORBIDDEN",             F, Advice.OPERATOR),
    (Operation.PAY,          "40004", "ACQ.PARTNER_ERROR",                F, Advice.OPERATOR),
    (Operation.PAY,          "40004", "ACQ.A_NEW_ONE",                    U, Advice.NONE),
    (Operation.PAY,          "40004", "",                                 U, Advice.NONE),
    (Operation.PAY,          "20000", "isp.unknow-error",                 U, Advice.NONE),
    (Operation.PAY,          "20000", "aop.unknow-error",                 U, Advice.NONE),
    (Operation.PAY,          "20001", "aop.invalid-auth-token",           F, Advice.OPERATOR),
    (Operation.PAY,          "40001", "isv.missing-signature",            F, Advice.OPERATOR),
    (Operation.PAY,          "40002", "isv.invalid-signature",            F, Advice.OPERATOR),
    (Operation.PAY,          "40006", "isv.insufficient-isv-permissions", F, Advice.OPERATOR),
    (Operation.PAY,          "40005", "isv.app-call-limited",             U, Advice.NONE),
    (Operation.PAY,          "99999", "",                                 U, Advice.NONE),
    (Operation.QUERY,        "40004", "ACQ.TRADE_NOT_EXIST",              U, Advice.NONE),
    (Operation.QUERY,        "40004", "ACQ.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.QUERY,        "40004", "ACQ.PAYMENT_FAIL",                 U, Advice.NONE),
    (Operation.QUERY,        "40002", "isv.invalid-signature",            U, Advice.OPERATOR),
    (Operation.UNDO,         "40004", "ACQ.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.UNDO,         "40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH",    U, Advice.OPERATOR),
    (Operation.UNDO,         "40004", "ACQ.REASON_TRADE_BEEN_FREEZEN",    U, Advice.OPERATOR),
    (Operation.UNDO,         "40004", "ACQ.TRADE_CANCEL_TIME_OUT",        F, Advice.NONE),
    (Operation.UNDO,         "40004", "ACQ.TRADE_HAS_FINISHED",           F, Advice.NONE),
    (Operation.UNDO,         "20001", "",                                 U, Advice.OPERATOR),
    (Operation.HAND,         "40004", "ACQ.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.HAND,         "40004", "ACQ.TRADE_HAS_SUCCESS",            U, Advice.NONE),
    (Operation.HAND,         "40004", "ACQ.CONTEXT_INCONSISTENT",         U, Advice.COMPARE),
    (Operation.HAND,         "40004", "ACQ.TRADE_HAS_CLOSE",              F, Advice.NONE),
    (Operation.HAND,         "40004", "ACQ.TOTAL_FEE_EXCEED",             F, Advice.OTHER_FUNDING),
    (Operation.HAND,         "40004", "ACQ.BEYOND_PAY_RESTRICTION",       F, Advice.OPERATOR),
    (Operation.HAND,         "40004", "ACQ.INVALID_PARAMETER",            F, Advice.OPERATOR),
    (Operation.HAND,         "40004", "ACQ.PAYMENT_AUTH_CODE_INVALID",    U, Advice.NONE),
    (Operation.HAND,         "40006", "isv.insufficient-isv-permissions", F, Advice.OPERATOR),
    (Operation.HAND,         "20000", "isp.unknow-error",                 U, Advice.NONE),
    (Operation.CLOSE,        "40004", "ACQ.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.CLOSE,        "40004", "ACQ.TRADE_NOT_EXIST",              U, Advice.NONE),
    (Operation.CLOSE,        "40004", "ACQ.TRADE_STATUS_ERROR",           F, Advice.NONE),
    (Operation.CLOSE,        "40004", "ACQ.REASON_TRADE_STATUS_INVALID",  F, Advice.NONE),
    (Operation.CLOSE,        "40002", "isv.invalid-signature",            U, Advice.OPERATOR),
    (Operation.REFUND,       "40004", "ACQ.SYSTEM_ERROR",                 U, Advice.NONE),
    (Operation.REFUND,       "40004", "ACQ.TRADE_HAS_CLOSE",              U, Advice.NONE),
    (Operation.REFUND,       "40004", "ACQ.DISCORDANT_REPEAT_REQUEST",    U, Advice.COMPARE),
    (Operation.REFUND,       "40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH",    F, Advice.OPERATOR),
    (Operation.REFUND,       "40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",   F, Advice.OPERATOR),
    (Operation.REFUND,       "40004", "ACQ.TRADE_STATUS_ERROR",           F, Advice.OPERATOR),
    (Operation.REFUND,       "40001", "",                                 F, Advice.OPERATOR),
    (Operation.REFUND,       "20000", "",                                 U, Advice.NONE),
    (Operation.QUERY_REFUND, "40004", "ACQ.TRADE_NOT_EXIST",              U, Advice.OPERATOR),
    (Operation.QUERY_REFUND, "40006", "",                                 U, Advice.OPERATOR),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "code", "sub_code", "verdict", "advice"), MEANS)
def test_code_means(
    operation: Operation, code: str, sub_code: str, verdict: Verdict, advice: Advice
) -> None:
    means = row(operation, code, sub_code)
    assert (means.verdict, means.advice) == (verdict, advice)


def test_every_operation_has_a_table_and_only_failures_and_doubts_are_in_it() -> None:
    assert TABLES.keys() == set(Operation)
    rows = [one for table in TABLES.values() for one in table.values()]
    assert {one.verdict for one in rows} == {U, F}
    names = [name for table in TABLES.values() for name in table]
    assert all(re.fullmatch(r"[A-Z_]+", name) for name in names)
    assert all(one.text.endswith("。") for one in rows)


@given(st.sampled_from(list(Operation)), st.text(), st.text())
def test_what_is_in_no_table_is_unknown(operation: Operation, code: str, sub_code: str) -> None:
    known = code in GATEWAY or sub_code.removeprefix("ACQ.").upper() in TABLES[operation]
    assert known or row(operation, code, sub_code).verdict is U


def test_a_query_or_an_undo_that_the_gateway_refuses_says_nothing_about_the_payment() -> None:
    for operation in (
        Operation.QUERY, Operation.UNDO, Operation.CLOSE, Operation.QUERY_REFUND,
    ):  # fmt: skip
        for code in GATEWAY:
            assert row(operation, code, "").verdict is U


PAID = trade.PayReply(
    code="10000", trade_no="T1", total_amount="88.80", receipt_amount="87.00",
    buyer_logon_id="139******00", gmt_payment="2026-11-25 12:00:00",
)  # fmt: skip


def test_payment_tells_what_was_asked_for_and_what_the_merchant_gets() -> None:
    told = outcomes.of_payment(PAID)
    assert (told.verdict, told.reference, told.payer) == (S, "T1", "139******00")
    assert (told.amount_fen, told.settled_fen, told.finished_at) == (8_880, 8_700, PAID_AT)


def test_payer_who_has_to_confirm_may_come_with_or_without_a_sub_code() -> None:
    for sub_code in (None, "", "ACQ.WHATEVER"):
        reply = trade.PayReply(code="10003", sub_code=sub_code, trade_no="T1")
        assert outcomes.of_payment(reply).verdict is P


def test_refusal_is_read_to_the_payer_in_alipays_words_only_where_it_is_about_the_payer() -> None:
    said = outcomes.of_payment(
        trade.PayReply(code="40004", sub_code="ACQ.PAYMENT_FAIL", sub_msg="支付失败")
    )
    assert (said.code, said.advice) == ("ACQ.PAYMENT_FAIL", Advice.SHOW_TEXT)
    assert said.text.endswith("（支付失败）")
    ours = outcomes.of_payment(
        trade.PayReply(code="40004", sub_code="ACQ.PARTNER_ERROR", sub_msg="应用APP_ID填写错误")
    )
    assert "APP_ID" not in ours.text


@pytest.mark.parametrize(
    ("status", "paid", "verdict", "refunded_fen"),
    [
        ("WAIT_BUYER_PAY", False, P, None),
        ("TRADE_SUCCESS",  True,  S, None),
        ("TRADE_FINISHED", True,  S, None),
        ("TRADE_CLOSED",   False, F, None),
        ("TRADE_CLOSED",   True,  F, 8_880),
        ("A_NEW_ONE",      False, U, None),
        (None,             False, U, None),
    ],
)  # fmt: skip
def test_state_of_a_trade_means(
    status: str | None, paid: bool, verdict: Verdict, refunded_fen: int | None
) -> None:
    told = outcomes.of_query(
        trade.QueryReply(
            code="10000", trade_status=status, total_amount="88.80", receipt_amount="87.00",
            send_pay_date="2026-11-25 12:00:00" if paid else None,
        )
    )  # fmt: skip
    assert (told.verdict, told.refunded_fen, told.amount_fen) == (verdict, refunded_fen, 8_880)
    assert told.settled_fen == (8_700 if paid else None)
    assert told.finished_at == (PAID_AT if paid else None)


@pytest.mark.parametrize(("may_arrive", "verdict"), [(True, U), (False, F)])
def test_payment_that_is_not_there_has_failed_once_its_code_is_dead(
    may_arrive: bool, verdict: Verdict
) -> None:
    reply = trade.QueryReply(code="40004", sub_code="ACQ.TRADE_NOT_EXIST")
    assert outcomes.of_query(reply, may_arrive=may_arrive).verdict is verdict
    busy = trade.QueryReply(code="40004", sub_code="ACQ.SYSTEM_ERROR")
    assert outcomes.of_query(busy, may_arrive=may_arrive).verdict is U


@pytest.mark.parametrize(
    ("retry_flag", "action", "verdict", "code"),
    [
        ("N",  "close",  S, "close"),
        ("N",  "refund", S, "refund"),
        ("N",  None,     S, outcomes.NO_TRADE),
        ("Y",  None,     U, "RETRY_FLAG"),
        ("Y",  "refund", U, "RETRY_FLAG"),
        (None, "close",  U, "RETRY_FLAG"),
    ],
)  # fmt: skip
def test_cancel_is_done_only_where_it_need_not_be_repeated(
    retry_flag: str | None, action: str | None, verdict: Verdict, code: str
) -> None:
    told = outcomes.of_undo(trade.CancelReply(code="10000", retry_flag=retry_flag, action=action))
    assert (told.verdict, told.code) == (verdict, code)


@pytest.mark.parametrize(
    ("fund_change", "verdict"), [("Y", S), ("N", U), (None, U)]
)
def test_refund_is_done_only_where_money_moved(fund_change: str | None, verdict: Verdict) -> None:
    told = outcomes.of_refund(
        trade.RefundReply(code="10000", fund_change=fund_change, refund_fee="30.00")
    )
    assert (told.verdict, told.refunded_fen, told.amount_fen) == (verdict, 3_000, None)


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [
        ("REFUND_SUCCESS", S, "REFUND_SUCCESS"),
        (None, U, outcomes.NOT_REFUNDED),
        ("REFUND_PROCESSING", U, "REFUND_PROCESSING"),
    ],
)
def test_refund_query_without_a_state_is_no_refund_so_far(
    status: str | None, verdict: Verdict, code: str
) -> None:
    reply = trade.RefundQueryReply(code="10000", refund_status=status, refund_amount="30.00")
    told = outcomes.of_refund_query(reply)
    assert (told.verdict, told.code) == (verdict, code)
    assert told.amount_fen == (3_000 if verdict is S else None)


@pytest.mark.parametrize(
    ("status", "out_biz_no", "refund_fee", "verdict", "refunded_fen"),
    [
        ("TRADE_SUCCESS",  "",   "",      S, None),
        ("TRADE_SUCCESS",  "R1", "30.00", S, 3_000),
        ("TRADE_CLOSED",   "R1", "88.80", S, 8_880),
        ("TRADE_CLOSED",   "",   "88.80", F, 8_880),
        ("TRADE_CLOSED",   "",   "",      F, None),
        ("WAIT_BUYER_PAY", "",   "",      P, None),
        ("A_NEW_ONE",      "",   "",      U, None),
    ],
)  # fmt: skip
def test_notice_is_about_the_refund_that_it_names_else_about_the_payment(
    status: str, out_biz_no: str, refund_fee: str, verdict: Verdict, refunded_fen: int | None
) -> None:
    told = outcomes.of_notice(
        TradeNotice(
            trade_status=status, out_biz_no=out_biz_no, refund_fee=refund_fee, total_amount="88.80"
        )
    )
    assert (told.verdict, told.refunded_fen) == (verdict, refunded_fen)


def test_amount_that_is_none_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no amount"):
        outcomes.of_query(trade.QueryReply(code="10000", total_amount="much"))


def test_order_for_a_phone_waits_only_with_an_address_that_a_browser_may_open() -> None:
    done = trade.PrecreateReply(code="10000", qr_code="https://qr.alipay.com/bax1")
    assert outcomes.of_precreate(done).verdict is P
    for address in (None, "", "javascript:alert(1)", "alipays://platformapi"):
        with pytest.raises(ValueError, match="no address"):
            outcomes.of_precreate(trade.PrecreateReply(code="10000", qr_code=address))


def test_closed_order_is_undone_and_one_that_is_not_there_is_told_apart() -> None:
    closed = outcomes.of_close(trade.CloseReply(code="10000", trade_no="T1"))
    assert (closed.verdict, closed.reference, outcomes.is_not_there(closed)) == (S, "T1", False)
    absent = outcomes.of_close(trade.CloseReply(code="40004", sub_code="ACQ.TRADE_NOT_EXIST"))
    assert (absent.verdict, outcomes.is_not_there(absent)) == (U, True)
