"""Requests and answers, with the interface's own names; every field is text.

A field that is empty does not travel. What an answer has beyond these fields is signed too, so keep
the fields that came beside the `Answer` made of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

VERSION = "5.1.0"
SIGN_METHOD_RSA = "01"
CURRENCY_CNY = "156"
AMOUNT_DIGITS_MAX = 12

ORDER_ID = re.compile(r"[0-9A-Za-z]{8,40}", re.ASCII)
"""8 to 40 letters and digits; the statement holds 32 of them."""
STATEMENT_ORDER_ID_MAX = 32
TERM_ID = re.compile(r"[0-9A-Za-z]{8}", re.ASCII)
QR_NO = re.compile(r"[0-9]{1,20}", re.ASCII)

_DIGITS = re.compile(rf"[0-9]{{1,{AMOUNT_DIGITS_MAX}}}", re.ASCII)


class Request(Struct, frozen=True, kw_only=True):
    """What every request has. (merId, orderId, txnTime) is the key of a transaction."""

    version: str = VERSION
    encoding: str = "UTF-8"
    certId: str
    signMethod: str = SIGN_METHOD_RSA
    txnType: str
    txnSubType: str
    bizType: str = "000000"
    accessType: str = "0"
    merId: str
    txnTime: str

    def fields(self) -> dict[str, str]:
        """What travels and is signed."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


class Pay(Request, frozen=True, kw_only=True):
    """C2B 消费: the merchant scans what the payer shows (被扫)."""

    txnType: str = "01"
    txnSubType: str = "06"
    channelType: str = "08"
    orderId: str
    txnAmt: str
    currencyCode: str = CURRENCY_CNY
    qrNo: str
    termId: str = ""
    backUrl: str


class ApplyQr(Request, frozen=True, kw_only=True):
    """申请二维码 (主扫): an address that the payer's app scans or opens."""

    txnType: str = "01"
    txnSubType: str = "07"
    channelType: str = "08"
    orderId: str
    txnAmt: str
    currencyCode: str = CURRENCY_CNY
    qrValidTime: str = ""
    """seconds for which it can be paid"""
    backUrl: str


class Query(Request, frozen=True, kw_only=True):
    """交易状态查询, by orderId and txnTime of what is asked about."""

    txnType: str = "00"
    txnSubType: str = "00"
    orderId: str


class Reverse(Request, frozen=True, kw_only=True):
    """冲正: orderId and txnTime are those of the payment itself."""

    txnType: str = "99"
    txnSubType: str = "01"
    channelType: str = "08"
    orderId: str


class Void(Request, frozen=True, kw_only=True):
    """消费撤销: all of a payment, within its clearing day."""

    txnType: str = "31"
    txnSubType: str = "00"
    channelType: str = "08"
    orderId: str
    txnAmt: str
    currencyCode: str = CURRENCY_CNY
    origQryId: str = ""
    origOrderId: str = ""
    origTxnTime: str = ""
    backUrl: str


class Refund(Request, frozen=True, kw_only=True):
    """退货: a payment's money back, whole or in parts."""

    txnType: str = "04"
    txnSubType: str = "00"
    channelType: str = "08"
    orderId: str
    txnAmt: str
    currencyCode: str = CURRENCY_CNY
    origQryId: str = ""
    origOrderId: str = ""
    origTxnTime: str = ""
    backUrl: str


class FileDownload(Request, frozen=True, kw_only=True):
    """对账文件下载, by clearing day (MMDD)."""

    txnType: str = "76"
    txnSubType: str = "01"
    fileType: str = "00"
    settleDate: str


class Answer(Struct, frozen=True, kw_only=True):
    """An answer or a notification, as far as anybody here reads it."""

    version: str = ""
    certId: str = ""
    signature: str = ""
    signPubKeyCert: str = ""
    txnType: str = ""
    txnSubType: str = ""
    merId: str = ""
    orderId: str = ""
    txnTime: str = ""
    txnAmt: str = ""
    respCode: str = ""
    respMsg: str = ""
    queryId: str = ""
    traceNo: str = ""
    traceTime: str = ""
    settleAmt: str = ""
    settleDate: str = ""
    payType: str = ""
    payCardType: str = ""
    accNo: str = ""
    origRespCode: str = ""
    origRespMsg: str = ""
    origQryId: str = ""
    origOrderId: str = ""
    qrCode: str = ""
    fileName: str = ""
    fileContent: str = ""


def answer_of(fields: Mapping[str, str]) -> Answer:
    """The fields that we read; others stay behind."""
    return msgspec.convert(dict(fields), Answer)


def amount_fen(text: str) -> int | None:
    """An amount of a message. None where it is empty; ValueError where it is no number of fen."""
    if not text:
        return None
    if not _DIGITS.fullmatch(text):
        raise ValueError("no amount in fen")
    return int(text)
