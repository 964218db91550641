"""From UnionPay's statement files to rows of ours (protocol/unionpay/layouts.py has the columns).

The files state no totals. What is held instead: every line has its full width, its settled amount
is its amount less its fee, and the ZIP's checksum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

from protocol.unionpay.clearing_day import clearing_day
from protocol.unionpay.codes import PAY, REFUND, VOID
from protocol.unionpay.layouts import ZM, ZME
from protocol.unionpay.statement_stream import cut_lines
from protocol.unionpay.times import BEIJING, parse_short_time
from settlement.books.bill import (
    BillError,
    BillKind,
    BillRow,
    Faults,
    Moved,
    MoveRow,
    Times,
    TradeRow,
)

CHANNEL = "unionpay"
_NORMAL = (
    "txnTime", "merId", "queryId", "orderId", "txnType", "origQryId", "origOrderId", "txnAmt",
    "fee", "settleAmt",
)  # fmt: skip
_ADJUSTED = ("txnTime", "traceNo", "transCode", "txnAmt")
_SIGNS = {"C": 1, "D": -1}


class _UnionPay:
    """What both files have in common. `day` is the clearing day, which is in the file's name."""

    channel = CHANNEL
    fee_told = ""

    def __init__(self, lines: Iterable[bytes], merchant: str, day: date) -> None:
        self._lines = lines
        self.merchant = merchant
        self.day: date | None = day
        self.faults = Faults()
        self.times = Times()
        self._instants = _Instants(day, self.times)

    def _unread(self, number: int, reason: str) -> None:
        if "bytes instead of" in reason:
            raise BillError(
                f"第 {number} 行长度不对，文件被截断、接在一起或转过编码，请用原始文件 | line "
                f"{number}: {reason}; the file was cut off, joined or saved in another charset"
            )
        self.faults.add(number, "", reason)


class UnionPayTrade(_UnionPay):
    """ZM: transactions of a clearing day."""

    kind = BillKind.TRADE

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`."""
        for number, cells in cut_lines(self._lines, ZM, _NORMAL):
            if isinstance(cells, str):
                self._unread(number, cells)
                continue
            at, merchant, query_id, order_id, kind, of_query, of_order, *money = cells
            if merchant != self.merchant:
                raise BillError(
                    f"第 {number} 行属于另一商户 {merchant}，不是 {self.merchant} | line {number} "
                    f"is of merchant {merchant}, not {self.merchant}"
                )
            if kind not in (PAY, REFUND, VOID):
                self.faults.add(number, "txnType", f"{kind!r} 未知 | unknown")
                continue
            is_refund = kind != PAY
            amounts = _amounts(*money, is_refund=is_refund)
            when = self._instants.get(at)
            if isinstance(amounts, str) or not when:
                column, why = ("txnAmt", amounts) if isinstance(amounts, str) else ("txnTime", at)
                self.faults.add(number, column, str(why))
                continue
            amount_fen, fee_fen = amounts
            if is_refund:
                yield TradeRow(
                    number, True, when, of_order, order_id, of_query, query_id, kind, amount_fen,
                    fee_fen,
                )  # fmt: skip
            else:
                yield TradeRow(
                    number, False, when, order_id, "", query_id, "", kind, amount_fen, fee_fen
                )


class UnionPayAdjusted(_UnionPay):
    """ZME: adjustments. Which way the money went is not known for sure (reference 8.2)."""

    kind = BillKind.FUNDS

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`."""
        for number, cells in cut_lines(self._lines, ZME, _ADJUSTED):
            if isinstance(cells, str):
                self._unread(number, cells)
                continue
            at, trace_no, code, amount = cells
            when = self._instants.get(at)
            if not (amount.isascii() and amount.isdigit()) or not when:
                self.faults.add(number, "txnAmt, txnTime", f"{amount[:20]!r}, {at!r}")
                continue
            yield MoveRow(
                number, Moved.ADJUSTMENT, 0, when, trace_no, "", "", code, int(amount), None
            )


class _Instants:
    """Times without a year, read near the clearing day, each once; counted by clearing day."""

    def __init__(self, day: date, times: Times) -> None:
        self._noon = datetime.combine(day, time(12), BEIJING)
        self._known: dict[str, tuple[str, str]] = {}
        self._times = times

    def get(self, text: str) -> str:
        """`YYYY-MM-DD HH:MM:SS`; empty where it is no time."""
        found = self._known.get(text)
        if found is None:
            try:
                at = parse_short_time(text, near=self._noon)
            except ValueError:
                return ""
            found = self._known[text] = f"{at:%Y-%m-%d %H:%M:%S}", f"{clearing_day(at)}"
        self._times.by_day[found[1]] += 1
        return found[0]


def _amounts(
    amount: str, fee: str, settled: str, *, is_refund: bool
) -> tuple[int, int] | str:
    """Amount and fee of a line, or why they cannot be."""
    fee_fen, settled_fen = _signed(fee), _signed(settled)
    if not (amount.isascii() and amount.isdigit()) or fee_fen is None or settled_fen is None:
        return f"金额 {amount[:20]!r} {fee[:20]!r} {settled[:20]!r}"
    amount_fen = int(amount)
    if settled_fen != (-amount_fen if is_refund else amount_fen) + fee_fen:
        return "结算金额不等于金额减手续费 | the settled amount is not the amount less the fee"
    return amount_fen, -fee_fen


def _signed(text: str) -> int | None:
    sign, digits = _SIGNS.get(text[:1]), text[1:]
    if sign is None or not (digits.isascii() and digits.isdigit()):
        return None
    return sign * int(digits)
