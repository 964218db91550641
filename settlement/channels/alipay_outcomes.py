"""From Alipay's codes to verdicts: one table an operation, and what the counter is told.

A code that is in no table is UNKNOWN. A refusal of the gateway itself (rights, parameters, keys)
means that nothing was carried out: that fails a payment or a refund, but says nothing about the
payment that a query or a cancel was about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from protocol.alipay import trade
from protocol.alipay.amounts import fen
from protocol.alipay.notification import TradeNotice
from protocol.alipay.times import instant_of
from protocol.alipay.trade import TradeStatus
from settlement.payments.payment import Advice, Outcome, Verdict


class Operation(StrEnum):
    """What was asked."""

    PAY = "pay"
    QUERY = "query"
    UNDO = "undo"
    HAND = "hand"
    CLOSE = "close"
    REFUND = "refund"
    QUERY_REFUND = "query_refund"


class Row(Struct, frozen=True):
    """What a code means."""

    verdict: Verdict
    advice: Advice
    text: str


NOT_REFUNDED = "NOT_REFUNDED"
"""Of a refund query: nothing was refunded under this number so far."""
FUND_CHANGE_N = "FUND_CHANGE_N"
"""Of a refund: this very call moved nothing, because an earlier one did or because none may."""
NO_TRADE = "NO_TRADE"
"""Of an undo: there was no payment to undo."""


def _unknown(text: str, advice: Advice = Advice.NONE) -> Row:
    return Row(Verdict.UNKNOWN, advice, text)


def _failed(advice: Advice, text: str) -> Row:
    return Row(Verdict.FAILED, advice, text)


_ASK_AGAIN = _unknown("支付宝暂未给出明确结果，系统正在查询，请勿重复收款。")
_RESCAN = _failed(Advice.RESCAN, "付款码无效或已过期，请顾客刷新付款码后重新扫码。")
_OTHER_FUNDING = _failed(Advice.OTHER_FUNDING, "付款账户不可用或余额不足，请顾客更换付款方式。")
_LIMIT = _failed(Advice.OTHER_FUNDING, "超出付款限额，请顾客更换付款方式。")
_MERCHANT_LIMIT = _failed(Advice.OPERATOR, "商户收款受限，请联系管理员，并改用其他方式收款。")
_REFUSED = _failed(Advice.SHOW_TEXT, "支付宝拒绝了本次付款，请顾客查看支付宝提示或更换付款方式。")
_OURS = _failed(Advice.OPERATOR, "支付宝接口参数或权限有误，请联系管理员，并改用其他方式收款。")
_COMPARE = _unknown("支付宝已有同号订单且内容不同，系统正在核对，请勿重复收款。", Advice.COMPARE)
_NO_BALANCE = "商户支付宝账户余额不足，请充值后重试。"

PAY: Mapping[str, Row] = {
    "SYSTEM_ERROR":                         _ASK_AGAIN,
    # It may be this very payment; the query tells.
    "TRADE_HAS_SUCCESS":                    _ASK_AGAIN,
    # A payment stands under this number, or still may.
    "CONTEXT_INCONSISTENT":                 _COMPARE,
    "TRADE_BUYER_NOT_MATCH":                _COMPARE,
    "PAYMENT_AUTH_CODE_INVALID":            _RESCAN,
    "ILLEGAL_AUTH_CODE":                    _RESCAN,
    "AUTH_CODE_INVALID_OR_EXPIRE":          _RESCAN,
    "TRADE_HAS_CLOSE":                      _RESCAN,
    "BUYER_BALANCE_NOT_ENOUGH":             _OTHER_FUNDING,
    "BUYER_BANKCARD_BALANCE_NOT_ENOUGH":    _OTHER_FUNDING,
    "ERROR_BALANCE_PAYMENT_DISABLE":        _OTHER_FUNDING,
    "NO_PAYMENT_INSTRUMENTS_AVAILABLE":     _OTHER_FUNDING,
    "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR":   _LIMIT,
    "BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR": _LIMIT,
    "ERROR_BUYER_CERTIFY_LEVEL_LIMIT":      _LIMIT,
    "PRODUCT_AMOUNT_LIMIT_ERROR":           _LIMIT,
    "TOTAL_FEE_EXCEED":                     _LIMIT,
    "BEYOND_PAY_RESTRICTION":               _MERCHANT_LIMIT,
    "BEYOND_PER_RECEIPT_RESTRICTION":       _MERCHANT_LIMIT,
    "BEYOND_PER_RECEIPT_DAY_RESTRICTION":   _MERCHANT_LIMIT,
    "BEYOND_PER_RECEIPT_SINGLE_RESTRICTION": _MERCHANT_LIMIT,
    "MERCHANT_PERM_RECEIPT_DAY_LIMIT":      _MERCHANT_LIMIT,
    "MERCHANT_PERM_RECEIPT_SINGLE_LIMIT":   _MERCHANT_LIMIT,
    "MERCHANT_PERM_RECEIPT_SUSPEND_LIMIT":  _MERCHANT_LIMIT,
    "SELLER_BEEN_BLOCKED":                  _MERCHANT_LIMIT,
    "MERCHANT_STATUS_NOT_NORMAL":           _MERCHANT_LIMIT,
    "BUYER_SELLER_EQUAL":                   _REFUSED,
    "BUYER_ENABLE_STATUS_FORBID":           _REFUSED,
    "MOBILE_PAYMENT_SWITCH_OFF":            _REFUSED,
    "USER_FACE_PAYMENT_SWITCH_OFF":         _REFUSED,
    "PULL_MOBILE_CASHIER_FAIL":             _REFUSED,
    "PAYMENT_FAIL":                         _REFUSED,
    "PAYMENT_REQUEST_HAS_RISK":             _REFUSED,
    "EXIST_FORBIDDEN_WORD":                 _OURS,
    "INVALID_PARAMETER":                    _OURS,
    "INVALID_STORE_ID":                     _OURS,
    "SELLER_NOT_EXIST":                     _OURS,
    "ACCESS_FORBIDDEN":                     _OURS,
    "PARTNER_ERROR":                        _OURS,
}  # fmt: skip
"""Why a payment was refused (sub_code without its prefix)."""

QUERY: Mapping[str, Row] = {
    "SYSTEM_ERROR":     _ASK_AGAIN,
    # While the payer's code is alive it may still arrive; see `of_query`.
    "TRADE_NOT_EXIST":  _unknown("支付宝尚未收到该笔付款，系统继续查询。"),
}  # fmt: skip
"""Why a payment could not be queried."""

_TOO_LATE = _failed(Advice.NONE, "支付宝不再受理撤销，将改为退款。")

UNDO: Mapping[str, Row] = {
    "SYSTEM_ERROR":                 _ASK_AGAIN,
    "SELLER_BALANCE_NOT_ENOUGH":    _unknown(_NO_BALANCE, Advice.OPERATOR),
    "REASON_TRADE_BEEN_FREEZEN":    _unknown("交易被支付宝冻结，请联系支付宝。", Advice.OPERATOR),
    "TRADE_CANCEL_TIME_OUT":        _TOO_LATE,
    "CANCEL_NOT_ALLOWED":           _TOO_LATE,
    "TRADE_HAS_FINISHED":           _TOO_LATE,
    "REASON_TRADE_REFUND_FEE_ERR":  _TOO_LATE,
}  # fmt: skip
"""Why an undo was refused."""

_REFUND_AMOUNT = _failed(Advice.OPERATOR, "退款金额与原交易不符，请核对已退金额。")
_REFUND_STATE = _failed(Advice.OPERATOR, "原交易状态不允许退款，请核对后线下处理。")

_ANOTHER_NUMBER = _failed(Advice.NONE, "支付宝已关闭本次订单，未收款，请重新支付。")

HAND: Mapping[str, Row] = {
    **{
        sub_code: row for sub_code, row in PAY.items()
        if row in (_ASK_AGAIN, _COMPARE, _LIMIT, _MERCHANT_LIMIT, _OURS)
    },
    "PAYMENT_REQUEST_HAS_RISK":     _REFUSED,
    "TRADE_HAS_CLOSE":              _ANOTHER_NUMBER,
}  # fmt: skip
"""Why an order was not made ready for a phone."""

_NOT_CLOSED = _failed(Advice.NONE, "支付宝未关闭该订单，正在核对是否已付款。")

CLOSE: Mapping[str, Row] = {
    "SYSTEM_ERROR":                 _ASK_AGAIN,
    # Nobody opened it; see `AlipayPhone.withdraw`.
    "TRADE_NOT_EXIST":              _unknown("顾客尚未打开支付宝订单，正在撤销。"),
    "TRADE_STATUS_ERROR":           _NOT_CLOSED,
    "REASON_TRADE_STATUS_INVALID":  _NOT_CLOSED,
    "REASON_ILLEGAL_STATUS":        _NOT_CLOSED,
    "TRADE_HAS_SUCCESS":            _NOT_CLOSED,
    "TRADE_HAS_CLOSE":              _NOT_CLOSED,
}  # fmt: skip
"""Why an order that waits for its payer was not closed: perhaps it is paid, or closed already."""

REFUND: Mapping[str, Row] = {
    "SYSTEM_ERROR":                 _ASK_AGAIN,
    # Given back whole already, perhaps by this very refund; the refund query tells.
    "TRADE_HAS_CLOSE":              _ASK_AGAIN,
    "DISCORDANT_REPEAT_REQUEST":    _unknown("同号退款金额不同，请核对。", Advice.COMPARE),
    "SELLER_BALANCE_NOT_ENOUGH":    _failed(Advice.OPERATOR, _NO_BALANCE),
    "REFUND_AMT_NOT_EQUAL_TOTAL":   _REFUND_AMOUNT,
    "REASON_TRADE_REFUND_FEE_ERR":  _REFUND_AMOUNT,
    "REFUND_FEE_ERROR":             _REFUND_AMOUNT,
    "TRADE_STATUS_ERROR":           _REFUND_STATE,
    "REASON_TRADE_STATUS_INVALID":  _REFUND_STATE,
    "REASON_TRADE_BEEN_FREEZEN":    _REFUND_STATE,
    "TRADE_NOT_ALLOW_REFUND":       _REFUND_STATE,
    "NOT_ALLOW_PARTIAL_REFUND":     _REFUND_STATE,
    "TRADE_HAS_FINISHED":           _REFUND_STATE,
    "TRADE_NOT_EXIST":              _REFUND_STATE,
    "INVALID_PARAMETER":            _failed(Advice.OPERATOR, "退款请求参数有误，请联系管理员。"),
}  # fmt: skip
"""Why a refund was refused."""

QUERY_REFUND: Mapping[str, Row] = {
    "SYSTEM_ERROR":     _ASK_AGAIN,
    "TRADE_NOT_EXIST":  _unknown("支付宝没有该笔退款的原交易，请核对。", Advice.OPERATOR),
}  # fmt: skip
"""Why a refund could not be queried."""

TABLES: Mapping[Operation, Mapping[str, Row]] = {
    Operation.PAY: PAY,
    Operation.QUERY: QUERY,
    Operation.UNDO: UNDO,
    Operation.HAND: HAND,
    Operation.CLOSE: CLOSE,
    Operation.REFUND: REFUND,
    Operation.QUERY_REFUND: QUERY_REFUND,
}

GATEWAY = frozenset({"20001", "40001", "40002", "40006"})
"""The gateway refused the call: a token's rights, a missing or wrong parameter, no rights."""

