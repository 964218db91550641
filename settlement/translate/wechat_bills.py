"""From WeChat's bills to rows of ours (protocol/wechat/bills.py has the form)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from protocol.wechat.bill_stream import BillStream
from protocol.wechat.bills import SUMMED, DamagedBillError
from protocol.wechat.yuan import MoneyTextError, fen_of, yuan_text
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

CHANNEL = "wechat"
PAID, GIVEN_BACK = "SUCCESS", ("REFUND", "REVOKED")
NOTHING = "0"
"""What stands where a payment has no refund number, and a merchant nobody above it."""
_TRADE = (
    "交易时间", "商户号", "特约商户号", "微信订单号", "商户订单号", "交易状态", "微信退款单号",
    "商户退款单号", "退款状态", "手续费", "订单金额", "申请退款金额",
)  # fmt: skip
_FUNDS = (
    "记账时间", "微信支付业务单号", "资金流水单号", "业务类型", "收支类型", "收支金额(元)",
    "账户结余(元)", "业务凭证号",
)  # fmt: skip
_OTHER_NAMES = {"特约商户号": "子商户号"}
_WHY = {
    "交易": Moved.PAYMENT, "退款": Moved.REFUND, "扣除交易手续费": Moved.FEE,
    "提现": Moved.BANK, "充值": Moved.BANK,
}  # fmt: skip
_DIRECTIONS = {"收入": 1, "支出": -1}
_E5_PER_FEN = 1_000
_CUT_OFF = "请重新下载原始账单 | download the bill again"


class WechatTrade:
    """A trade bill of all kinds (bill_type=ALL)."""

    channel = CHANNEL
    kind = BillKind.TRADE
    day: date | None = None

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._stream = _opened(lines)
        columns = self._stream.columns
        if "退款申请时间" in columns or "微信退款单号" not in columns:
            raise BillError(
                "这是只含收款或只含退款的账单，请下载全部（ALL）| the bill has only payments or "
                "only refunds: download the one of all (ALL)"
            )
        self._wanted = _columns(self._stream, _TRADE)
        self._summed = [(name, one) for name, one in SUMMED.items() if one in columns]
        self._sums = [0] * len(self._summed)
        self.merchant = ""
        self.faults = Faults()
        self.times = Times()
        self.fee_told = ""

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`."""
        fen, fee, times, sums = _Memo(fen_of), _Memo(fee_of), self.times, self._sums
        own = len(_TRADE)
        names = [*self._wanted, *(column for _, column in self._summed)]
        for number, values in _guarded(self._stream, names):
            if values is None:
                self.faults.add(number, "", "列数不符 | another number of fields")
                continue
            try:
                for place, amount in enumerate(values[own:]):
                    sums[place] += fen[amount]
            except MoneyTextError as exc:
                self.faults.add(number, "", f"金额 {exc}")
                continue
            whose = values[1] if values[2] == NOTHING else values[2]
            if whose != self.merchant:
                self._meet(number, whose)
            try:
                row = _trade(number, values, fen, fee)
            except (MoneyTextError, _UnknownStateError) as exc:
                self.faults.add(number, "", str(exc))
                continue
            if times.is_time(row.at):
                yield row
            else:
                self.faults.add(number, "交易时间", f"不是时间 | no time: {row.at[:30]!r}")
        self._prove()

    def _meet(self, number: int, whose: str) -> None:
        if self.merchant:
            raise BillError(
                f"第 {number} 行属于另一商户 {whose}，不是 {self.merchant} | line {number} is of "
                f"merchant {whose}, not {self.merchant}: one merchant a file"
            )
        self.merchant = whose

    def _prove(self) -> None:
        summary = self._stream.summary
        _hold_count(summary, "总交易单数", self._stream.count)
        stated = [(name, total) for (name, _), total in zip(self._summed, self._sums, strict=True)]
        for name, total_fen in stated:
            if name in summary:
                _hold_sum(summary, name, total_fen, self.faults)
        if not {"订单总金额", "申请退款总金额"} <= summary.keys():
            raise BillError(f"汇总缺少订单总金额或申请退款总金额 | totals are missing：{_CUT_OFF}")
        self.fee_told = summary.get("手续费总金额", "")


class WechatFunds:
    """A fund-flow bill. It names no merchant: whoever fetches it knows."""

    channel = CHANNEL
    kind = BillKind.FUNDS
    day: date | None = None
    merchant = ""
    fee_told = ""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._stream = _opened(lines)
        self._wanted = _columns(self._stream, _FUNDS)
        self.faults = Faults()
        self.times = Times()

    def rows(self) -> Iterator[BillRow]:
        """See `Reading`. The balance runs on from row to row, so a missing row is found."""
        fen, balance_fen = _Memo(fen_of), None
        counts, sums = {1: 0, -1: 0}, {1: 0, -1: 0}
        for number, values in _guarded(self._stream, self._wanted):
            row = None if values is None else _move(number, values, fen)
            if row is None:
                raise BillError(
                    f"第 {number} 行无法识别，余额无从核对 | line {number} cannot be read, and the "
                    f"balance cannot be followed：{_CUT_OFF}"
                )
            after_fen = row.balance_fen or 0
            if balance_fen not in (None, after_fen - row.direction * row.amount_fen):
                raise BillError(
                    f"第 {number} 行余额接不上前一行，有缺行 | line {number}: the balance does not "
                    f"run on, a row is missing：{_CUT_OFF}"
                )
            balance_fen = after_fen
            counts[row.direction] += 1
            sums[row.direction] += row.amount_fen
            if self.times.is_time(row.at):
                yield row
            else:
                self.faults.add(number, "记账时间", f"不是时间 | no time: {row.at[:30]!r}")
        summary = self._stream.summary
        _hold_count(summary, "资金流水总笔数", self._stream.count)
        for word, direction in _DIRECTIONS.items():
            _hold_count(summary, f"{word}笔数", counts[direction])
            _hold_sum(summary, f"{word}金额", sums[direction], self.faults)


