"""API v3 at the simulated WeChat: paths, checks of signed requests, bodies of answers."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from msgspec import Struct

from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.plain_http import Call
from loadtest.simulators.wechat_orders import Asked, Order, Refused, SimRefund
from protocol.wechat import medical, messages
from protocol.wechat.codes import TradeState
from protocol.wechat.signing import (
    CLOCK_DISTANCE_SECONDS_MAX,
    VerifyingKey,
    read_authorization,
    request_text,
)
from settlement.clock import CHINA

ORDERS = "/v3/pay/transactions"
PARTNER_ORDERS = "/v3/pay/partner/transactions"
REFUNDS = "/v3/refund/domestic/refunds"
ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("POST", f"{ORDERS}/codepay", Operation.PAY),
    ("POST", f"{PARTNER_ORDERS}/codepay", Operation.PAY),
    ("GET", f"{ORDERS}/out-trade-no/{{out_trade_no}}", Operation.QUERY),
    ("GET", f"{PARTNER_ORDERS}/out-trade-no/{{out_trade_no}}", Operation.QUERY),
    ("GET", f"{ORDERS}/id/{{transaction_id}}", Operation.QUERY),
    ("GET", f"{PARTNER_ORDERS}/id/{{transaction_id}}", Operation.QUERY),
    ("POST", f"{ORDERS}/out-trade-no/{{out_trade_no}}/reverse", Operation.UNDO),
    ("POST", f"{PARTNER_ORDERS}/out-trade-no/{{out_trade_no}}/reverse", Operation.UNDO),
    ("POST", f"{ORDERS}/out-trade-no/{{out_trade_no}}/close", Operation.UNDO),
    ("POST", f"{PARTNER_ORDERS}/out-trade-no/{{out_trade_no}}/close", Operation.UNDO),
    ("POST", REFUNDS, Operation.REFUND),
    ("GET", f"{REFUNDS}/{{out_refund_no}}", Operation.QUERY_REFUND),
    ("GET", "/v3/bill/tradebill", Operation.BILL),
    ("GET", "/v3/bill/fundflowbill", Operation.BILL),
    ("GET", "/v3/billdownload/file", Operation.BILL_FILE),
    ("GET", "/v3/certificates", Operation.OTHER),
    ("POST", f"{ORDERS}/jsapi", Operation.OTHER),
    ("POST", f"{PARTNER_ORDERS}/jsapi", Operation.OTHER),
    ("POST", medical.ORDERS, Operation.PAY),
    ("GET", f"{medical.ORDERS}/mix-trade-no/{{mix_trade_no}}", Operation.QUERY),
    ("GET", f"{medical.ORDERS}/out-trade-no/{{out_trade_no}}", Operation.QUERY),
    ("POST", medical.REFUND_NOTICE, Operation.OTHER),
)

# The code of v2, that of v3, and the status with which v3 comes.
CODES: dict[str, tuple[str, int]] = {
    "ORDERNOTEXIST": ("ORDER_NOT_EXIST", 404),
    "REFUNDNOTEXIST": ("RESOURCE_NOT_EXISTS", 404),
    "ORDERPAID": ("ORDERPAID", 403),
    "ORDERREVERSED": ("ORDER_REVERSED", 403),
    "ORDERCLOSED": ("ORDER_CLOSED", 403),
    "OUT_TRADE_NO_USED": ("OUT_TRADE_NO_USED", 403),
    "BUYER_MISMATCH": ("BUYER_MISMATCH", 403),
    "TRADE_ERROR": ("TRADE_ERROR", 403),
    "AUTHCODEEXPIRE": ("AUTH_CODE_EXPIRED", 400),
    "AUTH_CODE_INVALID": ("AUTH_CODE_INVALID", 400),
    "NOTENOUGH": ("NOT_ENOUGH", 403),
    "RULELIMIT": ("RULE_LIMIT", 403),
    "PARAM_ERROR": ("PARAM_ERROR", 400),
    "INVALID_REQUEST": ("INVALID_REQUEST", 400),
    "REFUND_FEE_MISMATCH": ("INVALID_REQUEST", 400),
    "TRADE_OVERDUE": ("TRADE_OVERDUE", 403),
    "REVERSE_EXPIRE": ("REVERSE_EXPIRE", 403),
    "USERPAYING": ("USERPAYING", 403),
    "ALREADY_EXISTS": ("ALREADY_EXISTS", 400),
    "NO_STATEMENT_EXIST": ("NO_STATEMENT_EXIST", 400),
    "STATEMENT_CREATING": ("STATEMENT_CREATING", 400),
    "SIGNERROR": ("SIGN_ERROR", 401),
    "NOAUTH": ("NO_AUTH", 403),
    "SYSTEMERROR": ("SYSTEM_ERROR", 500),
    "FREQUENCY_LIMITED": ("FREQUENCY_LIMITED", 429),
    "MAINTENANCE": ("SYSTEM_ERROR", 503),
}


class Told(Struct, frozen=True):
    """Status and body, not signed yet."""

    status: int
    body: bytes
    number: str = ""
    """ends the header Request-Id of a refusal"""


def operation_of(call: Call) -> Operation:
    """By the routes' table."""
    for method, pattern, operation in ROUTES:
        if method == call.method and _matches(pattern, call.path):
            return operation
    return Operation.OTHER


def number_of(call: Call) -> str:
    """Of the order or refund that a call is about."""
    for name in ("out_trade_no", "out_refund_no", "transaction_id", "mix_trade_no"):
        if name in call.parameters:
            return call.parameters[name]
    try:
        asked = msgspec.json.decode(call.body or b"{}", type=dict[str, object])
    except msgspec.DecodeError:
        return ""
    return str(asked.get("out_refund_no") or asked.get("out_trade_no") or "")


