"""The simulated Alipay's daily bills: made of its book alone, with the differences staged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import count

from msgspec.structs import replace

from loadtest.simulators.channel_book import BookEntry, Movement
from loadtest.simulators.channel_faults import Fault
from protocol.alipay import bill_writing
from protocol.alipay.bills import PAYMENT_KIND, REFUND_KIND, AccountRow, TradeRow
from protocol.alipay.times import instant_of
from protocol.alipay.trade import BillType

PAYER = "测*甲(139******00)"
CHANNEL = "支付宝"
MOVES = frozenset({Movement.PAID, Movement.REFUNDED, Movement.UNDONE})


def has_moved(seller_id: str, day: date, entries: Iterable[BookEntry]) -> bool:
    """Whether there is a bill of a day at all."""
    shown = f"{day:%Y-%m-%d}"
    return any(one.day == shown for one in _moves(seller_id, entries))


def bill(
    kind: BillType, seller_id: str, day: date, entries: Sequence[BookEntry], *,
    made_at: datetime, fault: Fault | None = None,
) -> bytes:  # fmt: skip
    """The file of a day on which something moved. `entries` are the whole book, in order."""
    shown = f"{day:%Y-%m-%d}"
    moved = _moves(seller_id, entries)
    if kind is BillType.TRADE:
        rows = _staged([_trade_row(one) for one in moved if one.day == shown], fault)
        file = bill_writing.trade_file(seller_id, day, rows, made_at=made_at)
    else:
        kept = [row for when, row in _account_rows(moved) if when == shown]
        file = bill_writing.account_file(seller_id, day, kept, made_at=made_at)
    return _damaged(file, fault)


def _moves(seller_id: str, entries: Iterable[BookEntry]) -> list[BookEntry]:
    return [one for one in entries if one.merchant_no == seller_id and one.movement in MOVES]


def _trade_row(entry: BookEntry) -> TradeRow:
    sign = 1 if entry.movement is Movement.PAID else -1
    details = entry.details
    return TradeRow(
        trade_no=entry.reference, out_trade_no=entry.order_no,
        kind=PAYMENT_KIND if sign > 0 else REFUND_KIND, subject=details["subject"],
        created_at=instant_of(details["made_at"]), finished_at=entry.at,
        store_id=details["store_id"], operator=details["operator"],
        terminal_id=details["terminal_id"], payer=PAYER, order_fen=sign * entry.amount_fen,
        receipt_fen=sign * entry.amount_fen,
        # A cancel has no request number of its own.
        out_request_no="" if sign > 0 else entry.refund_no or entry.order_no,
        fee_fen=-int(details["fee_fen"]),
    )  # fmt: skip


def _account_rows(moved: Iterable[BookEntry]) -> Iterable[tuple[str, AccountRow]]:
    """Each movement of the account and its fee, with the balance after it, and its day."""
    balance_fen, numbers = 0, count(1)
    for entry in moved:
        sign = 1 if entry.movement is Movement.PAID else -1
        movements = [("在线支付" if sign > 0 else "交易退款", sign * entry.amount_fen)]
        if fee_fen := int(entry.details["fee_fen"]):
            movements.append(("收费", -fee_fen))
        for kind, moved_fen in movements:
            balance_fen += moved_fen
            yield entry.day, AccountRow(
                entry_no=f"{next(numbers):015d}", business_no=entry.reference,
                out_trade_no=entry.order_no, subject=entry.details["subject"], at=entry.at,
                payer=PAYER, income_fen=max(moved_fen, 0), expense_fen=min(moved_fen, 0),
                balance_fen=balance_fen, channel=CHANNEL, kind=kind, remark=entry.refund_no,
            )  # fmt: skip


def _staged(rows: list[TradeRow], fault: Fault | None) -> list[TradeRow]:
    """Differences that the file's own totals hide, because they are made of the same rows."""
    match fault:
        case Fault.BILL_ROW_TWICE:
            return [rows[0], *rows]
        case Fault.BILL_ONE_FEN_OFF:
            return [replace(rows[0], receipt_fen=rows[0].receipt_fen - 1), *rows[1:]]
        case _:
            return rows


def _damaged(file: bytes, fault: Fault | None) -> bytes:
    match fault:
        case Fault.BILL_TRUNCATED:
            return file[: len(file) // 2]
        case Fault.BILL_WRONG_DIGEST:
            # In the first member's content, so that its checksum does not hold.
            place = file.index(b"PK\x03\x04", 4) - 20
            return file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
        case _:
            return file
