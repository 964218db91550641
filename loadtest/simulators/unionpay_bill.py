"""The statement files of a clearing day, made of the simulated UnionPay's book and nothing else.

A payment that was reversed stands in no file; a void stands beside its payment. Both are
assumptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from loadtest.simulators.channel_book import BookEntry, Movement
from loadtest.simulators.channel_faults import Fault
from loadtest.simulators.unionpay_state import fee_fen
from protocol.unionpay.archive import StatementKind, archive_of, content_of, statement_name
from protocol.unionpay.codes import PAY
from protocol.unionpay.layouts import ZM
from protocol.unionpay.statement import line_of, signed, unsigned

_MCC = "5912"
_FOR_PEOPLE = "本文件由模拟程序生成，不含真实交易。\r\n"
_DAMAGED_AT = 45
"""Inside the first file's name or content, whichever; the archive no longer reads."""


def bill(
    entries: Sequence[BookEntry], day: date, merchant: str, *, separator: str,
    fault: Fault | None = None,
) -> tuple[str, str]:  # fmt: skip
    """`fileName` and `fileContent` of a merchant's day, `entries` being the whole book."""
    undone = {one.reference for one in entries if one.movement is Movement.UNDONE}
    own = [one for one in entries if one.merchant_no == merchant and one.day == day.isoformat()]
    rows = [
        _row(one, fault if number == 0 else None)
        for number, one in enumerate(own)
        if one.movement in (Movement.PAID, Movement.REFUNDED) and one.reference not in undone
    ]
    lines = [line_of(row, ZM, separator=separator) for row in rows]
    if fault is Fault.BILL_ROW_TWICE and lines:
        lines.insert(0, lines[0])
    data = b"".join(lines)
    if fault is Fault.BILL_TRUNCATED:
        data = data[: -(ZM.width // 2)]
    short_day = f"{day:%y%m%d}"
    archive = archive_of(
        {
            statement_name(StatementKind.NORMAL, short_day, merchant): data,
            statement_name(StatementKind.ADJUSTED, short_day, merchant): b"",
            f"RD{short_day}_{merchant}.txt": _FOR_PEOPLE.encode("gbk"),
        }
    )
    if fault is Fault.BILL_WRONG_DIGEST:
        archive = _damaged(archive)
    return f"{merchant}_{day:%Y%m%d}.zip", content_of(archive)


def _row(entry: BookEntry, fault: Fault | None) -> dict[str, str]:
    """A line; of a staged fault one fen more than the book says."""
    details = entry.details
    amount_fen = entry.amount_fen + (1 if fault is Fault.BILL_ONE_FEN_OFF else 0)
    sign = 1 if entry.movement is Movement.PAID else -1
    fee = fee_fen(amount_fen)
    row = {
        "transCode": f"S{details['txnType']}", "acqInsCode": "99999999",
        "sendInsCode": "99999999", "traceNo": details["traceNo"],
        "txnTime": details["txnTime"][4:], "accNo": "6299990000000000001",
        "txnAmt": unsigned(amount_fen), "merCatCode": _MCC, "termType": "08",
        "queryId": details["queryId"], "orderId": entry.refund_no or entry.order_no,
        "payCardType": "01", "fee": signed(-sign * fee),
        "settleAmt": signed(sign * (amount_fen - fee)), "payType": "0501",
        "txnType": details["txnType"], "txnSubType": "06" if details["txnType"] == PAY else "00",
        "bizType": "000000", "merId": entry.merchant_no, "termId": details["termId"],
        "netAmt": signed(sign * (amount_fen - fee)), "subMerAbbr": "模拟商户",
    }  # fmt: skip
    if entry.refund_no:
        row |= {
            "origQryId": entry.reference, "origOrderId": entry.order_no,
            "origTraceNo": details["origTraceNo"], "origTxnTime": details["origTxnTime"][4:],
        }  # fmt: skip
    return row


def _damaged(archive: bytes) -> bytes:
    spoilt = bytearray(archive)
    spoilt[_DAMAGED_AT] ^= 0xFF
    return bytes(spoilt)
