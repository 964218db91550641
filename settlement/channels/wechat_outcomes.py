"""What WeChat's codes mean for us: of every code a verdict, whose turn it is, and what to say.

The only place that knows. A code is looked up in its normal form (`codes.normal`), so the spellings
of v2 and v3 share a row. What no table has is `UNKNOWN`. Order within a table: what may still
succeed, what the payer can mend, what we must mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from msgspec import Struct

from protocol.wechat.codes import RefundStatus, TradeState, normal
from settlement.payments.payment import Advice, Verdict


class Duty(Struct, frozen=True):
    """What a code asks for."""

    verdict: Verdict
    advice: Advice
    text: str


def _table(verdict: Verdict, *rows: tuple[str, Advice, str]) -> dict[str, Duty]:
    return {normal(code): Duty(verdict, advice, text) for code, advice, text in rows}


_OURS = "微信支付商户配置有误，请联系系统管理员"
_BUSY = "微信支付系统繁忙，正在查询结果，请勿重复收款"

NOT_LISTED = Duty(Verdict.UNKNOWN, Advice.NONE, "微信支付返回未知结果，正在查询，请勿重复收款")
UNREADABLE = Duty(Verdict.UNKNOWN, Advice.OPERATOR, "微信支付应答无法识别，正在查询，请勿重复收款")
NO_ANSWER = Duty(Verdict.UNKNOWN, Advice.NONE, "未收到微信支付应答，正在查询，请勿重复收款")
UNSIGNED = Duty(Verdict.UNKNOWN, Advice.OPERATOR, "微信支付应答验签失败，正在查询，请勿重复收款")
OTHER_ORDER = Duty(Verdict.UNKNOWN, Advice.COMPARE, "微信支付应答的单号与请求不符，已报警")
NOT_A_CODE = Duty(Verdict.FAILED, Advice.RESCAN, "不是微信付款码，请顾客打开微信“收付款”重新出示")
TOO_EARLY = Duty(Verdict.UNKNOWN, Advice.NONE, "支付后15秒内不能撤销，稍后自动撤销")
RECALL = Duty(Verdict.UNKNOWN, Advice.NONE, "撤销未完成，稍后自动重试")
NEVER_CAME = Duty(Verdict.SUCCESS, Advice.NONE, "微信支付没有这笔订单，且付款码已失效，未收款")
CLOSED = Duty(Verdict.SUCCESS, Advice.NONE, "订单已关闭，未收款")
WAITS_FOR_PAYER = Duty(Verdict.PAYER_ACTION, Advice.NONE, "等待患者在手机上支付")
UNDONE = Duty(Verdict.SUCCESS, Advice.NONE, "已撤销，如已扣款将原路退回")

TRADE_STATES: dict[str, Duty] = {
    TradeState.SUCCESS: Duty(Verdict.SUCCESS, Advice.NONE, "支付成功"),
    TradeState.REFUND: Duty(Verdict.SUCCESS, Advice.NONE, "支付成功，有退款"),
    TradeState.NOTPAY: Duty(Verdict.PAYER_ACTION, Advice.NONE, "等待顾客支付"),
    TradeState.USERPAYING: Duty(Verdict.PAYER_ACTION, Advice.NONE, "请顾客在手机上确认支付"),
    TradeState.ACCEPT: Duty(Verdict.UNKNOWN, Advice.NONE, "已受理，等待扣款"),
    TradeState.CLOSED: Duty(Verdict.FAILED, Advice.RESCAN, "订单已关闭，请重新收款"),
    TradeState.REVOKED: Duty(Verdict.FAILED, Advice.RESCAN, "订单已撤销，请重新收款"),
    TradeState.PAYERROR: Duty(
        Verdict.FAILED, Advice.OTHER_FUNDING, "支付失败，请顾客更换付款方式后重新出示付款码"
    ),
}

_BUSY_CODES = _table(
    Verdict.UNKNOWN,
    ("SYSTEM_ERROR", Advice.NONE, _BUSY),
    ("BANK_ERROR", Advice.NONE, "银行系统繁忙，正在查询结果，请勿重复收款"),
    ("FREQUENCY_LIMITED", Advice.NONE, _BUSY),
    ("RATELIMIT_EXCEEDED", Advice.NONE, _BUSY),
    ("RATELIMIT_EXCEED", Advice.NONE, _BUSY),
    ("FREQUENCY_LIMIT_EXCEED", Advice.NONE, _BUSY),
)
_OURS_TO_MEND = (
    "NO_AUTH", "PARAM_ERROR", "APPID_NOT_EXIST", "MCHID_NOT_EXIST", "MCH_NOT_EXISTS",
    "APPID_MCHID_NOT_MATCH", "XML_FORMAT_ERROR", "REQUIRE_POST_METHOD", "POST_DATA_EMPTY",
    "SIGN_ERROR", "LACK_PARAMS", "NOT_UTF8", "INVALID_REQUEST", "CERT_ERROR",
)  # fmt: skip
_OURS_FAILED = _table(Verdict.FAILED, *((code, Advice.OPERATOR, _OURS) for code in _OURS_TO_MEND))
_OURS_UNKNOWN = _table(Verdict.UNKNOWN, *((code, Advice.OPERATOR, _OURS) for code in _OURS_TO_MEND))

PAY: dict[str, Duty] = {
    **_BUSY_CODES,
    **_table(Verdict.PAYER_ACTION, ("USERPAYING", Advice.NONE, "请顾客在手机上确认支付")),
    **_table(
        Verdict.UNKNOWN,
        # It may be our own success: the query says so.
        ("ORDERPAID", Advice.NONE, "订单已支付，正在核对"),
        ("OUT_TRADE_NO_USED", Advice.COMPARE, "商户订单号已被使用，正在核对，已报警"),
        # Somebody else's payment may be under our number.
        ("BUYER_MISMATCH", Advice.COMPARE, "同一订单出示了不同顾客的付款码，正在核对"),
        ("TRADE_ERROR", Advice.SHOW_TEXT, "交易异常，正在查询结果"),
    ),
    **_table(
        Verdict.FAILED,
        ("AUTH_CODE_EXPIRE", Advice.RESCAN, "付款码已过期，请顾客刷新付款码后重新出示"),
        ("AUTH_CODE_EXPIRED", Advice.RESCAN, "付款码已过期，请顾客刷新付款码后重新出示"),
        ("AUTH_CODE_ERROR", Advice.RESCAN, "付款码无效或已被使用，请顾客刷新付款码后重新出示"),
        ("AUTH_CODE_INVALID", Advice.RESCAN, "不是微信付款码，请顾客打开微信“收付款”重新出示"),
        ("NOT_ENOUGH", Advice.OTHER_FUNDING, "余额不足，请顾客更换付款方式后重新出示付款码"),
        ("NOTSUPORTCARD", Advice.OTHER_FUNDING, "不支持该银行卡，请顾客更换付款方式"),
        ("NOT_SUPPORT_CARD", Advice.OTHER_FUNDING, "不支持该银行卡，请顾客更换付款方式"),
        ("ORDER_CLOSED", Advice.RESCAN, "订单已关闭，请重新收款"),
        ("ORDER_REVERSED", Advice.RESCAN, "订单已撤销，请重新收款"),
        ("RULE_LIMIT", Advice.SHOW_TEXT, "微信支付限制了本次支付"),
    ),
    **_OURS_FAILED,
}

QUERY: dict[str, Duty] = {
    **_BUSY_CODES,
    **_table(
        Verdict.UNKNOWN,
        ("ORDER_NOT_EXIST", Advice.NONE, "微信支付尚无这笔订单"),
        ("RESOURCE_NOT_EXISTS", Advice.NONE, "微信支付尚无这笔订单"),
    ),
    **_OURS_UNKNOWN,
}

UNDO: dict[str, Duty] = {
    **_BUSY_CODES,
    **_table(
        Verdict.UNKNOWN,
        ("USERPAYING", Advice.NONE, "顾客正在支付，稍后自动重试撤销"),
        ("TRADE_ERROR", Advice.NONE, "撤销未完成，稍后自动重试"),
        ("INVALID_TRANSACTION", Advice.OPERATOR, _OURS),
        # Becomes NEVER_CAME when no code can be alive any more.
        ("ORDER_NOT_EXIST", Advice.NONE, "微信支付尚无这笔订单"),
        ("RESOURCE_NOT_EXISTS", Advice.NONE, "微信支付尚无这笔订单"),
    ),
    **_table(
        Verdict.SUCCESS,
        ("ORDER_REVERSED", Advice.NONE, "订单已撤销"),
        ("ORDER_CLOSED", Advice.NONE, "订单已关闭，未收款"),
    ),
    **_table(Verdict.FAILED, ("REVERSE_EXPIRE", Advice.NONE, "已超过撤销期限，请办理退款")),
    **_OURS_UNKNOWN,
}
CLOSE: dict[str, Duty] = {
    **_BUSY_CODES,
    **_table(
        Verdict.UNKNOWN,
        ("USERPAYING", Advice.NONE, "顾客正在支付，稍后自动重试关单"),
        # Becomes NEVER_CAME when nobody can be handed the order any more.
        ("ORDER_NOT_EXIST", Advice.NONE, "微信支付尚无这笔订单"),
        ("RESOURCE_NOT_EXISTS", Advice.NONE, "微信支付尚无这笔订单"),
    ),
    **_table(Verdict.SUCCESS, ("ORDER_CLOSED", Advice.NONE, "订单已关闭，未收款")),
    **_table(Verdict.FAILED, ("ORDERPAID", Advice.NONE, "订单已支付，不能关闭，改为退款")),
    **_OURS_UNKNOWN,
}
"""Of the closing of what the payer pays on their phone: nobody can pay it then."""
NOT_KNOWN_THERE = frozenset(map(normal, ("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS")))

REFUND_STATUSES: dict[str, Duty] = {
    RefundStatus.SUCCESS: Duty(Verdict.SUCCESS, Advice.NONE, "退款成功"),
    RefundStatus.PROCESSING: Duty(Verdict.PAYER_ACTION, Advice.NONE, "退款处理中，等待银行到账"),
    # Neither given back nor refused: the payer's card is gone. Under another number it would be
    # refused, because this one still counts.
    RefundStatus.ABNORMAL: Duty(
        Verdict.PAYER_ACTION, Advice.OPERATOR, "退款异常（原卡不可用），请在微信支付商户平台处理"
    ),
    RefundStatus.CHANGE: Duty(
        Verdict.PAYER_ACTION, Advice.OPERATOR, "退款异常（原卡不可用），请在微信支付商户平台处理"
    ),
    RefundStatus.CLOSED: Duty(Verdict.FAILED, Advice.OPERATOR, "退款已关闭，请线下退款"),
    RefundStatus.REFUNDCLOSE: Duty(Verdict.FAILED, Advice.OPERATOR, "退款已关闭，请线下退款"),
}

REFUND: dict[str, Duty] = {
    **_BUSY_CODES,
    **_table(
        Verdict.UNKNOWN,
        ("BIZERR_NEED_RETRY", Advice.NONE, "退款未完成，稍后用同一退款单号重试"),
        ("INVALID_REQ_TOO_MUCH", Advice.NONE, "退款过于频繁，稍后用同一退款单号重试"),
        ("ORDER_NOT_READY", Advice.NONE, "订单处理中，稍后用同一退款单号重试"),
        ("ERROR", Advice.SHOW_TEXT, "退款业务异常，正在查询"),
        ("REFUND_FEE_MISMATCH", Advice.COMPARE, "同一退款单号金额不一致，正在核对，已报警"),
        ("RESOURCE_NOT_EXISTS", Advice.OPERATOR, "微信支付没有要退款的订单，请核对"),
        ("ORDER_NOT_EXIST", Advice.OPERATOR, "微信支付没有要退款的订单，请核对"),
    ),
    **_OURS_FAILED,
    **_table(
        Verdict.FAILED,
        ("NOT_ENOUGH", Advice.OPERATOR, "商户可用余额不足，充值后用同一退款单号重新提交"),
        ("TRADE_OVERDUE", Advice.OPERATOR, "订单已超过退款期限，请线下退款"),
        ("USER_ACCOUNT_ABNORMAL", Advice.OPERATOR, "顾客账户异常或已注销，请线下退款"),
        ("INVALID_TRANSACTIONID", Advice.OPERATOR, _OURS),
        ("INVALID_REQUEST", Advice.OPERATOR, "微信支付拒绝退款，请核对订单与已退金额"),
    ),
}

REFUND_QUERY: dict[str, Duty] = {
    **_BUSY_CODES,
    **_table(
        Verdict.UNKNOWN,
        ("REFUND_NOT_EXIST", Advice.NONE, "微信支付尚无这笔退款"),
        ("RESOURCE_NOT_EXISTS", Advice.NONE, "微信支付尚无这笔退款"),
    ),
    **_OURS_UNKNOWN,
}

MIXED: dict[str, Duty] = {
    **_BUSY_CODES,
    **_OURS_FAILED,
    **_table(
        Verdict.UNKNOWN,
        ("ALREADY_EXISTS", Advice.COMPARE, "混合订单已存在，正在核对"),
        ("ORDER_NOT_EXIST", Advice.NONE, "微信支付尚无这笔混合订单"),
        ("RESOURCE_NOT_EXISTS", Advice.NONE, "微信支付尚无这笔混合订单"),
        ("NOT_FOUND", Advice.NONE, "微信支付尚无这笔混合订单"),
    ),
    **_table(
        Verdict.FAILED,
        ("RULE_LIMIT", Advice.SHOW_TEXT, "微信支付限制了本次支付"),
        ("REQUEST_BLOCKED", Advice.OPERATOR, _OURS),
        # Fields of the order, the payer's identity, the bureau's check: the number says which.
        ("PARAM_ERROR", Advice.SHOW_TEXT, "混合订单被拒绝"),
        ("INVALID_REQUEST", Advice.SHOW_TEXT, "混合订单被拒绝"),
    ),
}
"""Of the creation of a mixed order; its queries take what failed for unknown."""

DEFINITE_RETURN_MESSAGES = ("签名错误", "缺少参数", "XML格式错误", "参数格式校验错误")
"""`return_msg` of v2 with which nothing can have been carried out; others are not."""


def of_refusal(table: Mapping[str, Duty], code: str, *, status: int) -> Duty:
    """Of a refusal in an answer. A status of 429 or from 500 on means that it may have moved,
    whatever the code says, unless it says that the payer is at it."""
    duty = table.get(normal(code), NOT_LISTED)
    uncertain = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if uncertain and duty.verdict in (Verdict.FAILED, Verdict.SUCCESS):
        return NOT_LISTED
    return duty


def of_return_message(message: str) -> Duty:
    """Of `return_code` FAIL in v2: not understood."""
    if message.startswith(DEFINITE_RETURN_MESSAGES):
        return Duty(Verdict.FAILED, Advice.OPERATOR, _OURS)
    return Duty(Verdict.UNKNOWN, Advice.OPERATOR, _BUSY)