_GATEWAY_FAILS = frozenset({Operation.PAY, Operation.HAND, Operation.REFUND})
_NOT_ASKED = _unknown("支付宝接口参数或权限有误，无法查询或撤销，请联系管理员。", Advice.OPERATOR)
_PREFIXES = ("ACQ.", "AQC.")
_NOT_THERE = "TRADE_NOT_EXIST"
_NEVER_CAME = "支付宝没有该笔付款，付款码已失效，未收款。"


NOT_A_CODE = Outcome(
    verdict=Verdict.FAILED, code="NOT_AN_ALIPAY_CODE", advice=Advice.RESCAN,
    text="这不是支付宝付款码，请顾客打开支付宝付款码后重新扫码。",
)  # fmt: skip
"""Nothing was sent."""


WAITS_FOR_PAYER = Outcome(
    verdict=Verdict.PAYER_ACTION, code=TradeStatus.WAIT_BUYER_PAY,
    text="等待付款人在支付宝中付款。",
)  # fmt: skip
"""An order that a phone may open."""


def row(operation: Operation, code: str, sub_code: str) -> Row:
    """What a refusal means."""
    if code in GATEWAY:
        return _OURS if operation in _GATEWAY_FAILS else _NOT_ASKED
    if code != trade.REFUSED:
        return _ASK_AGAIN
    return TABLES[operation].get(_bare(sub_code), _ASK_AGAIN)


