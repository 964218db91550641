"""Mixed medical-insurance orders (医保混合支付 2.0, `/v3/med-ins/…`): messages, states, sums.

One order with two parts: what the bureau pays (funds and personal account), and what WeChat
collects. Version 1.0 (`/v3/medicalinsurance/…`) is out of date and not here.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

from msgspec import Struct

ORDERS = "/v3/med-ins/orders"
REFUND_NOTICE = "/v3/med-ins/refunds/notify"

_OLD_NUMBER = re.compile(r"[0-9]{15}")
_NEW_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


class MixPayType(StrEnum):
    """What the order consists of."""

    CASH_ONLY = "CASH_ONLY"
    INSURANCE_ONLY = "INSURANCE_ONLY"
    CASH_AND_INSURANCE = "CASH_AND_INSURANCE"


class MixPayStatus(StrEnum):
    """混合单."""

    CREATED = "MIX_PAY_CREATED"
    SUCCESS = "MIX_PAY_SUCCESS"
    REFUND = "MIX_PAY_REFUND"
    FAIL = "MIX_PAY_FAIL"


class SelfPayStatus(StrEnum):
    """自费单: what WeChat collects."""

    CREATED = "SELF_PAY_CREATED"
    SUCCESS = "SELF_PAY_SUCCESS"
    REFUND = "SELF_PAY_REFUND"
    FAIL = "SELF_PAY_FAIL"
    NONE = "NO_SELF_PAY"


class MedInsPayStatus(StrEnum):
    """医保单: what the bureau pays."""

    CREATED = "MED_INS_PAY_CREATED"
    SUCCESS = "MED_INS_PAY_SUCCESS"
    REFUND = "MED_INS_PAY_REFUND"
    FAIL = "MED_INS_PAY_FAIL"
    NONE = "NO_MED_INS_PAY"


class Person(Struct, frozen=True, kw_only=True):
    """Name and digest are encrypted under the platform's key."""

    name: str
    id_digest: str
    card_type: str = "ID_CARD"


class CashAdd(Struct, frozen=True, kw_only=True):
    """Paid beside the bill, such as freight."""

    cash_add_fee: int
    cash_add_type: str = "DEFAULT_ADD_TYPE"


class CashReduce(Struct, frozen=True, kw_only=True):
    """Taken off what the payer pays, such as a deposit that is used."""

    cash_reduce_fee: int
    cash_reduce_type: str = "DEFAULT_REDUCE_TYPE"


class MixedOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """POST /v3/med-ins/orders. Fees are fen."""

    mix_pay_type: MixPayType
    order_type: str
    appid: str
    sub_appid: str = ""
    sub_mchid: str = ""
    openid: str = ""
    sub_openid: str = ""
    payer: Person
    pay_for_relatives: bool = False
    relative: Person | None = None
    out_trade_no: str
    serial_no: str
    """the hospital's order, medOrgOrd of 6201"""
    pay_order_id: str = ""
    """payOrdId of 6202"""
    pay_auth_no: str = ""
    """of the e-voucher; lives minutes, single use"""
    geo_location: str = ""
    city_id: str
    med_inst_name: str
    med_inst_no: str
    med_ins_order_create_time: str
    total_fee: int
    med_ins_gov_fee: int | None = None
    med_ins_self_fee: int | None = None
    med_ins_other_fee: int | None = None
    med_ins_cash_fee: int | None = None
    wechat_pay_cash_fee: int | None = None
    cash_add_detail: tuple[CashAdd, ...] = ()
    cash_reduce_detail: tuple[CashReduce, ...] = ()
    callback_url: str = ""
    prepay_id: str = ""
    passthrough_request_content: str = ""
    extends: str = ""
    attach: str = ""
    channel_no: str = ""
    med_ins_test_env: bool = False


class MixedAnswer(Struct, frozen=True, kw_only=True):
    """What an order is: answer to creation and query, and what a notification is about."""

    mix_trade_no: str = ""
    out_trade_no: str = ""
    mix_pay_status: str = ""
    self_pay_status: str = ""
    med_ins_pay_status: str = ""
    paid_time: str = ""
    pay_order_id: str = ""
    serial_no: str = ""
    total_fee: int | None = None
    med_ins_gov_fee: int | None = None
    med_ins_self_fee: int | None = None
    med_ins_other_fee: int | None = None
    med_ins_cash_fee: int | None = None
    wechat_pay_cash_fee: int | None = None
    passthrough_response_content: str = ""
    med_ins_fail_reason: str = ""
    attach: str = ""


