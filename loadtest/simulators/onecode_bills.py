"""The next day's bill of the simulated one-code platform, made of its book and of nothing else."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from msgspec.structs import replace

from loadtest.simulators.channel_book import BookEntry, ChannelBook, Movement
from loadtest.simulators.channel_faults import Fault
from protocol import onecode
from protocol.onecode import BillReply
from protocol.onecode_bills import Kind, Row, write_bill
from settlement.clock import local_time

BILL_READY = timedelta(hours=9)
"""After midnight of the next day."""
_FEE_PER_MILLE = 6
_KINDS = {Movement.PAID: Kind.PAY, Movement.REFUNDED: Kind.REFUND, Movement.UNDONE: Kind.UNDO}


def bill_of(
    book: ChannelBook, merchant_no: str, day: str, *, now: datetime, fault: Fault | None
) -> BillReply:
    """The bill of a merchant's day, once it is ready."""
    try:
        of_day = date.fromisoformat(day)
    except ValueError:
        return BillReply(code="PARAM_ERROR")
    ready_at = datetime.combine(of_day + timedelta(days=1), datetime.min.time()) + BILL_READY
    if fault is Fault.BILL_LATE or local_time(now) < ready_at:
        return BillReply(code=onecode.BILL_NOT_READY)
    rows = [
        _row(entry)
        for entry in book.of_day(day)
        if entry.merchant_no == merchant_no and entry.movement in _KINDS
    ]
    if not rows:
        return BillReply(code=onecode.NOTHING_MOVED)
    if fault is Fault.BILL_ROW_TWICE:
        rows.append(rows[-1])
    if fault is Fault.BILL_ONE_FEN_OFF:
        rows[-1] = replace(rows[-1], fen=rows[-1].fen + 1)
    content = write_bill(merchant_no, day, rows)
    if fault is Fault.BILL_TRUNCATED:
        content = content[: len(content) * 2 // 3]
    return BillReply(code=onecode.DONE, billDate=day, content=content)


def _row(entry: BookEntry) -> Row:
    fee_fen = (entry.amount_fen * _FEE_PER_MILLE + 500) // 1000
    return Row(
        at=f"{local_time(entry.at):%Y-%m-%d %H:%M:%S}", kind=_KINDS[entry.movement],
        outTradeNo=entry.order_no, tradeNo=entry.reference, outRefundNo=entry.refund_no,
        refundId=f"R{entry.refund_no}" if entry.refund_no else "", fen=entry.amount_fen,
        feeFen=fee_fen if entry.movement is Movement.PAID else -fee_fen,
    )  # fmt: skip
