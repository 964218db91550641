"""Calls about payments, refunds and bills, field by field.

Requests leave out what is empty. A reply lists what we read; whatever else comes is ignored, and
all but `code` may be missing, because a refusal carries no more than that.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

PAY = "alipay.trade.pay"
QUERY = "alipay.trade.query"
CANCEL = "alipay.trade.cancel"
CLOSE = "alipay.trade.close"
PRECREATE = "alipay.trade.precreate"
WAP_PAY = "alipay.trade.wap.pay"
REFUND = "alipay.trade.refund"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"
BILL_URL = "alipay.data.dataservice.bill.downloadurl.query"

DONE = "10000"
WAITING = "10003"
"""the order is made and the payer has to confirm"""
REFUSED = "40004"
"""by the business; `sub_code` says why"""

SUBJECT_LENGTH_MAX = 256
REASON_LENGTH_MAX = 256


class Scene(StrEnum):
    """How the payer was recognised (支付场景)."""

    BAR_CODE = "bar_code"
    SECURITY_CODE = "security_code"
    """刷脸: a code that begins with fp"""


class TradeStatus(StrEnum):
    """交易状态."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_FINISHED = "TRADE_FINISHED"
    """paid, and can no longer be refunded"""
    TRADE_CLOSED = "TRADE_CLOSED"
    """never paid and closed, or given back whole"""


class CancelAction(StrEnum):
    """What a cancel did; absent where there was no trade to cancel."""

    CLOSE = "close"
    REFUND = "refund"


class BillType(StrEnum):
    """账单类型."""

    TRADE = "trade"
    """业务账单: payments and refunds"""
    SIGNCUSTOMER = "signcustomer"
    """账务账单: every movement of the account, fees too"""


class ExtendParams(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """业务扩展参数."""

    sys_service_provider_id: str = ""


class PayRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """alipay.trade.pay (统一收单交易支付), the payer's code scanned at a counter."""

    out_trade_no: str
    scene: str
    auth_code: str
    product_code: str = ""
    subject: str
    total_amount: str
    undiscountable_amount: str = ""
    seller_id: str = ""
    operator_id: str = ""
    store_id: str = ""
    terminal_id: str = ""
    timeout_express: str = ""
    extend_params: ExtendParams | None = None
    query_options: list[str] | None = None


class PrecreateRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """alipay.trade.precreate (统一收单线下交易预创建): a code that the payer scans or opens. There
    is no trade before they do."""

    out_trade_no: str
    total_amount: str
    subject: str
    product_code: str = ""
    seller_id: str = ""
    store_id: str = ""
    time_expire: str = ""
    """the latest moment of the payment, in Beijing"""
    extend_params: ExtendParams | None = None


class WapPayRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """alipay.trade.wap.pay (手机网站支付接口2.0): nothing is called; the phone's browser opens the
    signed address. There is no trade before it does."""

    out_trade_no: str
    total_amount: str
    subject: str
    product_code: str
    quit_url: str = ""
    """where the payer goes who breaks off"""
    seller_id: str = ""
    store_id: str = ""
    time_expire: str = ""
    extend_params: ExtendParams | None = None


class OrderRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """alipay.trade.query, alipay.trade.cancel and alipay.trade.close."""

    out_trade_no: str
    query_options: list[str] | None = None


class RefundRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """alipay.trade.refund (统一收单交易退款)."""

    out_trade_no: str
    refund_amount: str
    out_request_no: str
    refund_reason: str = ""
    operator_id: str = ""
    store_id: str = ""


class RefundQueryRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """alipay.trade.fastpay.refund.query (统一收单交易退款查询)."""

    out_trade_no: str
    out_request_no: str
    query_options: list[str] | None = None


class BillUrlRequest(Struct, frozen=True, kw_only=True):
    """alipay.data.dataservice.bill.downloadurl.query; `bill_date` is a day or a month."""

    bill_type: str
    bill_date: str


class FundBill(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """资金渠道: from which of the payer's sources how much."""

    fund_channel: str = ""
    amount: str | None = None
    real_amount: str | None = None


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every answer begins with."""

    code: str
    msg: str = ""
    sub_code: str | None = None
    sub_msg: str | None = None


class TradeReply(Reply, frozen=True, kw_only=True, omit_defaults=True):
    """An answer about one trade. A signature does not bind an answer to its call; these do."""

    trade_no: str | None = None
    out_trade_no: str | None = None


class PayReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.pay."""

    buyer_logon_id: str | None = None
    buyer_user_id: str | None = None
    buyer_open_id: str | None = None
    total_amount: str | None = None
    receipt_amount: str | None = None
    buyer_pay_amount: str | None = None
    point_amount: str | None = None
    invoice_amount: str | None = None
    gmt_payment: str | None = None
    fund_bill_list: list[FundBill] | None = None
    async_payment_mode: str | None = None
    receipt_currency_type: str | None = None


class QueryReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.query."""

    trade_status: str | None = None
    buyer_logon_id: str | None = None
    buyer_user_id: str | None = None
    buyer_open_id: str | None = None
    total_amount: str | None = None
    receipt_amount: str | None = None
    buyer_pay_amount: str | None = None
    point_amount: str | None = None
    invoice_amount: str | None = None
    send_pay_date: str | None = None
    fund_bill_list: list[FundBill] | None = None


class PrecreateReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.precreate."""

    qr_code: str | None = None
    """an address: what a QR code has to say, or the phone opens"""


class CloseReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.close."""


class CancelReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.cancel."""

    retry_flag: str | None = None
    action: str | None = None


class RefundReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.refund."""

    buyer_logon_id: str | None = None
    buyer_user_id: str | None = None
    fund_change: str | None = None
    """Y: money moved by this very call"""
    refund_fee: str | None = None
    """over all refunds of the trade"""
    gmt_refund_pay: str | None = None
    send_back_fee: str | None = None


class RefundQueryReply(TradeReply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to alipay.trade.fastpay.refund.query; without `refund_status` nothing was refunded
    under this number."""

    out_request_no: str | None = None
    total_amount: str | None = None
    refund_amount: str | None = None
    refund_status: str | None = None
    gmt_refund_pay: str | None = None


REFUND_SUCCESS = "REFUND_SUCCESS"


class BillUrlReply(Reply, frozen=True, kw_only=True, omit_defaults=True):
    """Answer to the query for a bill's address, which lives for 30 seconds."""

    bill_download_url: str | None = None