class RefundedPart(Struct, frozen=True, kw_only=True):
    """POST /v3/med-ins/refunds/notify?mix_trade_no=: the insurance part went back."""

    med_refund_total_fee: int
    med_refund_gov_fee: int
    med_refund_self_fee: int
    med_refund_other_fee: int
    refund_time: str
    out_refund_no: str
    """the same number as the refund of the cash part"""


class SumFault(Struct, frozen=True):
    """A rule that the fees of an order break, and by which numbers."""

    rule: str
    text: str


def sum_faults(order: MixedOrder) -> tuple[SumFault, ...]:
    """R1 to R3, and what the kind of order forbids. WeChat refuses an order that has any."""
    covered = (order.med_ins_gov_fee or 0) + (order.med_ins_self_fee or 0)
    covered += order.med_ins_other_fee or 0
    cash, collected = order.med_ins_cash_fee or 0, order.wechat_pay_cash_fee or 0
    added = sum(one.cash_add_fee for one in order.cash_add_detail)
    reduced = sum(one.cash_reduce_fee for one in order.cash_reduce_detail)
    sums = (
        ("R1", order.total_fee, covered + collected + reduced, "gov+self+other+wechat+reduce"),
        ("R2", order.total_fee, covered + cash + added, "gov+self+other+cash+add"),
        ("R3", collected, cash + added - reduced, "cash+add-reduce"),
    )
    faults = [
        SumFault(rule, f"{left} != {right} ({what})")
        for rule, left, right, what in sums
        if left != right
    ]
    return (*faults, *_kind_faults(order), *_sign_faults(order))


def id_digest(number: str) -> str:
    """MD5 of an identity number in capitals, one of 15 digits brought to 18. Lower-case hex.

    Raises ValueError for what is no identity number.
    """
    number = number.strip().upper()
    if _OLD_NUMBER.fullmatch(number):
        number = _of_18(f"{number[:6]}19{number[6:]}")
    if not _NEW_NUMBER.fullmatch(number):
        raise ValueError("an identity number has 18 characters, or 15 digits")
    # MD5 is what WeChat defines; the digest travels encrypted.
    return hashlib.md5(number.encode(), usedforsecurity=False).hexdigest()


def _of_18(first_17: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return first_17 + _CHECK_CHARACTERS[total % 11]


def _kind_faults(order: MixedOrder) -> list[SumFault]:
    insurance = (
        order.med_ins_gov_fee, order.med_ins_self_fee, order.med_ins_other_fee,
        order.pay_order_id or None, order.pay_auth_no or None,
    )  # fmt: skip
    match order.mix_pay_type:
        case MixPayType.CASH_ONLY:
            broken = any(one is not None for one in insurance)
            text = "CASH_ONLY has no field of the insurance"
        case MixPayType.INSURANCE_ONLY:
            broken = bool(order.prepay_id or order.wechat_pay_cash_fee)
            text = "INSURANCE_ONLY has neither prepay_id nor cash"
        case MixPayType.CASH_AND_INSURANCE:
            broken = not (order.prepay_id and order.pay_order_id)
            text = "CASH_AND_INSURANCE has prepay_id and pay_order_id"
    return [SumFault("KIND", text)] if broken else []


def _sign_faults(order: MixedOrder) -> list[SumFault]:
    fees = {
        "total_fee": order.total_fee,
        "med_ins_gov_fee": order.med_ins_gov_fee,
        "med_ins_self_fee": order.med_ins_self_fee,
        "med_ins_other_fee": order.med_ins_other_fee,
        "med_ins_cash_fee": order.med_ins_cash_fee,
        "wechat_pay_cash_fee": order.wechat_pay_cash_fee,
    }
    return [
        SumFault("SIGN", f"{name} is negative")
        for name, fen in fees.items()
        if fen is not None and fen < 0
    ]
