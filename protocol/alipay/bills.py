"""The daily bills: a ZIP of two CSV files in GBK, details and summary, read by column name.

Which file is which is told by its first line, because neither names nor order are fixed. The rows
are held against the totals that the file itself states, so a damaged file does not pass for a
day with less business. Amounts are signed as in the file: money that leaves is negative.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from msgspec import Struct

from protocol.alipay.amounts import fen, yuan
from protocol.alipay.times import instant_of
from protocol.zipped import BROKEN

TRADE_TITLE = "#支付宝业务明细查询"
ACCOUNT_TITLE = "#支付宝账务明细查询"
TRADE_LIST = "业务明细列表"
ACCOUNT_LIST = "账务明细列表"
LIST_END = "结束"

PAYMENT_KIND, REFUND_KIND = "交易", "退款"

BYTES_MAX = 512 * 1024 * 1024
"""Of one file when unpacked: a bomb is refused before it is unpacked."""

TRADE_COLUMNS = (
    "支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号",
    "门店名称", "操作员", "终端号", "对方账户", "订单金额（元）", "商家实收（元）",
    "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）", "商家优惠（元）", "券核销金额（元）",
    "券名称", "商家红包消费金额（元）", "卡消费金额（元）", "退款批次号/请求号", "服务费（元）",
    "分润（元）", "备注",
)  # fmt: skip
ACCOUNT_COLUMNS = (
    "账务流水号", "业务流水号", "商户订单号", "商品名称", "发生时间", "对方账号",
    "收入金额（+元）", "支出金额（-元）", "账户余额（元）", "交易渠道", "业务类型", "备注",
)  # fmt: skip
ACCOUNT_COLUMNS_NEWER = ("业务基础订单号", "业务订单号", "业务账单来源", "业务描述")
"""Newer files have them behind the others; we do not read them."""


class TradeRow(Struct, frozen=True, kw_only=True):
    """A payment or a refund of the 业务账单."""

    trade_no: str
    out_trade_no: str
    """of the payment, also where the row is a refund"""
    kind: str
    """交易 or 退款; newer kinds may come"""
    subject: str = ""
    created_at: datetime
    finished_at: datetime
    store_id: str = ""
    store_name: str = ""
    operator: str = ""
    terminal_id: str = ""
    payer: str = ""
    order_fen: int
    receipt_fen: int
    """商家实收: before the fee"""
    alipay_discount_fen: int = 0
    merchant_discount_fen: int = 0
    out_request_no: str = ""
    """of a refund, ours"""
    fee_fen: int = 0
    royalty_fen: int = 0
    remark: str = ""


class AccountRow(Struct, frozen=True, kw_only=True):
    """A movement of the merchant's account, of the 账务账单."""

    entry_no: str
    business_no: str
    out_trade_no: str
    subject: str = ""
    at: datetime
    payer: str = ""
    income_fen: int
    expense_fen: int
    """negative or zero"""
    balance_fen: int
    channel: str = ""
    kind: str
    """在线支付, 交易退款, 收费 …"""
    remark: str = ""


class TradeBill(Struct, frozen=True, kw_only=True):
    """A day's payments and refunds."""

    account: str
    """the merchant's number at Alipay, 16 digits, as the file shows it"""
    rows: list[TradeRow]


class AccountBill(Struct, frozen=True, kw_only=True):
    """A day's movements."""

    account: str
    rows: list[AccountRow]


class BillFormError(ValueError):
    """A file is not what it should be; the text says what and where."""


def trade_bill(file: bytes) -> TradeBill:
    """Read a 业务账单. Raises BillFormError."""
    details = _details(file, TRADE_TITLE, TRADE_LIST)
    rows = details.read(TradeRow, _TRADE)
    for kind, total in ((PAYMENT_KIND, "交易合计"), (REFUND_KIND, "退款合计")):
        details.hold(total, [row.receipt_fen for row in rows if row.kind == kind])
    return TradeBill(account=details.account, rows=rows)


def account_bill(file: bytes) -> AccountBill:
    """Read a 账务账单. Raises BillFormError."""
    details = _details(file, ACCOUNT_TITLE, ACCOUNT_LIST)
    rows = details.read(AccountRow, _ACCOUNT)
    details.hold("收入合计", [row.income_fen for row in rows if row.income_fen])
    details.hold("支出合计", [row.expense_fen for row in rows if row.expense_fen])
    return AccountBill(account=details.account, rows=rows)


def is_whole(file: bytes) -> bool:
    """Whether it is a ZIP whose checksums hold. There is no other digest of a bill."""
    try:
        return bool(_members(file))
    except BillFormError:
        return False


Row = TypeVar("Row", bound=Struct)
Read = Callable[[str], object]


class _Column(NamedTuple):
    """Which field is read from the column of which name, and how."""

    field: str
    name: str
    read: Read


