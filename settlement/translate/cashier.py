"""What stands of an order, in the words of the payer who looks at it on their own phone.

Names no person and nothing medical: whoever has the link sees where it is paid, and how much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from ledger.money import yuan_text
from protocol.cashier import (
    CashierCall,
    CashierPart,
    CashierStanding,
    CashierState,
    CashierWay,
)
from protocol.scan import PhoneCall
from settlement.deposit import used_by
from settlement.payments.payment import ChannelName, Handed
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Attempt, State, Way, phone_until
from settlement.usecases.payment_payloads import Plan

CHANNEL_ZH = {
    ChannelName.WECHAT: "微信支付", ChannelName.ALIPAY: "支付宝", ChannelName.UNIONPAY: "云闪付",
}  # fmt: skip
"""How a channel is called on the page."""

_AMOUNT_ZH: Mapping[CashierStanding, str] = {
    "paid": "本次已付", "refunded": "本次已付", "closed": "本单金额",
}  # fmt: skip
"""What the amount is, where it is not to be paid any more."""


class _Told(Struct, frozen=True):
    state: CashierStanding
    title: str
    hint: str


_CHOOSE = _Told("choose", "待支付", "请选择支付方式。")
_AGAIN = _Told("choose", "支付未成功", "未收取款项，请重新支付，或到窗口出示付款码。")
_PAYING = _Told("paying", "等待支付", "请在打开的付款窗口中完成支付；未打开时可再次点按支付。")
_AT_COUNTER = _Told("checking", "窗口正在收款", "窗口已扫描付款码，请以窗口告知的结果为准。")
_CHANGING = _Told("checking", "正在更换支付方式", "正在关闭上一笔订单，请稍候，请勿重复付款。")
_CHECKING = _Told("checking", "正在确认支付结果", "请勿重复付款，结果会自动显示。")
_LATE = _Told("closing", "已超过支付时间", "本单正在关闭，请到窗口重新办理。")
_CLOSING = _Told("closing", "正在关闭本单", "如已付款将原路退回，请勿再次付款。")
_PAID = _Told("paid", "支付成功", "可以离开本页。凭证以窗口或自助机打印的为准。")
_CLOSED = _Told("closed", "本单已关闭", "未收取任何款项，请到窗口重新办理。")
_GOES_BACK = _Told("closed", "本单已关闭", "收到的款项将自动原路退回。")
_REFUNDED = _Told("refunded", "已办理退款", "款项原路退回，到账时间以付款渠道的通知为准。")


def shown(
    fact: PaymentFact, plan: Plan, *, institution: str, ways: Sequence[CashierWay], now: datetime
) -> CashierState:
    """The page of an order; `ways` are those that are open to its institution."""
    until = phone_until(fact.events) or now
    left = max(0, int((until - now).total_seconds()))
    told = _told(fact, is_late=not left)
    payable = told.state in ("choose", "paying")
    return CashierState(
        state=told.state, title=told.title, hint=told.hint, institution=institution,
        amount=yuan_text(fact.row.amount_fen),
        amount_name=_AMOUNT_ZH.get(told.state, "本次应付"), parts=_parts(plan),
        ways=ways if payable else (), seconds_left=left if payable else 0,
    )  # fmt: skip


def opened_with(channel: ChannelName, handed: Handed) -> CashierCall:
    """How the phone opens an order that was handed to it."""
    if handed.url:
        return CashierCall(channel=channel.value, kind="open", url=handed.url)
    return CashierCall(channel=channel.value, kind="jsapi", jsapi=PhoneCall(**handed.call))


def _told(fact: PaymentFact, *, is_late: bool) -> _Told:
    now = fact.standing
    match now.state:
        case State.WAITING:
            if is_late:
                return _LATE
            return _AGAIN if now.attempts else _CHOOSE
        case State.COLLECTING | State.CONFIRMING:
            return _of_attempt(now.attempt)
        case State.CHANGING:
            return _CHANGING
        case State.UNDOING:
            return _CLOSING
        case State.SETTLED:
            return _REFUNDED if now.taken_back else _PAID
        case State.CLOSED:
            return _GOES_BACK if fact.returns else _CLOSED
        case _:
            return _CHECKING


def _of_attempt(attempt: Attempt | None) -> _Told:
    """Handed to a phone it can be opened again; a scanned code is the counter's matter."""
    if attempt is None:
        return _CHECKING
    return _PAYING if attempt.way is Way.PHONE else _AT_COUNTER


def _parts(plan: Plan) -> tuple[CashierPart, ...]:
    row = plan.settlement
    if row is None:
        return ()
    named = (
        ("费用总额", row.total_fen),
        ("医保基金支付", row.fund_fen),
        ("个人账户支付", row.account_fen - row.family_account_fen),
        ("家庭共济支付", row.family_account_fen),
        ("医院负担", row.hospital_fen),
        ("预交金抵扣", used_by(plan.events)),
    )
    return tuple(CashierPart(name=name, amount=yuan_text(fen)) for name, fen in named if fen)