def fee_of(text: str) -> int:
    """A fee with five decimals, in fen: half of a fen is rounded away from zero."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, decimals = digits.partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(whole) > 13 or len(decimals) > 5:
        raise MoneyTextError(f"{text[:20]!r} is no fee")
    if decimals and not (decimals.isascii() and decimals.isdigit()):
        raise MoneyTextError(f"{text[:20]!r} is no fee")
    fee_e5 = int(whole) * 100_000 + int(decimals.ljust(5, "0"))
    return sign * ((fee_e5 + _E5_PER_FEN // 2) // _E5_PER_FEN)


class _UnknownStateError(Exception):
    """A state of a row that we have no word for."""


class _Memo(dict[str, int]):
    """Amounts by their text: a bill repeats itself, and a look-up is cheaper than reading."""

    ROOM = 200_000

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> int:
        amount = self._read(text)
        if len(self) < self.ROOM:
            self[text] = amount
        return amount


def _trade(number: int, values: Sequence[str], fen: _Memo, fee: _Memo) -> TradeRow:
    at, _, _, channel_no, order_no, state, back_no, refund_no, back_state, fee_text, paid, back = (
        values[: len(_TRADE)]
    )
    if state == PAID:
        return TradeRow(
            number, False, at, order_no, "", channel_no, "", state, fen[paid], fee[fee_text]
        )
    if state not in GIVEN_BACK:
        raise _UnknownStateError(f"交易状态 {state[:30]!r} 未知 | unknown state")
    return TradeRow(
        number, True, at, order_no, "" if refund_no == NOTHING else refund_no, channel_no,
        "" if back_no == NOTHING else back_no, f"{state}/{back_state}" if back_state else state,
        fen[back], fee[fee_text],
    )  # fmt: skip


def _move(number: int, values: Sequence[str], fen: _Memo) -> MoveRow | None:
    at, business_no, flow_no, said, way, amount, balance, voucher = values
    direction = _DIRECTIONS.get(way)
    if direction is None:
        return None
    try:
        return MoveRow(
            number, _WHY.get(said, Moved.OTHER), direction, at, flow_no, business_no, voucher, said,
            fen[amount], fen[balance],
        )  # fmt: skip
    except MoneyTextError:
        return None


def _opened(lines: Iterable[bytes]) -> BillStream:
    try:
        return BillStream(lines)
    except DamagedBillError as exc:
        raise _refused(exc) from exc


def _guarded(
    stream: BillStream, names: Sequence[str]
) -> Iterator[tuple[int, tuple[str, ...] | None]]:
    try:
        yield from stream.rows(names)
    except DamagedBillError as exc:
        raise _refused(exc) from exc


def _refused(exc: DamagedBillError) -> BillError:
    said = str(exc)
    if "UTF-8" in said:
        return BillError(
            f"文件不是 UTF-8 编码，可能被表格软件另存过，请用原始文件 | {said}; it was perhaps "
            "saved by a spreadsheet: take the file as it came"
        )
    if "two files" in said:
        return BillError(f"两份账单接在了一个文件里，请分开 | {said}: take each by itself")
    return BillError(f"账单不完整：{_CUT_OFF}（{said}）")


def _columns(stream: BillStream, wanted: Sequence[str]) -> list[str]:
    """The names of the columns as this file has them."""
    found = []
    for name in wanted:
        here = name if name in stream.columns else _OTHER_NAMES.get(name, name)
        if here not in stream.columns:
            raise BillError(
                f"没有「{name}」一列，不是支持的账单格式 | there is no column {name}: not a form "
                "of bill that is known"
            )
        found.append(here)
    return found


def _hold_count(summary: dict[str, str], name: str, count: int) -> None:
    told = summary.get(name)
    if told != str(count):
        raise BillError(
            f"{name}为 {told}，文件中有 {count} 行：{_CUT_OFF}（the summary says {told}, the file "
            f"has {count} rows）"
        )


def _hold_sum(summary: dict[str, str], name: str, total_fen: int, faults: Faults) -> None:
    told = summary.get(name, "")
    try:
        told_fen = fen_of(told)
    except MoneyTextError:
        told_fen = None
    if told_fen != total_fen:
        unread = f"；无法识别的行：{faults.shown()}" if faults else ""
        raise BillError(
            f"{name}为 {told or '空'}，各行合计 {yuan_text(total_fen)}{unread}：{_CUT_OFF}（the "
            f"summary says {told or 'nothing'}, the rows make {yuan_text(total_fen)}）"
        )
