"""What Alipay tells by itself (异步通知): a signed form, sent again until it is answered `success`.

One kind serves for payments and for refunds; a refund's has `out_biz_no`. Whether it is about one
of our merchants and orders is not known here.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Struct

from protocol.alipay.signing import SIGN_TYPE, PublicKey, notice_text
from protocol.base64_form import quoted

TAKEN = b"success"
"""Exactly these letters; after anything else it comes again."""
NOT_TAKEN = b"failure"

RESEND_AFTER_SECONDS = (0, 240, 600, 600, 3_600, 7_200, 21_600, 54_000)
"""Eight times in some 25 hours: each gap after the one before."""

TRADE_NOTICE = "trade_status_sync"
FIELDS_MAX = 100

Form = dict[str, str]


class TradeNotice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notification, field by field; what is not sent is empty."""

    notify_time: str = ""
    notify_type: str = ""
    notify_id: str = ""
    app_id: str = ""
    charset: str = ""
    version: str = ""
    trade_no: str = ""
    out_trade_no: str = ""
    out_biz_no: str = ""
    """of a refund: `out_request_no`"""
    buyer_id: str = ""
    buyer_logon_id: str = ""
    seller_id: str = ""
    trade_status: str = ""
    total_amount: str = ""
    receipt_amount: str = ""
    invoice_amount: str = ""
    buyer_pay_amount: str = ""
    point_amount: str = ""
    refund_fee: str = ""
    """over all refunds of the trade"""
    subject: str = ""
    body: str = ""
    gmt_create: str = ""
    gmt_payment: str = ""
    gmt_refund: str = ""
    gmt_close: str = ""
    fund_bill_list: str = ""
    """JSON in a field of the form"""
    passback_params: str = ""


def form_of(body: bytes) -> Form:
    """The fields, decoded; ValueError for what is no form in UTF-8 or has a field twice."""
    pairs = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX
    )
    form = dict(pairs)
    if not form or len(form) != len(pairs):
        raise ValueError("no form, or a field comes twice")
    return form


def is_signed_by(form: Form, key: PublicKey) -> bool:
    """Whether Alipay sent it."""
    return form.get("sign_type") == SIGN_TYPE and key.verifies(
        notice_text(form), form.get("sign", "")
    )


def notice_of(form: Form) -> TradeNotice:
    """The fields that we know."""
    return msgspec.convert(form, TradeNotice)


def form_to_sign(notice: TradeNotice) -> Form:
    """The fields of a notification; their `notice_text` is what Alipay signs."""
    form: Form = msgspec.to_builtins(notice)
    return form


def signed_body(form: Form, signature: str) -> bytes:
    """A notification as Alipay sends it."""
    return f"{urlencode({**form, 'sign_type': SIGN_TYPE})}&sign={quoted(signature)}".encode()