def of_payment(reply: trade.PayReply) -> Outcome:
    """What became of alipay.trade.pay. ValueError where an amount or a time is none."""
    if reply.code == trade.DONE:
        return Outcome(
            verdict=Verdict.SUCCESS, code=reply.code, text="收款成功。",
            reference=reply.trade_no or "", amount_fen=_fen(reply.total_amount),
            settled_fen=_fen(reply.receipt_amount), payer=reply.buyer_logon_id or "",
            finished_at=_instant(reply.gmt_payment),
        )  # fmt: skip
    if reply.code == trade.WAITING:
        return Outcome(
            verdict=Verdict.PAYER_ACTION, code=reply.code, reference=reply.trade_no or "",
            text="等待顾客在手机上确认付款。",
        )  # fmt: skip
    return _refused(Operation.PAY, reply)


def of_query(reply: trade.QueryReply, *, may_arrive: bool = True) -> Outcome:
    """What alipay.trade.query tells of a payment. ValueError as above.

    `may_arrive`: the payer's code may still be alive, so that what is not there may come yet.
    A closed trade collects nothing and never will, whether it was never paid, undone, or given
    back whole: FAILED. Where money had moved and went back, `refunded_fen` says so.
    """
    if reply.code == trade.REFUSED and _bare(reply.sub_code or "") == _NOT_THERE and not may_arrive:
        return Outcome(verdict=Verdict.FAILED, code=reply.sub_code or "", text=_NEVER_CAME)
    if reply.code != trade.DONE:
        return _refused(Operation.QUERY, reply)
    verdict, text = _state(reply.trade_status or "")
    was_paid = reply.send_pay_date is not None
    closed = reply.trade_status == TradeStatus.TRADE_CLOSED
    amount_fen = _fen(reply.total_amount)
    return Outcome(
        verdict=verdict, code=reply.trade_status or "", text=text, reference=reply.trade_no or "",
        amount_fen=amount_fen, payer=reply.buyer_logon_id or "",
        settled_fen=_fen(reply.receipt_amount) if was_paid else None,
        refunded_fen=amount_fen if closed and was_paid else None,
        finished_at=_instant(reply.send_pay_date),
    )  # fmt: skip


