"""API v2 at the simulated WeChat: paths, checks of signed requests, fields of answers."""

from __future__ import annotations

from collections.abc import Mapping

from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.wechat_orders import Asked, Order, Refused, SimRefund
from protocol.wechat.codes import RefundStatus
from settlement.clock import local_time

ROUTES: dict[str, Operation] = {
    "/pay/micropay": Operation.PAY,
    "/pay/orderquery": Operation.QUERY,
    "/secapi/pay/reverse": Operation.UNDO,
    "/secapi/pay/refund": Operation.REFUND,
    "/pay/refundquery": Operation.QUERY_REFUND,
    "/pay/downloadbill": Operation.BILL_FILE,
    "/pay/downloadfundflow": Operation.BILL_FILE,
}
NEEDS_CERTIFICATE = frozenset({"/secapi/pay/reverse", "/secapi/pay/refund"})
NEGATIVE_TEST = {
    "MICROPAY_USERPAYING": Behaviour.USERPAYING,
    "MICROPAY_PAYERROR": Behaviour.USERPAYING_FAILS,
    "MICROPAY_TIMEOUT": Behaviour.LOST_ANSWER,
}
"""Of the header Wechatpay-Negative-Test, which WeChat's own sandbox knows."""
BILL_MESSAGES = {
    "NO_STATEMENT_EXIST": ("No Bill Exist", "20002"),
    "STATEMENT_CREATING": ("Bill Creating", "20003"),
}
STATUSES = {
    RefundStatus.ABNORMAL: RefundStatus.CHANGE,
    RefundStatus.CLOSED: RefundStatus.REFUNDCLOSE,
}


def asked_of(fields: Mapping[str, str]) -> Asked | Refused:
    """A payment request."""
    total = fields.get("total_fee", "")
    if not (total.isascii() and total.isdigit()):
        return Refused("PARAM_ERROR", "total_fee 参数格式有误")
    return Asked(
        mchid=fields.get("mch_id", ""), sub_mchid=fields.get("sub_mch_id", ""),
        appid=fields.get("appid", ""), out_trade_no=fields.get("out_trade_no", ""),
        amount_fen=int(total), auth_code=fields.get("auth_code", ""),
        description=fields.get("body", ""), attach=fields.get("attach", ""),
        device=fields.get("device_info", ""),
    )  # fmt: skip


def not_understood(text: str) -> dict[str, str]:
    """The first layer refuses; not signed."""
    return {"return_code": "FAIL", "return_msg": text}


def refusal(refused: Refused) -> dict[str, str]:
    """The second layer refuses."""
    return {
        "return_code": "SUCCESS", "return_msg": "OK", "result_code": "FAIL",
        "err_code": refused.code, "err_code_des": refused.text,
    }  # fmt: skip


def success(**fields: str) -> dict[str, str]:
    """Both layers are content."""
    return {"return_code": "SUCCESS", "return_msg": "OK", "result_code": "SUCCESS", **fields}


def payment(order: Order, fault: Fault | None) -> dict[str, str]:
    """Of micropay and orderquery."""
    asked = order.asked
    total = str(asked.amount_fen - (1 if fault is Fault.ONE_FEN_OFF else 0))
    fields = {
        "openid": order.openid, "is_subscribe": "N", "trade_type": order.trade_type,
        "trade_state": order.state, "out_trade_no": asked.out_trade_no, "attach": asked.attach,
        "fee_type": "CNY", "total_fee": total, "device_info": asked.device,
    }  # fmt: skip
    if order.paid_at is None:
        return fields
    return fields | {
        "bank_type": "OTHERS", "cash_fee": total, "settlement_total_fee": total,
        "transaction_id": order.transaction_id,
        "time_end": f"{local_time(order.paid_at):%Y%m%d%H%M%S}",
    }  # fmt: skip


def refund(order: Order, one: SimRefund) -> dict[str, str]:
    """The answer to a refund: taken on."""
    return {
        "transaction_id": order.transaction_id, "out_trade_no": order.asked.out_trade_no,
        "out_refund_no": one.out_refund_no, "refund_id": one.refund_id,
        "refund_fee": str(one.amount_fen), "total_fee": str(order.asked.amount_fen),
        "cash_fee": str(order.asked.amount_fen),
    }  # fmt: skip


def refund_query(order: Order, one: SimRefund) -> dict[str, str]:
    """One refund, counted from 0."""
    fields = {
        "transaction_id": order.transaction_id, "out_trade_no": order.asked.out_trade_no,
        "total_fee": str(order.asked.amount_fen), "refund_count": "1",
        "out_refund_no_0": one.out_refund_no, "refund_id_0": one.refund_id,
        "refund_fee_0": str(one.amount_fen), "settlement_refund_fee_0": str(one.amount_fen),
        "refund_channel_0": "ORIGINAL", "refund_status_0": status_of(one),
        "refund_recv_accout_0": "支付用户零钱",
    }  # fmt: skip
    if one.finished_at is not None:
        fields["refund_success_time_0"] = f"{local_time(one.finished_at):%Y-%m-%d %H:%M:%S}"
    return fields


def refund_notice(order: Order, one: SimRefund, *, off_fen: int = 0) -> dict[str, str]:
    """What `req_info` holds."""
    ended = one.finished_at
    return {
        "transaction_id": order.transaction_id, "out_trade_no": order.asked.out_trade_no,
        "refund_id": one.refund_id, "out_refund_no": one.out_refund_no,
        "total_fee": str(order.asked.amount_fen), "refund_fee": str(one.amount_fen - off_fen),
        "settlement_refund_fee": str(one.amount_fen - off_fen), "refund_status": status_of(one),
        "success_time": f"{local_time(ended):%Y-%m-%d %H:%M:%S}" if ended is not None else "",
        "refund_recv_accout": "支付用户零钱", "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
        "refund_request_source": "API",
    }  # fmt: skip


def status_of(one: SimRefund) -> str:
    """As v2 calls it."""
    return STATUSES.get(one.status, one.status)
