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
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from msgspec import Struct

from protocol.alipay.amounts import fen, yuan
from protocol.alipay.times import instant_of

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
    rows = details.read(_trade_row)
    for kind, total in ((PAYMENT_KIND, "交易合计"), (REFUND_KIND, "退款合计")):
        details.hold(total, [row.receipt_fen for row in rows if row.kind == kind])
    return TradeBill(account=details.account, rows=rows)


def account_bill(file: bytes) -> AccountBill:
    """Read a 账务账单. Raises BillFormError."""
    details = _details(file, ACCOUNT_TITLE, ACCOUNT_LIST)
    rows = details.read(_account_row)
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
Cells = dict[str, str]


class _Line(NamedTuple):
    number: int
    text: str


class _Details:
    """The file of details in its frame."""

    def __init__(self, lines: Sequence[_Line], list_name: str) -> None:
        begin = _place(lines, list_name, closes=False)
        end = _place(lines, list_name, closes=True)
        if begin is None or end is None or end <= begin + 1:
            raise BillFormError(f"the frame of {list_name} is incomplete: the file is cut off")
        self._table = lines[begin + 1 : end]
        self._totals = [line.text for line in lines[end + 1 :]]
        account = next((line.text for line in lines[:begin] if line.text.startswith("#账号")), "")
        self.account = "".join(re.findall(r"\[(.*?)\]", account))

    def read(self, make: Callable[[Cells], Row]) -> list[Row]:
        """Each row by the names of its columns."""
        header, *body = self._table
        names = [cell.strip() for cell in next(csv.reader([header.text]))]
        return [self._row(line, names, make) for line in body if line.text]

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

    def _row(self, line: _Line, names: list[str], make: Callable[[Cells], Row]) -> Row:
        cells = next(csv.reader([line.text]))
        if len(cells) != len(names):
            raise BillFormError(f"line {line.number} has {len(cells)} cells, not {len(names)}")
        try:
            return make({name: cell.strip() for name, cell in zip(names, cells, strict=True)})
        except KeyError as exc:
            raise BillFormError(f"there is no column {exc.args[0]}") from exc
        except ValueError as exc:
            raise BillFormError(f"line {line.number}: {exc}") from exc


_TOTAL = re.compile(r"：(?P<count>\d+)笔，[^\d-]*(?P<yuan>-?[\d.]+)元")


def _place(lines: Sequence[_Line], list_name: str, *, closes: bool) -> int | None:
    return next(
        (
            index
            for index, (_, text) in enumerate(lines)
            if text.startswith("#--") and list_name in text and (LIST_END in text) is closes
        ),
        None,
    )


def _details(file: bytes, title: str, list_name: str) -> _Details:
    for text in _members(file):
        lines = [
            _Line(number, line.strip(" \t\r"))
            for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1)
        ]
        if lines[0].text == title:
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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as exc:
        raise BillFormError("not a ZIP, or a damaged one") from exc
    except UnicodeDecodeError as exc:
        raise BillFormError("not in GBK") from exc


def _trade_row(cells: Cells) -> TradeRow:
    return TradeRow(
        trade_no=cells["支付宝交易号"],
        out_trade_no=cells["商户订单号"],
        kind=cells["业务类型"],
        subject=cells["商品名称"],
        created_at=instant_of(cells["创建时间"]),
        finished_at=instant_of(cells["完成时间"]),
        store_id=cells["门店编号"],
        store_name=cells["门店名称"],
        operator=cells["操作员"],
        terminal_id=cells["终端号"],
        payer=cells["对方账户"],
        order_fen=_fen(cells["订单金额（元）"]),
        receipt_fen=_fen(cells["商家实收（元）"]),
        alipay_discount_fen=_fen(cells["支付宝优惠（元）"]),
        merchant_discount_fen=_fen(cells["商家优惠（元）"]),
        out_request_no=cells["退款批次号/请求号"],
        fee_fen=_fen(cells["服务费（元）"]),
        royalty_fen=_fen(cells["分润（元）"]),
        remark=cells["备注"],
    )


def _account_row(cells: Cells) -> AccountRow:
    return AccountRow(
        entry_no=cells["账务流水号"],
        business_no=cells["业务流水号"],
        out_trade_no=cells["商户订单号"],
        subject=cells["商品名称"],
        at=instant_of(cells["发生时间"]),
        payer=cells["对方账号"],
        income_fen=_fen(cells["收入金额（+元）"]),
        # Older files write what left without a sign; the column says it.
        expense_fen=-abs(_fen(cells["支出金额（-元）"])),
        balance_fen=_fen(cells["账户余额（元）"]),
        channel=cells["交易渠道"],
        kind=cells["业务类型"],
        remark=cells["备注"],
    )


def _fen(cell: str) -> int:
    return fen(cell) if cell else 0