def of_undo(reply: trade.CancelReply) -> Outcome:
    """What became of alipay.trade.cancel."""
    if reply.code != trade.DONE:
        return _refused(Operation.UNDO, reply)
    if reply.retry_flag != "N":
        return Outcome(
            verdict=Verdict.UNKNOWN, code="RETRY_FLAG", text="撤销尚未完成，系统将再次撤销。",
            reference=reply.trade_no or "",
        )  # fmt: skip
    return Outcome(
        verdict=Verdict.SUCCESS, code=reply.action or NO_TRADE, reference=reply.trade_no or "",
        text="已撤销，顾客未付款或款项已退回。",
    )  # fmt: skip


def of_precreate(reply: trade.PrecreateReply) -> Outcome:
    """What became of alipay.trade.precreate. ValueError where its address is none."""
    if reply.code != trade.DONE:
        return _refused(Operation.HAND, reply)
    if not (reply.qr_code or "").startswith(("https://", "http://")):
        raise ValueError("no address in qr_code")
    return WAITS_FOR_PAYER


def of_close(reply: trade.CloseReply) -> Outcome:
    """What became of alipay.trade.close."""
    if reply.code != trade.DONE:
        return _refused(Operation.CLOSE, reply)
    return Outcome(
        verdict=Verdict.SUCCESS, code=trade.CancelAction.CLOSE, reference=reply.trade_no or "",
        text="已关闭，顾客未付款。",
    )  # fmt: skip


def of_not_closed(found: Outcome) -> Outcome:
    """What a query means for an order that was not closed: paid, it is to be refunded; closed
    before, it is undone; anything else says nothing."""
    match found.verdict:
        case Verdict.SUCCESS:
            return replace(found, verdict=Verdict.FAILED, text=_NOT_CLOSED.text)
        case Verdict.FAILED:
            return replace(found, verdict=Verdict.SUCCESS, text="已关闭，未收款或款项已退回。")
        case _:
            return replace(found, verdict=Verdict.UNKNOWN)


def is_not_there(outcome: Outcome) -> bool:
    """Whether Alipay knows no such trade."""
    return _bare(outcome.code) == _NOT_THERE


