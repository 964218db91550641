"""What answers of one-code payment mean: every code in one of four classes, the rest unknown."""

from __future__ import annotations

from collections.abc import Mapping

from protocol import onecode
from protocol.onecode import PayReply, RefundReply, RefundState, State
from settlement.payments.payment import Advice, Outcome, Verdict

OTHER_ORDER = "OTHER_ORDER"
ABSENT = "ORDER_NOT_EXIST"
CONFLICT = "ORDER_CONFLICT"
TOO_LATE = "UNDO_TOO_LATE"
REFUND_REFUSED = "REFUND_REFUSED"
ABSENT_REFUND = "REFUND_NOT_EXIST"

SHOW_A_WALLET = "请出示微信、支付宝或银联（云闪付）付款码"
_REFRESH = "请参保人刷新医保码，或出示其他付款码"

_REFUSED: Mapping[str, tuple[str, Advice]] = {
    "NOT_SIGNED":     (f"参保人未开通医保码付款，{SHOW_A_WALLET}", Advice.OTHER_FUNDING),
    "CODE_EXPIRED":   (f"医保码已过期，{_REFRESH}", Advice.RESCAN),
    "CODE_USED":      (f"医保码已使用过，{_REFRESH}", Advice.RESCAN),
    "CODE_UNKNOWN":   (f"不是有效的医保码，{_REFRESH}", Advice.RESCAN),
    "NOT_ENOUGH":     (f"余额不足，{SHOW_A_WALLET}", Advice.OTHER_FUNDING),
    "RISK":           ("付款被风控拒绝，请更换付款方式", Advice.OTHER_FUNDING),
    "ORDER_CLOSED":   ("本次付款已关闭", Advice.NONE),
    "SIGN_ERROR":     ("", Advice.OPERATOR),
    "MERCHANT_UNKNOWN": ("", Advice.OPERATOR),
    "PARAM_ERROR":    ("", Advice.OPERATOR),
}  # fmt: skip
"""Of a payment: refused for good, nothing moved."""

NOT_A_CODE = Outcome(
    verdict=Verdict.FAILED, code="NOT_A_CODE", text=f"不是医保码，{SHOW_A_WALLET}",
    advice=Advice.RESCAN,
)  # fmt: skip
"""Refused by ourselves; nothing was sent."""

_STATES: Mapping[str, Verdict] = {
    State.PAID: Verdict.SUCCESS,
    State.PAYING: Verdict.PAYER_ACTION,
    State.FAILED: Verdict.FAILED,
    State.CLOSED: Verdict.FAILED,
}
_REFUND_STATES: Mapping[str, Verdict] = {
    RefundState.DONE: Verdict.SUCCESS,
    RefundState.PROCESSING: Verdict.PAYER_ACTION,
    RefundState.FAILED: Verdict.FAILED,
}


def broken(code: str, *, advice: Advice = Advice.NONE) -> Outcome:
    """No answer that can be believed."""
    return Outcome(verdict=Verdict.UNKNOWN, code=code, advice=advice)


def of_payment(reply: PayReply) -> Outcome:
    """Of `PAY`."""
    if reply.code == onecode.DONE:
        return _of_state(reply)
    if reply.code == CONFLICT:
        return broken(reply.code, advice=Advice.COMPARE)
    known = _REFUSED.get(reply.code)
    if known is None:
        return broken(reply.code)
    text, advice = known
    return Outcome(verdict=Verdict.FAILED, code=reply.code, text=text, advice=advice)


def of_query(reply: PayReply) -> Outcome:
    """Of `QUERY`. A payment that is not known there may still arrive."""
    if reply.code == onecode.DONE:
        return _of_state(reply)
    return broken(reply.code, advice=_advice(reply.code))


def of_undo(reply: PayReply) -> Outcome:
    """Of `UNDO`."""
    if reply.code == onecode.DONE:
        return Outcome(verdict=Verdict.SUCCESS, code=reply.code, reference=reply.tradeNo)
    if reply.code == TOO_LATE:
        return Outcome(verdict=Verdict.FAILED, code=reply.code)
    return broken(reply.code, advice=_advice(reply.code))


def of_refund(reply: RefundReply) -> Outcome:
    """Of `REFUND` and `REFUND_QUERY`."""
    if reply.code == REFUND_REFUSED:
        return Outcome(
            verdict=Verdict.FAILED, code=reply.code, text=reply.message, advice=Advice.SHOW_TEXT
        )
    if reply.code != onecode.DONE:
        return broken(reply.code, advice=_advice(reply.code))
    verdict = _REFUND_STATES.get(reply.state, Verdict.UNKNOWN)
    return Outcome(
        verdict=verdict, code=reply.state, reference=reply.refundId, amount_fen=reply.refundFen
    )


def _of_state(reply: PayReply) -> Outcome:
    verdict = _STATES.get(reply.state, Verdict.UNKNOWN)
    if verdict is Verdict.SUCCESS and reply.totalFen is None:
        return broken("NO_AMOUNT")
    return Outcome(
        verdict=verdict, code=reply.state, text=_TEXTS.get(reply.state, ""),
        advice=Advice.OTHER_FUNDING if verdict is Verdict.FAILED else Advice.NONE,
        reference=reply.tradeNo, amount_fen=reply.totalFen, settled_fen=reply.totalFen,
        refunded_fen=reply.refundedFen,
    )  # fmt: skip


def _advice(code: str) -> Advice:
    known = _REFUSED.get(code)
    return Advice.OPERATOR if known is not None and known[1] is Advice.OPERATOR else Advice.NONE


_TEXTS: Mapping[str, str] = {
    State.FAILED: "付款人未完成付款",
    State.CLOSED: "本次付款已关闭",
}
