"""Bodies of API v3, with the wire's own names. Money is fen.

Requests leave out what is empty. Of answers only what somebody reads is named, everything may be
missing, and codes stay text: a new code must not lose a payment that already happened.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class UnreadableAnswerError(Exception):
    """Not JSON, or a field of another type; the text says which."""


class AuthCode(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the payer's phone shows."""

    auth_code: str


class Amount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fen, and the currency."""

    total: int
    currency: str = ""


class Store(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """门店: `id` as WeChat knows it, `out_id` as the merchant does."""

    id: str = ""
    out_id: str = ""


class Scene(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it is paid."""

    store_info: Store
    device_id: str = ""
    device_ip: str = ""


class CodePay(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """付款码支付: POST /v3/pay/transactions/codepay, or …/partner/… with sp_ and sub_ names."""

    appid: str = ""
    mchid: str = ""
    sp_appid: str = ""
    sp_mchid: str = ""
    sub_appid: str = ""
    sub_mchid: str = ""
    description: str
    out_trade_no: str
    attach: str = ""
    payer: AuthCode
    amount: Amount
    scene_info: Scene


class PayerOf(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is to pay, under the merchant's application or the partner's."""

    openid: str = ""
    sp_openid: str = ""


class JsapiOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """JSAPI下单: POST /v3/pay/transactions/jsapi; the payer pays it on their own phone."""

    appid: str = ""
    mchid: str = ""
    sp_appid: str = ""
    sp_mchid: str = ""
    sub_appid: str = ""
    sub_mchid: str = ""
    description: str
    out_trade_no: str
    time_expire: str = ""
    """RFC 3339; afterwards it cannot be paid"""
    notify_url: str
    attach: str = ""
    amount: Amount
    payer: PayerOf


class Prepaid(Struct, frozen=True, kw_only=True):
    """The answer to it."""

    prepay_id: str = ""


class Close(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """关闭订单: POST …/out-trade-no/{out_trade_no}/close, of what the payer pays themselves."""

    mchid: str = ""
    sp_mchid: str = ""
    sub_mchid: str = ""


class Reverse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """撤销: POST …/out-trade-no/{out_trade_no}/reverse."""

    appid: str = ""
    mchid: str = ""
    sp_appid: str = ""
    sp_mchid: str = ""
    sub_appid: str = ""
    sub_mchid: str = ""


class RefundAmount(Struct, frozen=True, kw_only=True):
    """Of the refund, and of the whole payment."""

    refund: int
    total: int
    currency: str


class RefundRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """退款: POST /v3/refund/domestic/refunds, naming the payment by one of its two numbers."""

    transaction_id: str = ""
    out_trade_no: str = ""
    sub_mchid: str = ""
    out_refund_no: str
    reason: str = ""
    notify_url: str = ""
    amount: RefundAmount


class Payer(Struct, frozen=True, kw_only=True):
    """Who paid, under the merchant's application."""

    openid: str = ""
    sp_openid: str = ""
    sub_openid: str = ""


class PaidAmount(Struct, frozen=True, kw_only=True):
    """What was asked and what the payer gave of it; the difference are coupons."""

    total: int | None = None
    payer_total: int | None = None
    currency: str = "CNY"
    payer_currency: str = "CNY"


class Promotion(Struct, frozen=True, kw_only=True):
    """A coupon; NOCASH ones are borne by the merchant."""

    coupon_id: str = ""
    scope: str = ""
    type: str = ""
    amount: int = 0


class Payment(Struct, frozen=True, kw_only=True):
    """The payment object: answer to codepay and query, and what a notification is about."""

    appid: str = ""
    mchid: str = ""
    sp_mchid: str = ""
    sub_mchid: str = ""
    out_trade_no: str = ""
    transaction_id: str = ""
    trade_type: str = ""
    trade_state: str = ""
    trade_state_desc: str = ""
    bank_type: str = ""
    success_time: str = ""
    attach: str = ""
    payer: Payer = Payer()
    amount: PaidAmount = PaidAmount()
    promotion_detail: tuple[Promotion, ...] = ()


class Reversed(Struct, frozen=True, kw_only=True):
    """What a reversal answers, where it answers anything."""

    appid: str = ""
    mchid: str = ""
    out_trade_no: str = ""


class RefundedAmount(Struct, frozen=True, kw_only=True):
    """What goes back, of what."""

    total: int | None = None
    refund: int | None = None
    payer_total: int | None = None
    payer_refund: int | None = None
    settlement_refund: int | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """The refund object: answer to refund and query (`status`), or notified (`refund_status`)."""

    mchid: str = ""
    sp_mchid: str = ""
    sub_mchid: str = ""
    refund_id: str = ""
    out_refund_no: str = ""
    transaction_id: str = ""
    out_trade_no: str = ""
    channel: str = ""
    user_received_account: str = ""
    success_time: str = ""
    create_time: str = ""
    status: str = ""
    refund_status: str = ""
    amount: RefundedAmount = RefundedAmount()


class Refusal(Struct, frozen=True, kw_only=True):
    """The body of a status from 400 on."""

    code: str = ""
    message: str = ""


class BillPlace(Struct, frozen=True, kw_only=True):
    """Where a bill can be fetched, and its digest."""

    hash_type: str = ""
    hash_value: str = ""
    download_url: str = ""


def rfc3339(text: str) -> datetime | None:
    """An instant, None where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def read(body: bytes, kind: type[T]) -> T:
    """An answer; a null counts as not there. Raises UnreadableAnswerError."""
    try:
        return msgspec.convert(_without_nulls(msgspec.json.decode(body)), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise UnreadableAnswerError(str(exc)) from exc


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value if one is not None]
    return value
