"""What a simulated UnionPay asks of a request before it looks at what is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from protocol.unionpay import codes
from protocol.unionpay.certificates import SigningKey
from protocol.unionpay.messages import (
    CURRENCY_CNY,
    ORDER_ID,
    QR_NO,
    SIGN_METHOD_RSA,
    VERSION,
    amount_fen,
)
from protocol.unionpay.signing import is_signed
from protocol.unionpay.times import parse_txn_time

TRANSACTION_PATH = "/gateway/api/backTransReq.do"
QUERY_PATH = "/gateway/api/queryTrans.do"
FILE_PATH = "/file/"

MALFORMED, UNSIGNED, INCOMPLETE = "10", "11", "13"

SUB_TYPES = {
    codes.PAY: codes.SCANNED, codes.REVERSE: "01", codes.VOID: "00", codes.REFUND: "00",
    codes.QUERY: "00", codes.FILE: "01",
}  # fmt: skip
_PATHS = {codes.QUERY: QUERY_PATH, codes.FILE: FILE_PATH}
_COMMON = ("version", "encoding", "signMethod", "certId", "bizType", "accessType", "txnTime")
_NEEDED = {
    codes.PAY: ("orderId", "txnAmt", "currencyCode", "backUrl", "channelType"),
    codes.REVERSE: ("orderId",),
    codes.VOID: ("orderId", "txnAmt", "currencyCode", "backUrl"),
    codes.REFUND: ("orderId", "txnAmt", "currencyCode", "backUrl"),
    codes.QUERY: ("orderId",),
    codes.FILE: ("settleDate", "fileType"),
}


_SHOWN = {codes.PAY: ("qrNo",)}
"""What the payer showed."""


class SimulatedMerchant(Struct, frozen=True):
    """A merchant that the simulated UnionPay knows."""

    mer_id: str
    cert_id: str
    key: RSAPublicKey


def merchant_of(mer_id: str, signer: SigningKey) -> SimulatedMerchant:
    """What UnionPay knows of whoever signs as `signer`."""
    return SimulatedMerchant(mer_id, signer.cert_id, signer.key.public_key())


def refusal_of(path: str, fields: Mapping[str, str], merchant: SimulatedMerchant | None) -> str:
    """The code of a request that is not looked at any further; "" for the others."""
    kind = fields.get("txnType", "")
    if merchant is None or kind not in _NEEDED:
        return MALFORMED
    needed = (*_COMMON, *_NEEDED[kind], *(() if is_applied(fields) else _SHOWN.get(kind, ())))
    if any(not fields.get(name) for name in needed):
        return INCOMPLETE
    if fields["certId"] != merchant.cert_id or not is_signed(fields, merchant.key):
        return UNSIGNED
    if path != _PATHS.get(kind, TRANSACTION_PATH) or not _is_well_formed(fields, kind):
        return MALFORMED
    return ""


def _is_well_formed(fields: Mapping[str, str], kind: str) -> bool:
    try:
        parse_txn_time(fields["txnTime"])
        amount = amount_fen(fields.get("txnAmt", ""))
    except ValueError:
        return False
    return (
        fields["version"] == VERSION
        and fields["signMethod"] == SIGN_METHOD_RSA
        and (fields["txnSubType"] == SUB_TYPES[kind] or is_applied(fields))
        and fields.get("currencyCode", CURRENCY_CNY) == CURRENCY_CNY
        and amount != 0
        and (kind == codes.FILE or ORDER_ID.fullmatch(fields["orderId"]) is not None)
        and (is_applied(fields) or kind != codes.PAY or _is_shown(fields["qrNo"]))
    )


def is_applied(fields: Mapping[str, str]) -> bool:
    """Whether a request asks for an address that the payer opens (主扫)."""
    return fields.get("txnType") == codes.PAY and fields.get("txnSubType") == codes.APPLIED


def _is_shown(qr_no: str) -> bool:
    return QR_NO.fullmatch(qr_no) is not None
