"""From Alipay's bills to rows of ours (protocol/alipay/bills.py has the form)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from protocol.alipay.amounts import fen, yuan
from protocol.alipay.bill_stream import DetailStream
from protocol.alipay.bills import (
    ACCOUNT_TITLE,
    PAYMENT_KIND,
    REFUND_KIND,
    TRADE_TITLE,
    BillFormError,
)
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

CHANNEL = "alipay"
_TRADE = (
    "支付宝交易号", "商户订单号", "业务类型", "完成时间", "商家实收（元）", "退款批次号/请求号",
    "服务费（元）",
)  # fmt: skip
_FUNDS = (
    "账务流水号", "业务流水号", "商户订单号", "发生时间", "收入金额（+元）", "支出金额（-元）",
    "账户余额（元）", "业务类型", "备注",
)  # fmt: skip
_WHY = {
    "在线支付": Moved.PAYMENT, "交易付款": Moved.PAYMENT, "交易退款": Moved.REFUND,
    "收费": Moved.FEE, "退费": Moved.FEE, "提现": Moved.BANK, "充值": Moved.BANK,
}  # fmt: skip


class _Alipay:
    """What both files have in common: the frame, and totals by name."""

    channel = CHANNEL
    fee_told = ""

    def __init__(self, stream: DetailStream, wanted: Sequence[str]) -> None:
        absent = [name for name in wanted if name not in stream.columns]
        if absent:
            raise BillError(
                f"没有「{absent[0]}」一列，不是支持的账单格式 | there is no column {absent[0]}: "
                "not a form of bill that is known"
            )
        self._stream = stream
        self._wanted = wanted
        self.merchant = stream.account
        self.day: date | None = stream.day
        self.faults = Faults()
        self.times = Times()

    def _values(self) -> Iterator[tuple[int, list[str]]]:
        try:
            for number, cells in self._stream.rows(self._wanted):
                if cells is None:
                    self.faults.add(number, "", "列数不符 | another number of fields")
                else:
                    yield number, [cell.strip() for cell in cells]
        except BillFormError as exc:
            raise refused(exc) from exc

    def _hold(self, name: str, count: int, amount_fen: int) -> None:
        told = self._stream.totals.get(name)
        if told is None:
            raise BillError(
                f"文件没有「{name}」，无从核对，请重新下载 | the file does not state {name}: "
                "download it again"
            )
        if told != (count, abs(amount_fen)):
            unread = f"；无法识别的行：{self.faults.shown()}" if self.faults else ""
            raise BillError(
                f"{name} {told.rows} 笔 {yuan(told.amount_fen)} 元，各行合计 {count} 笔 "
                f"{yuan(abs(amount_fen))} 元{unread}：请重新下载原始账单 | the file states other "
                "totals than its rows make: download it again"
            )


class AlipayTrade(_Alipay):
    """业务账单: payments and refunds."""

    kind = BillKind.TRADE

    def __init__(self, stream: DetailStream) -> None:
        super().__init__(stream, _TRADE)

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`."""
        counts = {PAYMENT_KIND: 0, REFUND_KIND: 0}
        sums = {PAYMENT_KIND: 0, REFUND_KIND: 0}
        for number, cells in self._values():
            channel_no, order_no, kind, at, receipt, refund_no, fee = cells
            if kind not in counts:
                self.faults.add(number, "业务类型", f"{kind[:30]!r} 未知 | unknown kind")
                continue
            try:
                amount_fen, fee_fen = fen(receipt), -_fen(fee)
            except ValueError as exc:
                self.faults.add(number, "商家实收（元）", f"金额 {exc}")
                continue
            counts[kind] += 1
            sums[kind] += amount_fen
            if not self.times.is_time(at):
                self.faults.add(number, "完成时间", f"不是时间 | no time: {at[:30]!r}")
                continue
            is_refund = kind == REFUND_KIND
            # A cancel has no request number of its own: the order's stands there.
            own_no = refund_no if is_refund and refund_no != order_no else ""
            yield TradeRow(
                number, is_refund, at, order_no, own_no, channel_no, "", kind, abs(amount_fen),
                fee_fen,
            )  # fmt: skip
        self._hold("交易合计", counts[PAYMENT_KIND], sums[PAYMENT_KIND])
        self._hold("退款合计", counts[REFUND_KIND], sums[REFUND_KIND])


class AlipayFunds(_Alipay):
    """账务账单: movements of the account."""

    kind = BillKind.FUNDS

    def __init__(self, stream: DetailStream) -> None:
        super().__init__(stream, _FUNDS)

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`."""
        counts, sums = {1: 0, -1: 0}, {1: 0, -1: 0}
        for number, cells in self._values():
            flow_no, business_no, order_no, at, income, expense, balance, said, remark = cells
            try:
                moved_fen = _fen(income) - abs(_fen(expense))
                balance_fen = _fen(balance)
            except ValueError as exc:
                self.faults.add(number, "", f"金额 {exc}")
                continue
            direction = 1 if moved_fen >= 0 else -1
            if moved_fen:
                counts[direction] += 1
                sums[direction] += moved_fen
            if not self.times.is_time(at):
                self.faults.add(number, "发生时间", f"不是时间 | no time: {at[:30]!r}")
                continue
            why = _WHY.get(said, Moved.OTHER)
            ours = remark if why is Moved.REFUND and remark else order_no
            yield MoveRow(
                number, why, direction, at, flow_no, business_no, ours, said, abs(moved_fen),
                balance_fen,
            )  # fmt: skip
        self._hold("收入合计", counts[1], sums[1])
        self._hold("支出合计", counts[-1], sums[-1])


def alipay_reading(lines: Iterable[bytes]) -> AlipayTrade | AlipayFunds:
    """A file of details of either kind. Raises BillError."""
    try:
        stream = DetailStream(lines)
    except BillFormError as exc:
        raise refused(exc) from exc
    return AlipayTrade(stream) if stream.title == TRADE_TITLE else AlipayFunds(stream)


def refused(exc: BillFormError) -> BillError:
    """What is wrong with the frame, for people."""
    said = str(exc)
    if "GBK" in said:
        return BillError(f"文件不是 GBK 编码，请用原始 ZIP | {said}: take the ZIP as it came")
    if "two files" in said:
        return BillError(f"两份账单接在了一个文件里，请分开 | {said}: take each by itself")
    if "not of a day" in said:
        return BillError(f"这不是一天的账单，请按天下载 | {said}: download it day by day")
    return BillError(f"账单不完整，请重新下载原始 ZIP | {said}: download the ZIP again")


IS_DETAILS = (TRADE_TITLE, ACCOUNT_TITLE)
"""How a file of details begins."""


def _fen(cell: str) -> int:
    return fen(cell) if cell else 0
