"""What UnionPay's codes mean for us: verdict, advice, and words for the counter.

A code that is not here is `UNKNOWN`. The official list was not at hand, so a code stands among the
failures only where its meaning leaves no doubt that no money moved. 42, 74 and 75 speak of money
that was taken and are no failures. docs/reference/channels/unionpay.md says what is uncertain.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from protocol.unionpay.codes import (
    ACCEPTED,
    MEANINGS,
    NO_SUCH_TRANSACTION,
    PARTLY_FLAWED,
)
from settlement.payments.payment import Advice, Verdict


class Meaning(NamedTuple):
    """What a code means for whoever asked."""

    verdict: Verdict
    advice: Advice
    text: str


def _unknown(text: str, advice: Advice = Advice.NONE) -> Meaning:
    return Meaning(Verdict.UNKNOWN, advice, text)


def _failed(advice: Advice, text: str) -> Meaning:
    return Meaning(Verdict.FAILED, advice, text)


_ASKING = "银联尚未确认结果，正在查询。"
_OTHER_CARD = "请付款人更换银行卡或付款方式。"
_OURS = "商户配置有误，请联系系统管理员。"

TRANSACTIONS: dict[str, Meaning] = {
    ACCEPTED: Meaning(Verdict.SUCCESS, Advice.NONE, "交易成功。"),
    PARTLY_FLAWED: Meaning(Verdict.SUCCESS, Advice.NONE, "交易成功（银联标记为有缺陷的成功）。"),

    "70": Meaning(Verdict.PAYER_ACTION, Advice.NONE, "请付款人在手机上确认或输入密码。"),

    "01": _unknown(_ASKING),
    "02": _unknown("银联系统暂停服务，正在确认结果。"),
    "03": _unknown(_ASKING),
    "04": _unknown(_ASKING),
    "05": _unknown("银联已受理，正在等待结果。"),
    "06": _unknown("银联系统繁忙，正在确认结果。"),
    "12": _unknown("银联提示交易重复，正在查询原交易。"),
    NO_SUCH_TRANSACTION: _unknown("银联尚未收到这笔交易，正在继续查询。"),
    "37": _unknown("查询过于频繁，稍后再查。"),
    "42": _unknown("银联提示已扣款但超时，正在确认结果。"),
    "60": _unknown(_ASKING),
    "74": _unknown("银联提示已扣款、销账不明，正在确认结果。"),
    "75": _unknown("银联提示已扣款、销账失败，正在确认结果。"),
    "99": _unknown(_ASKING),

    "10": _failed(Advice.OPERATOR, f"报文格式有误。{_OURS}"),
    "11": _failed(Advice.OPERATOR, f"签名未通过银联验证。{_OURS}"),
    "13": _failed(Advice.OPERATOR, f"报文缺少要素。{_OURS}"),
    "31": _failed(Advice.OPERATOR, f"商户状态异常。{_OURS}"),
    "32": _failed(Advice.OPERATOR, f"商户没有该交易权限。{_OURS}"),
    "43": _failed(Advice.OPERATOR, f"商户没有该业务权限。{_OURS}"),
    "30": _failed(Advice.OTHER_FUNDING, f"交易未通过。{_OTHER_CARD}"),
    "33": _failed(Advice.OTHER_FUNDING, f"金额超过限额。{_OTHER_CARD}"),
    "35": _failed(Advice.SHOW_TEXT, "原交易不存在或状态不允许该操作，请核对原交易。"),
    "36": _failed(Advice.COMPARE, "与原交易信息不一致，请核对原交易。"),
    "38": _failed(Advice.SHOW_TEXT, f"交易被银联风险控制拒绝。{_OTHER_CARD}"),
    "39": _failed(Advice.OPERATOR, "交易不在受理时间内，请检查服务器时间后重新收款。"),
    "44": _failed(Advice.SHOW_TEXT, "付款码有误或业务未开通，请付款人核对。"),
    "61": _failed(Advice.OTHER_FUNDING, f"卡号无效。{_OTHER_CARD}"),
    "62": _failed(Advice.OTHER_FUNDING, f"发卡行不支持本商户。{_OTHER_CARD}"),
    "63": _failed(Advice.OTHER_FUNDING, f"银行卡状态异常。{_OTHER_CARD}"),
    "64": _failed(Advice.OTHER_FUNDING, f"余额不足。{_OTHER_CARD}"),
    "65": _failed(Advice.RESCAN, "密码或有效期有误，请付款人刷新付款码后重试。"),
    "66": _failed(Advice.SHOW_TEXT, f"持卡人信息核对不符。{_OTHER_CARD}"),
    "67": _failed(Advice.OTHER_FUNDING, f"密码错误次数过多。{_OTHER_CARD}"),
    "68": _failed(Advice.OTHER_FUNDING, f"银行卡不支持该业务。{_OTHER_CARD}"),
    "69": _failed(Advice.RESCAN, "付款人输入超时，请刷新付款码重新出示。"),
    "73": _failed(Advice.OTHER_FUNDING, f"银行卡已过期。{_OTHER_CARD}"),
    "78": _failed(Advice.OTHER_FUNDING, f"发卡行限制该卡交易。{_OTHER_CARD}"),
}  # fmt: skip
"""respCode of a payment, void or refund where it is final, and origRespCode of a query."""

ACCEPTANCES = frozenset({ACCEPTED, PARTLY_FLAWED})
REVERSALS: dict[str, Meaning] = {
    ACCEPTED: Meaning(Verdict.SUCCESS, Advice.NONE, "已冲正，款项未收取或已退回。"),
    PARTLY_FLAWED: Meaning(Verdict.SUCCESS, Advice.NONE, "已冲正（银联标记为有缺陷的成功）。"),

    "10": _unknown(f"冲正报文格式有误。{_OURS}", Advice.OPERATOR),
    "11": _unknown(f"冲正签名未通过银联验证。{_OURS}", Advice.OPERATOR),
    "13": _unknown(f"冲正报文缺少要素。{_OURS}", Advice.OPERATOR),
    NO_SUCH_TRANSACTION: _unknown("银联尚未收到原交易，将再次冲正。"),

    "31": _failed(Advice.OPERATOR, f"商户状态异常，不能冲正；请查询后退货。{_OURS}"),
    "32": _failed(Advice.OPERATOR, f"商户没有冲正权限；请查询后退货。{_OURS}"),
    "35": _failed(Advice.SHOW_TEXT, "原交易状态不允许冲正，请查询；如已支付请退货。"),
    "36": _failed(Advice.COMPARE, "与原交易信息不一致，不能冲正；请查询后退货。"),
    "39": _failed(Advice.SHOW_TEXT, "已过冲正时间，请查询；如已支付请退货。"),
    "43": _failed(Advice.OPERATOR, f"商户没有冲正权限；请查询后退货。{_OURS}"),
}  # fmt: skip
"""respCode of a reversal. A failure means: ask what became of it, and refund what was paid."""

UNDONE_ABSENT = Meaning(
    Verdict.SUCCESS, Advice.NONE, "银联没有收到这笔交易，款项未收取。"
)  # fmt: skip
"""What UnionPay does not know, or says has failed, when it is too late for it to arrive."""
REVERSED = _unknown("已冲正的交易不再查询，请在银联商户平台核对。", Advice.OPERATOR)
"""What a query says after a reversal is not documented."""
CLEARING_DAY_OVER = _failed(
    Advice.SHOW_TEXT, "已过清算日（23:00），不能冲正，请查询；如已支付请退货。"
)

PAY_TAKEN = _unknown("银联已受理，正在等待支付结果。")
WAITS_FOR_PAYER = Meaning(Verdict.PAYER_ACTION, Advice.NONE, "等待付款人在云闪付中付款。")
"""An order that a phone may open."""
NO_ADDRESS = _unknown("银联未给出付款地址，正在确认结果，请稍后重新支付。")
STILL_PAID = _failed(Advice.NONE, "银联提示该订单已付款，将改为退货。")
STILL_OPEN = _failed(
    Advice.SHOW_TEXT, "付款地址在有效期内仍可付款，不能关闭；请在云闪付中继续付款。"
)
EXPIRED_UNPAID = Meaning(Verdict.SUCCESS, Advice.NONE, "付款地址已过期，款项未收取。")
REFUND_TAKEN = Meaning(Verdict.PAYER_ACTION, Advice.NONE, "银联已受理，退款处理中。")
"""A 00 that is not final."""

UNFIT_ORDER_NO = _failed(Advice.OPERATOR, "订单号须为 8 至 32 位字母或数字，未发送。")
UNFIT_AMOUNT = _failed(Advice.OPERATOR, "金额不在银联可受理的范围内，未发送。")
NOT_A_QR_CODE = _failed(Advice.RESCAN, "不是银联付款码，请付款人出示银联付款码。")
"""Not sent."""

RESCAN = _failed(Advice.RESCAN, "付款码已失效，请付款人刷新后重新出示。")

_ADVICE_TO_PAYERS = frozenset({Advice.RESCAN, Advice.OTHER_FUNDING})
_TEXT_LENGTH_MAX = 100
_TAIL = re.compile(r"\s*\[[0-9A-Za-z]*\]\s*$")
"""respMsg ends in a seven-digit code in brackets."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def of_transaction(code: str, message: str, *, rescan_codes: Collection[str] = ()) -> Meaning:
    """What became of a payment, void or refund, by a code that is final."""
    if code in rescan_codes:
        return RESCAN
    return TRANSACTIONS.get(code) or _unlisted(code, message)