def refused_request(call: Call, key: VerifyingKey, serial: str, *, now: int) -> Refused | None:
    """What is wrong with a request's signature, None if nothing is."""
    said = read_authorization(call.headers.get("authorization", ""))
    if said is None:
        return Refused("SIGNERROR", "Authorization 缺失或格式有误")
    if said.serial_no != serial:
        return Refused("SIGNERROR", "商户证书序列号有误")
    if not said.timestamp.isdigit():
        return Refused("SIGNERROR", "时间戳有误")
    if abs(now - int(said.timestamp)) > CLOCK_DISTANCE_SECONDS_MAX:
        return Refused("SIGNERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    text = request_text(call.method, call.target, said.timestamp, said.nonce_str, call.body)
    if not key.verify(text, said.signature):
        return Refused("SIGNERROR", "签名错误，请检查后再试")
    if not call.headers.get("user-agent"):
        return Refused("PARAM_ERROR", "Http头缺少User-Agent")
    return None


def mchid_of(call: Call) -> str:
    """Who signed, before anything is checked."""
    said = read_authorization(call.headers.get("authorization", ""))
    return said.mchid if said is not None else ""


def asked_of(body: bytes) -> Asked | Refused:
    """A payment request."""
    try:
        asked = msgspec.json.decode(body, type=messages.CodePay)
    except msgspec.DecodeError as exc:
        return Refused("PARAM_ERROR", str(exc))
    return Asked(
        mchid=asked.mchid or asked.sp_mchid, sub_mchid=asked.sub_mchid,
        appid=asked.appid or asked.sp_appid, out_trade_no=asked.out_trade_no,
        amount_fen=asked.amount.total, auth_code=asked.payer.auth_code,
        description=asked.description, attach=asked.attach, device=asked.scene_info.device_id,
    )  # fmt: skip


def refusal(refused: Refused) -> Told:
    """As v3 says it."""
    code, status = CODES[refused.code]
    return Told(status, msgspec.json.encode(messages.Refusal(code=code, message=refused.text)))


def payment(order: Order, fault: Fault | None) -> messages.Payment:
    """The payment object."""
    asked, is_paid = order.asked, order.paid_at is not None
    off_fen = 1 if fault is Fault.ONE_FEN_OFF else 0
    is_partner = bool(asked.sub_mchid)
    total = messages.PaidAmount(
        total=asked.amount_fen - off_fen,
        payer_total=asked.amount_fen - off_fen if is_paid else None,
    )
    return messages.Payment(
        appid="" if is_partner else asked.appid, mchid="" if is_partner else asked.mchid,
        sp_mchid=asked.mchid if is_partner else "", sub_mchid=asked.sub_mchid,
        out_trade_no=asked.out_trade_no, trade_type=order.trade_type,
        transaction_id=order.transaction_id if is_paid else "",
        trade_state=order.state, trade_state_desc=DESCRIPTIONS[order.state],
        bank_type="OTHERS" if is_paid else "",
        success_time=order.paid_at.astimezone(CHINA).isoformat("T", "seconds")
        if order.paid_at is not None else "",
        attach=asked.attach, payer=messages.Payer(openid=order.openid), amount=total,
    )  # fmt: skip


def refund(order: Order, one: SimRefund, *, notified: bool = False, off_fen: int = 0) -> (
    messages.Refund
):  # fmt: skip
    """The refund object; a notification calls its status otherwise."""
    asked = order.asked
    is_partner = bool(asked.sub_mchid)
    return messages.Refund(
        mchid="" if is_partner or not notified else asked.mchid,
        sp_mchid=asked.mchid if is_partner and notified else "",
        sub_mchid=asked.sub_mchid if notified else "",
        refund_id=one.refund_id, out_refund_no=one.out_refund_no,
        transaction_id=order.transaction_id, out_trade_no=asked.out_trade_no,
        channel="ORIGINAL", user_received_account="支付用户零钱",
        success_time=one.finished_at.astimezone(CHINA).isoformat("T", "seconds")
        if one.finished_at is not None else "",
        create_time=one.created_at.astimezone(CHINA).isoformat("T", "seconds"),
        status="" if notified else one.status, refund_status=one.status if notified else "",
        amount=messages.RefundedAmount(
            total=asked.amount_fen, refund=one.amount_fen - off_fen,
            payer_total=asked.amount_fen, payer_refund=one.amount_fen - off_fen,
            settlement_refund=one.amount_fen - off_fen,
        ),
    )  # fmt: skip


def told(content: Struct, *, status: int = HTTPStatus.OK) -> Told:
    """A body without what is empty."""
    return Told(status, msgspec.json.encode(_filled(msgspec.to_builtins(content))))


DESCRIPTIONS = {
    TradeState.SUCCESS: "支付成功",
    TradeState.REFUND: "转入退款",
    TradeState.NOTPAY: "订单未支付",
    TradeState.USERPAYING: "需要用户输入支付密码",
    TradeState.ACCEPT: "已接收，等待扣款",
    TradeState.CLOSED: "订单已关闭",
    TradeState.REVOKED: "订单已撤销",
    TradeState.PAYERROR: "支付失败",
}


def _filled(value: object) -> object:
    if not isinstance(value, dict):
        return value
    filled = {name: _filled(one) for name, one in value.items()}
    return {name: one for name, one in filled.items() if one not in ("", None, {}, ())}


def _matches(pattern: str, path: str) -> bool:
    wanted, given = pattern.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        one == other or (one.startswith("{") and other)
        for one, other in zip(wanted, given, strict=True)
    )