class _Details:
    """The file of details in its frame."""

    def __init__(self, lines: list[str], list_name: str) -> None:
        begin = _place(lines, list_name, closes=False)
        end = _place(lines, list_name, closes=True)
        if begin is None or end is None or end <= begin + 1:
            raise BillFormError(f"the frame of {list_name} is incomplete: the file is cut off")
        self._header_at = begin + 1
        self._table = lines[begin + 1 : end]
        self._totals = lines[end + 1 :]
        account = next((line for line in lines[:begin] if line.startswith("#账号")), "")
        self.account = "".join(re.findall(r"\[([^\[\]]*)\]", account))

    def read(self, kind: type[Row], columns: Sequence[_Column]) -> list[Row]:
        """Each row by the names of its columns."""
        table = csv.reader(self._table)
        names = [cell.strip() for cell in next(table)]
        absent = [column.name for column in columns if column.name not in names]
        if absent:
            raise BillFormError(f"there is no column {absent[0]}")
        wanted = [(column.field, names.index(column.name), column.read) for column in columns]
        rows: list[Row] = []
        for cells in table:
            if not cells:
                continue
            if len(cells) != len(names):
                raise self._fault(table.line_num, f"{len(cells)} cells, not {len(names)}")
            try:
                rows.append(kind(**{field: read(cells[at].strip()) for field, at, read in wanted}))
            except ValueError as exc:
                raise self._fault(table.line_num, str(exc)) from exc
        return rows

    def hold(self, total: str, amounts_fen: Sequence[int]) -> None:
        """Compare number and sum with what the file states, where it states any."""
        stated = next((text for text in self._totals if total in text), None)
        match = stated and _TOTAL.search(stated)
        if not match:
            return
        found_fen = sum(amounts_fen)
        if int(match["count"]) != len(amounts_fen) or abs(fen(match["yuan"])) != abs(found_fen):
            raise BillFormError(
                f"{total} says {match['count']} and {match['yuan']}, the rows give"
                f" {len(amounts_fen)} and {yuan(found_fen)}"
            )

    def _fault(self, line_num: int, why: str) -> BillFormError:
        return BillFormError(f"line {self._header_at + line_num}: {why}")


_TOTAL = re.compile(r"：(?P<count>\d{1,9})笔，[^\d-]*(?P<yuan>-?[\d.]+)元")


def _place(lines: Sequence[str], list_name: str, *, closes: bool) -> int | None:
    return next(
        (
            index
            for index, text in enumerate(lines)
            if text.startswith("#--") and list_name in text and (LIST_END in text) is closes
        ),
        None,
    )


def _details(file: bytes, title: str, list_name: str) -> _Details:
    for text in _members(file):
        lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
        if lines[0].strip() == title:
            return _Details(lines, list_name)
    raise BillFormError(f"no file of the ZIP begins with {title}")


def _members(file: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if sum(one.file_size for one in members) > BYTES_MAX:
                raise BillFormError("unpacked the file would be too large")
            # GB 18030 holds all of GBK, and the rare characters of names as well.
            return [archive.read(one).decode("gb18030") for one in members]
    except BillFormError:
        raise
    except UnicodeDecodeError as exc:
        raise BillFormError("not in GBK") from exc
    except BROKEN as exc:
        raise BillFormError("not a ZIP, or a damaged one") from exc


def _fen(cell: str) -> int:
    return fen(cell) if cell else 0


def _minus_fen(cell: str) -> int:
    """Older files write what left without a sign; the column says it."""
    return -abs(_fen(cell))


_TRADE = (
    _Column("trade_no", "支付宝交易号", str),
    _Column("out_trade_no", "商户订单号", str),
    _Column("kind", "业务类型", str),
    _Column("subject", "商品名称", str),
    _Column("created_at", "创建时间", instant_of),
    _Column("finished_at", "完成时间", instant_of),
    _Column("store_id", "门店编号", str),
    _Column("store_name", "门店名称", str),
    _Column("operator", "操作员", str),
    _Column("terminal_id", "终端号", str),
    _Column("payer", "对方账户", str),
    _Column("order_fen", "订单金额（元）", _fen),
    _Column("receipt_fen", "商家实收（元）", _fen),
    _Column("alipay_discount_fen", "支付宝优惠（元）", _fen),
    _Column("merchant_discount_fen", "商家优惠（元）", _fen),
    _Column("out_request_no", "退款批次号/请求号", str),
    _Column("fee_fen", "服务费（元）", _fen),
    _Column("royalty_fen", "分润（元）", _fen),
    _Column("remark", "备注", str),
)
_ACCOUNT = (
    _Column("entry_no", "账务流水号", str),
    _Column("business_no", "业务流水号", str),
    _Column("out_trade_no", "商户订单号", str),
    _Column("subject", "商品名称", str),
    _Column("at", "发生时间", instant_of),
    _Column("payer", "对方账号", str),
    _Column("income_fen", "收入金额（+元）", _fen),
    _Column("expense_fen", "支出金额（-元）", _minus_fen),
    _Column("balance_fen", "账户余额（元）", _fen),
    _Column("channel", "交易渠道", str),
    _Column("kind", "业务类型", str),
    _Column("remark", "备注", str),
)