def of_payment(
    code: str, message: str, *, is_final: bool, rescan_codes: Collection[str] = ()
) -> Meaning:
    """The answer to a payment."""
    if code in ACCEPTANCES and not is_final:
        return PAY_TAKEN
    return of_transaction(code, message, rescan_codes=rescan_codes)


def of_application(code: str, message: str, *, has_address: bool) -> Meaning:
    """The answer to 申请二维码."""
    if code in ACCEPTANCES:
        return WAITS_FOR_PAYER if has_address else NO_ADDRESS
    return of_transaction(code, message)


def of_refund(code: str, message: str, *, is_final: bool) -> Meaning:
    """The answer to a void or a refund, or what a query says of one."""
    if code in ACCEPTANCES and not is_final:
        return REFUND_TAKEN
    meaning = of_transaction(code, message)
    if meaning.verdict is Verdict.FAILED and meaning.advice in _ADVICE_TO_PAYERS:
        # No payer stands there with another card.
        return _failed(Advice.SHOW_TEXT, f"银联拒绝退款（{MEANINGS[code]}），请转人工退款。")
    return meaning


def of_query(code: str, message: str) -> Meaning:
    """An answer to a query that did not work: nothing is known about what was asked."""
    listed = TRANSACTIONS.get(code)
    if listed is None or listed.verdict is Verdict.SUCCESS:
        return _unlisted(code, message)
    if listed.verdict is Verdict.UNKNOWN:
        return listed
    advice = listed.advice if listed.advice is Advice.OPERATOR else Advice.NONE
    return _unknown(f"查询未成功：{listed.text}", advice)


def of_reversal(code: str, *, is_absent: bool) -> Meaning:
    """The answer to a reversal. `is_absent`: the payment cannot arrive any more."""
    if code == NO_SUCH_TRANSACTION and is_absent:
        return UNDONE_ABSENT
    if code in REVERSALS:
        return REVERSALS[code]
    return _unknown(f"冲正尚未确认（应答码 {shown(code)}），将再次冲正。")


def shown(text: str) -> str:
    """What came from outside, fit to be read: short, without control characters."""
    return _CONTROL.sub(" ", _TAIL.sub("", text))[:_TEXT_LENGTH_MAX]


def _unlisted(code: str, message: str) -> Meaning:
    known = MEANINGS.get(code) or shown(message)
    return _unknown(f"银联返回应答码 {shown(code)}（{known}），正在确认结果。")
