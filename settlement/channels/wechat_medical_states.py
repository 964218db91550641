"""Half-success of a mixed order: what each pair of states means, and what is to be done.

A mixed order has two parts that succeed or fail by themselves. Whoever owns the undertaking looks a
pair up here; nothing else decides on states. Rows marked † stand in WeChat's own table, the others
follow from them: what came in alone goes back, what is under way is waited for.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from protocol.wechat.medical import MedInsPayStatus, SelfPayStatus
from settlement.payments.payment import Verdict


class Task(StrEnum):
    """What the owner of the order has to do."""

    NOTHING = "nothing"
    BOOK = "book"
    """both parts are there: the ledger"""
    WAIT = "wait"
    """ask again"""
    WAIT_THEN_REFUND_CASH = "wait_then_refund_cash"
    """ask again; at the deadline give the cash back"""
    WAIT_THEN_UNDO_INSURANCE = "wait_then_undo_insurance"
    """ask again; at the deadline take the insurance part back (6203)"""
    REFUND_CASH = "refund_cash"
    """/v3/refund/domestic/refunds"""
    UNDO_INSURANCE = "undo_insurance"
    """6203, then tell WeChat (refunds/notify)"""
    OPERATOR = "operator"
    """no pair that WeChat describes: alarm, ask again"""


class Situation(Struct, frozen=True):
    """What a pair means."""

    verdict: Verdict
    task: Task
    text: str


_UNKNOWN, _PAYER, _FAILED, _SUCCESS = (
    Verdict.UNKNOWN, Verdict.PAYER_ACTION, Verdict.FAILED, Verdict.SUCCESS,
)  # fmt: skip
_S, _M = SelfPayStatus, MedInsPayStatus

SITUATIONS: dict[tuple[str, str], Situation] = {
    pair: Situation(verdict, task, text)
    for pair, verdict, task, text in (
        ((_S.CREATED, _M.CREATED), _PAYER, Task.WAIT, "等待顾客支付"),  # †
        ((_S.CREATED, _M.SUCCESS), _PAYER, Task.WAIT_THEN_UNDO_INSURANCE,
         "医保已结算，等待自费支付"),  # †
        ((_S.CREATED, _M.FAIL), _UNKNOWN, Task.WAIT_THEN_REFUND_CASH,
         "医保结算失败，自费未支付"),
        ((_S.CREATED, _M.REFUND), _UNKNOWN, Task.WAIT_THEN_REFUND_CASH,
         "医保已退，自费未支付"),
        ((_S.CREATED, _M.NONE), _PAYER, Task.WAIT, "等待顾客支付"),
        ((_S.SUCCESS, _M.CREATED), _UNKNOWN, Task.WAIT_THEN_REFUND_CASH,
         "自费已支付，等待医保结算"),  # †
        ((_S.SUCCESS, _M.SUCCESS), _SUCCESS, Task.BOOK, "支付成功"),  # †
        ((_S.SUCCESS, _M.FAIL), _UNKNOWN, Task.REFUND_CASH,
         "医保结算失败，自费将原路退回"),  # †
        ((_S.SUCCESS, _M.REFUND), _UNKNOWN, Task.REFUND_CASH, "医保已退，自费将原路退回"),
        ((_S.SUCCESS, _M.NONE), _SUCCESS, Task.BOOK, "支付成功"),
        ((_S.FAIL, _M.CREATED), _UNKNOWN, Task.WAIT_THEN_UNDO_INSURANCE,
         "自费支付失败，等待医保结果"),
        ((_S.FAIL, _M.SUCCESS), _UNKNOWN, Task.WAIT_THEN_UNDO_INSURANCE,
         "医保已结算，自费支付失败"),  # †
        ((_S.FAIL, _M.FAIL), _FAILED, Task.NOTHING, "支付失败"),
        ((_S.FAIL, _M.REFUND), _FAILED, Task.NOTHING, "支付失败，医保已退"),
        ((_S.FAIL, _M.NONE), _FAILED, Task.NOTHING, "支付失败"),
        ((_S.REFUND, _M.CREATED), _UNKNOWN, Task.WAIT_THEN_UNDO_INSURANCE,
         "自费已退，等待医保结果"),
        ((_S.REFUND, _M.SUCCESS), _UNKNOWN, Task.UNDO_INSURANCE,
         "自费已退，医保部分需撤销"),  # †
        ((_S.REFUND, _M.FAIL), _FAILED, Task.NOTHING, "医保结算失败，自费已退"),
        ((_S.REFUND, _M.REFUND), _FAILED, Task.NOTHING, "已全部退款"),  # †
        ((_S.REFUND, _M.NONE), _FAILED, Task.NOTHING, "已退款"),
        ((_S.NONE, _M.CREATED), _PAYER, Task.WAIT, "等待医保结算"),
        ((_S.NONE, _M.SUCCESS), _SUCCESS, Task.BOOK, "医保结算成功"),
        ((_S.NONE, _M.FAIL), _FAILED, Task.NOTHING, "医保结算失败"),
        ((_S.NONE, _M.REFUND), _FAILED, Task.NOTHING, "医保已退"),
    )
}  # fmt: skip
NOT_DESCRIBED = Situation(_UNKNOWN, Task.OPERATOR, "混合订单状态无法识别，请联系系统管理员")

FAILURES = {
    "268529515": "混合订单不存在",
    "268512536": "混合订单已存在",
    "268510603": "openid 有误",
    "268510604": "openid 有误",
    "268545961": "身份证号与微信实名不符",
    "268545962": "姓名与微信实名不符",
    "268545963": "付款人未激活医保电子凭证",
    "268545964": "未绑定该亲属",
    "268547120": "授权已失效或已使用，请重新授权",
    "268545967": "授权已失效或已使用，请重新授权",
    "268510610": "医保局结算校验未通过",
    "268529477": "金额不平",
    "268529476": "金额不平",
    "268529481": "金额不平",
    "268529474": "字段组合有误",
    "268529475": "字段组合有误",
    "268560650": "输入密码后关闭",
    "268435461": "参数有误",
}
"""Number at the end of `Request-Id` of a refusal → what operators read."""


def situation_of(self_pay: str, med_ins_pay: str) -> Situation:
    """Of a pair; one that is not described is unknown."""
    return SITUATIONS.get((self_pay, med_ins_pay), NOT_DESCRIBED)
