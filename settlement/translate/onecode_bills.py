"""From bills of one-code payment to rows of ours (protocol/onecode_bills.py has the form)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from ledger.money import yuan_text
from protocol.onecode_bills import BillDamagedError, Foot, Kind, OneCodeBill, Row
from settlement.books.bill import BillError, BillKind, BillRow, Faults, Times, TradeRow

CHANNEL = "onecode"
_KINDS = frozenset(Kind)
_AGAIN = "请重新下载原始账单 | download the bill again"


class OneCodeTrade:
    """A bill of payments, refunds and what was taken back."""

    channel = CHANNEL
    kind = BillKind.TRADE

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Raises BillError."""
        try:
            self._bill = OneCodeBill(lines)
            self.day: date | None = date.fromisoformat(self._bill.head.billDate)
        except (BillDamagedError, ValueError) as exc:
            raise BillError(f"账单首行无法识别（{exc}）：{_AGAIN}") from exc
        self.merchant = self._bill.head.merchantNo
        self.fee_told = ""
        self.faults = Faults()
        self.times = Times()

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`."""
        count = paid_fen = back_fen = fee_fen = 0
        try:
            for number, row in self._bill.rows():
                count += 1
                read = row if isinstance(row, str) else _trade(number, row)
                if isinstance(read, str):
                    self.faults.add(number, "", read)
                    continue
                paid_fen += 0 if read.is_refund else read.amount_fen
                back_fen += read.amount_fen if read.is_refund else 0
                fee_fen += read.fee_fen
                if self.times.is_time(read.at):
                    yield read
                else:
                    self.faults.add(number, "at", f"不是时间 | no time: {read.at[:30]!r}")
        except BillDamagedError as exc:
            raise BillError(f"账单不完整（{exc}）：{_AGAIN}") from exc
        self._prove(count, paid_fen, back_fen, fee_fen)

    def _prove(self, count: int, paid_fen: int, back_fen: int, fee_fen: int) -> None:
        foot = self._bill.foot
        if foot is None:
            raise BillError(f"账单没有末行：{_AGAIN}")
        found = Foot(rows=count, paidFen=paid_fen, backFen=back_fen, feeFen=fee_fen)
        if foot != found:
            unread = f"；无法识别的行：{self.faults.shown()}" if self.faults else ""
            raise BillError(
                f"末行为 {_shown(foot)}，各行合计 {_shown(found)}{unread}：{_AGAIN}（the last line "
                f"and the rows differ）"
            )
        self.fee_told = yuan_text(foot.feeFen)


def _trade(number: int, row: Row) -> TradeRow | str:
    if row.kind not in _KINDS:
        return f"类型 {row.kind[:30]!r} 未知 | unknown kind"
    if row.fen < 0:
        return f"金额 {row.fen} 为负 | a negative amount"
    return TradeRow(
        number, row.kind != Kind.PAY, row.at, row.outTradeNo, row.outRefundNo, row.tradeNo,
        row.refundId, row.kind, row.fen, row.feeFen,
    )  # fmt: skip


def _shown(foot: Foot) -> str:
    return (
        f"{foot.rows} 行、收款 {yuan_text(foot.paidFen)}、退款 {yuan_text(foot.backFen)}、手续费 "
        f"{yuan_text(foot.feeFen)}"
    )
