"""What Alipay's insurance products add (医保): telling it of a settlement made by one code.

alipay.commerce.medical.payment.order.sync is sent after a settlement in which one 医保码 both
named the person and started the payment (医保一码付). Four of its amounts are named as in 2207's
answer. Types only: nothing sends them yet.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from protocol.alipay.amounts import fen
from protocol.alipay.trade import Reply
from protocol.paycode import VOUCHERS, read

ORDER_SYNC = "alipay.commerce.medical.payment.order.sync"
INSURANCE_QUERY_OPTION = "medical_insurance_info"
"""As one of `query_options` of a payment or a query: the answer tells the insurance's part."""

_MEDICAL_ORG_NO = re.compile(r"[A-Z]\d{11}", re.ASCII)


class BizType(StrEnum):
    """业务类型."""

    OUTPATIENT_REGISTRATION = "OUTPATIENT_REGISTRATION"
    """门诊挂号"""
    OUTPATIENT_PAYMENT = "OUTPATIENT_PAYMENT"
    """门诊缴费"""
    HOSPITAL_DEPOSIT = "HOSPITAL_DEPOSIT"
    """住院预缴"""
    HOSPITAL_SETTLEMENT = "HOSPITAL_SETTLEMENT"
    """出院结算"""


class OrderSyncRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The settlement as Alipay wants to hear of it; amounts in yuan."""

    out_biz_no: str
    biz_type: BizType
    biz_trace_no: list[str]
    opt_type: str = "SETTLE"
    status: str = "SUCCESS"
    subject: str
    qr_code: str
    """the 医保码 of 28 characters, or a face authorisation (ano…)"""
    fee_sumamt: str
    fund_pay: str
    psn_acct_pay: str
    own_pay_amt: str
    alipay_amount: str
    """of own_pay_amt, what was paid with Alipay"""
    alipay_trade_no: str = ""
    other_pay_channel: list[str] | None = None
    gmt_paid: str
    medical_org_no: str
    """the institution's national code: a letter and eleven digits"""
    medical_org_name: str
    payment_city_code: str
    payment_place: str = ""
    payment_place_code: str = ""
    sys_service_provider_id: str = ""


class OrderSyncReply(Reply, frozen=True, kw_only=True, omit_defaults=True):
    """Alipay has taken note, or not."""


def objections(request: OrderSyncRequest) -> list[str]:
    """What Alipay would refuse, by field; none where it may be sent. ValueError for an amount that
    is none."""
    shares_fen = fen(request.fund_pay) + fen(request.psn_acct_pay) + fen(request.own_pay_amt)
    checks = {
        "qr_code": read(request.qr_code).kind in VOUCHERS,
        "medical_org_no": _MEDICAL_ORG_NO.fullmatch(request.medical_org_no) is not None,
        "fee_sumamt": fen(request.fee_sumamt) == shares_fen,
        "alipay_amount": 0 <= fen(request.alipay_amount) <= fen(request.own_pay_amt),
        "alipay_trade_no": bool(request.alipay_trade_no) or fen(request.alipay_amount) == 0,
        "biz_trace_no": bool(request.biz_trace_no),
    }
    return [name for name, holds in checks.items() if not holds]