def of_refund(reply: trade.RefundReply) -> Outcome:
    """What became of alipay.trade.refund. ValueError as above."""
    if reply.code != trade.DONE:
        return _refused(Operation.REFUND, reply)
    refunded_fen = _fen(reply.refund_fee)
    if reply.fund_change != "Y":
        return Outcome(
            verdict=Verdict.UNKNOWN, code=FUND_CHANGE_N, reference=reply.trade_no or "",
            text="本次退款未发生资金变动，系统正在查询退款结果。", refunded_fen=refunded_fen,
        )  # fmt: skip
    return Outcome(
        verdict=Verdict.SUCCESS, code=reply.code, text="退款成功。",
        reference=reply.trade_no or "", refunded_fen=refunded_fen,
        finished_at=_instant(reply.gmt_refund_pay),
    )  # fmt: skip


def of_refund_query(reply: trade.RefundQueryReply) -> Outcome:
    """What alipay.trade.fastpay.refund.query tells. ValueError as above.

    Not refunded so far is UNKNOWN and not FAILED: a request that is still under way may arrive.
    Sent again under its number the refund is carried out once.
    """
    if reply.code != trade.DONE:
        return _refused(Operation.QUERY_REFUND, reply)
    if reply.refund_status != trade.REFUND_SUCCESS:
        return Outcome(
            verdict=Verdict.UNKNOWN, code=reply.refund_status or NOT_REFUNDED,
            text="支付宝尚未退款，系统将以原退款单号再次发起。", reference=reply.trade_no or "",
        )  # fmt: skip
    return Outcome(
        verdict=Verdict.SUCCESS, code=reply.refund_status, text="退款成功。",
        reference=reply.trade_no or "", amount_fen=_fen(reply.refund_amount),
        finished_at=_instant(reply.gmt_refund_pay),
    )  # fmt: skip


def of_notice(notice: TradeNotice) -> Outcome:
    """What a notification tells: of the refund where it names one, else of the payment.
    ValueError as above."""
    refunded_fen = _fen(notice.refund_fee)
    if notice.out_biz_no and refunded_fen:
        return Outcome(
            verdict=Verdict.SUCCESS, code=notice.trade_status, text="退款成功。",
            reference=notice.trade_no, refunded_fen=refunded_fen,
            finished_at=_instant(notice.gmt_refund),
        )  # fmt: skip
    verdict, text = _state(notice.trade_status)
    return Outcome(
        verdict=verdict, code=notice.trade_status, text=text, reference=notice.trade_no,
        amount_fen=_fen(notice.total_amount), settled_fen=_fen(notice.receipt_amount),
        refunded_fen=refunded_fen, payer=notice.buyer_logon_id,
        finished_at=_instant(notice.gmt_payment),
    )  # fmt: skip


def broken(code: str, *, advice: Advice = Advice.NONE) -> Outcome:
    """Nothing that can be believed came back; `code` says what broke."""
    return Outcome(verdict=Verdict.UNKNOWN, code=code, advice=advice, text=_ASK_AGAIN.text)


def _refused(operation: Operation, reply: trade.TradeReply) -> Outcome:
    sub_code = reply.sub_code or ""
    means = row(operation, reply.code, sub_code)
    said = f"（{reply.sub_msg}）" if reply.sub_msg and means.advice is Advice.SHOW_TEXT else ""
    return Outcome(
        verdict=means.verdict, code=sub_code or reply.code, text=f"{means.text}{said}",
        advice=means.advice, reference=reply.trade_no or "",
    )  # fmt: skip


def _state(trade_status: str) -> tuple[Verdict, str]:
    match trade_status:
        case TradeStatus.TRADE_SUCCESS | TradeStatus.TRADE_FINISHED:
            return Verdict.SUCCESS, "收款成功。"
        case TradeStatus.WAIT_BUYER_PAY:
            return Verdict.PAYER_ACTION, "等待顾客在手机上确认付款。"
        case TradeStatus.TRADE_CLOSED:
            return Verdict.FAILED, "交易已关闭，未收款。"
        case _:
            return Verdict.UNKNOWN, _ASK_AGAIN.text


def _bare(sub_code: str) -> str:
    return next((sub_code[4:] for one in _PREFIXES if sub_code.startswith(one)), sub_code).upper()


def _fen(text: str | None) -> int | None:
    return fen(text) if text else None


def _instant(text: str | None) -> datetime | None:
    return instant_of(text) if text else None
