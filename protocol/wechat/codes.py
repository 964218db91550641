"""Codes of WeChat Pay that our code branches on. Everything else stays text.

v2 and v3 spell the same code with and without underscores (SYSTEMERROR, SYSTEM_ERROR), so codes are
compared in one form.
"""

from __future__ import annotations

import re
from enum import StrEnum

_AUTH_CODE = re.compile(r"1[0-5][0-9]{16}")


class TradeState(StrEnum):
    """交易状态, of both versions."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    USERPAYING = "USERPAYING"
    ACCEPT = "ACCEPT"
    """v2 only: taken on, waiting for the debit"""
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    PAYERROR = "PAYERROR"


class RefundStatus(StrEnum):
    """退款状态: of v3, of v2, and of bills."""

    SUCCESS = "SUCCESS"
    PROCESSING = "PROCESSING"
    ABNORMAL = "ABNORMAL"
    CHANGE = "CHANGE"
    """v2 and bills: what v3 calls ABNORMAL"""
    CLOSED = "CLOSED"
    REFUNDCLOSE = "REFUNDCLOSE"
    """v2: what v3 calls CLOSED"""
    FAIL = "FAIL"
    """bills"""


class EventType(StrEnum):
    """What a notification tells."""

    TRANSACTION_SUCCESS = "TRANSACTION.SUCCESS"
    REFUND_SUCCESS = "REFUND.SUCCESS"
    REFUND_ABNORMAL = "REFUND.ABNORMAL"
    REFUND_CLOSED = "REFUND.CLOSED"
    MEDICAL_INSURANCE_SUCCESS = "MEDICAL_INSURANCE.SUCCESS"


def normal(code: str) -> str:
    """The form in which codes are compared: upper case, without underscores."""
    return code.replace("_", "").upper()


def is_auth_code(text: str) -> bool:
    """Whether it has the shape of a payment code (付款码): 18 digits that begin with 10 to 15."""
    return _AUTH_CODE.fullmatch(text) is not None
