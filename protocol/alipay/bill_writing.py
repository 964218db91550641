"""The daily bills as Alipay writes them, so that a simulated day can be read like a real one.

A TAB behind every text that a spreadsheet could take for a number, brackets full-width, names of
the members in GBK with the ZIP's UTF-8 flag unset.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from protocol.alipay.amounts import yuan
from protocol.alipay.bills import (
    ACCOUNT_COLUMNS,
    ACCOUNT_LIST,
    ACCOUNT_TITLE,
    LIST_END,
    PAYMENT_KIND,
    REFUND_KIND,
    TRADE_COLUMNS,
    TRADE_LIST,
    TRADE_TITLE,
    AccountRow,
    TradeRow,
)
from protocol.alipay.times import CHINA, text_of

TRADE_SUMMARY_TITLE = "#支付宝业务汇总查询"
ACCOUNT_SUMMARY_TITLE = "#支付宝账务汇总查询"
TRADE_SUMMARY_COLUMNS = (
    "门店编号", "门店名称", "交易订单总笔数", "退款订单总笔数", "订单金额（元）",
    "商家实收（元）", "支付宝优惠（元）", "商家优惠（元）", "卡消费金额（元）", "服务费（元）",
    "分润（元）", "实收净额（元）",
)  # fmt: skip
ACCOUNT_SUMMARY_COLUMNS = (
    "类型", "收入笔数", "收入金额（+元）", "支出笔数", "支出金额（-元）", "总金额（元）",
)  # fmt: skip

Table = Sequence[Sequence[str]]


def trade_file(account: str, day: date, rows: Sequence[TradeRow], *, made_at: datetime) -> bytes:
    """A day's 业务账单."""
    paid = [row for row in rows if row.kind == PAYMENT_KIND]
    refunded = [row for row in rows if row.kind == REFUND_KIND]
    details = _framed(
        TRADE_TITLE, account, day, TRADE_LIST, [TRADE_COLUMNS, *map(_trade_cells, rows)],
        totals=[
            f"#交易合计：{len(paid)}笔，商家实收共{_sum('receipt_fen', paid)}元，"
            f"商家优惠共{_sum('merchant_discount_fen', paid)}元",
            f"#退款合计：{len(refunded)}笔，商家实收退款共{_sum('receipt_fen', refunded)}元，"
            f"商家优惠退款共{_sum('merchant_discount_fen', refunded)}元",
        ],
        made_at=made_at,
    )  # fmt: skip
    summary = _framed(
        TRADE_SUMMARY_TITLE, account, day, "业务汇总列表",
        [TRADE_SUMMARY_COLUMNS, *_trade_summary(rows)], totals=[], made_at=made_at,
    )  # fmt: skip
    name = f"{account}_{day:%Y%m%d}"
    return _zip({f"{name}_业务明细.csv": details, f"{name}_业务明细(汇总).csv": summary}, made_at)


def account_file(
    account: str, day: date, rows: Sequence[AccountRow], *, made_at: datetime
) -> bytes:
    """A day's 账务账单."""
    income = [row for row in rows if row.income_fen]
    expense = [row for row in rows if row.expense_fen]
    details = _framed(
        ACCOUNT_TITLE, account, day, ACCOUNT_LIST, [ACCOUNT_COLUMNS, *map(_account_cells, rows)],
        totals=[
            f"#支出合计：{len(expense)}笔，共{_sum('expense_fen', expense)}元",
            f"#收入合计：{len(income)}笔，共{_sum('income_fen', income)}元",
        ],
        made_at=made_at,
    )  # fmt: skip
    summary = _framed(
        ACCOUNT_SUMMARY_TITLE, account, day, "账务汇总列表",
        [ACCOUNT_SUMMARY_COLUMNS, *_account_summary(rows)], totals=[], made_at=made_at,
    )  # fmt: skip
    name = f"{account}_{day:%Y%m%d}"
    return _zip({f"{name}_账务明细.csv": details, f"{name}_账务明细(汇总).csv": summary}, made_at)


def _framed(
    title: str, account: str, day: date, list_name: str, table: Table, *,
    totals: Sequence[str], made_at: datetime,
) -> bytes:  # fmt: skip
    next_day = day + timedelta(days=1)
    lines = [
        title,
        f"#账号：[{account}]",
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{next_day:%Y年%m月%d日} 00:00:00]",
        f"#{'-' * 41}{list_name}{'-' * 40}",
        *(",".join(row) for row in table),
        f"#{'-' * 41}{list_name}{LIST_END}{'-' * 36}",
        *totals,
        f"#导出时间：[{made_at.astimezone(CHINA):%Y年%m月%d日 %H:%M:%S}]",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("gb18030")


def _trade_cells(row: TradeRow) -> list[str]:
    return [
        f"{row.trade_no}\t", f"{row.out_trade_no}\t", row.kind, f"{row.subject}\t",
        text_of(row.created_at), text_of(row.finished_at),
        f"{row.store_id}\t", f"{row.store_name}\t", f"{row.operator}\t", f"{row.terminal_id}\t",
        f"{row.payer}\t", yuan(row.order_fen), yuan(row.receipt_fen), "0.00", "0.00",
        yuan(row.alipay_discount_fen), yuan(row.merchant_discount_fen), "0.00", "\t",
        "0.00", "0.00", f"{row.out_request_no}\t", yuan(row.fee_fen), yuan(row.royalty_fen),
        f"{row.remark}\t",
    ]  # fmt: skip


def _account_cells(row: AccountRow) -> list[str]:
    return [
        f"{row.entry_no}\t", f"{row.business_no}\t", f"{row.out_trade_no}\t", f"{row.subject}\t",
        text_of(row.at), f"{row.payer}\t", yuan(row.income_fen), yuan(row.expense_fen),
        yuan(row.balance_fen), row.channel, row.kind, row.remark,
    ]  # fmt: skip


def _trade_summary(rows: Sequence[TradeRow]) -> list[list[str]]:
    stores = sorted({(row.store_id, row.store_name) for row in rows})
    groups = [
        (f"{number}\t", f"{name}\t", [row for row in rows if row.store_id == number])
        for number, name in stores
    ]
    return [_store(number, name, one) for number, name, one in (*groups, ("合计", "\t", rows))]


def _store(number: str, name: str, rows: Sequence[TradeRow]) -> list[str]:
    net_fen = sum(row.receipt_fen + row.fee_fen + row.royalty_fen for row in rows)
    return [
        number, name,
        str(sum(row.kind == PAYMENT_KIND for row in rows)),
        str(sum(row.kind == REFUND_KIND for row in rows)),
        _sum("order_fen", rows), _sum("receipt_fen", rows), _sum("alipay_discount_fen", rows),
        _sum("merchant_discount_fen", rows), "0.00", _sum("fee_fen", rows),
        _sum("royalty_fen", rows), yuan(net_fen),
    ]  # fmt: skip


def _account_summary(rows: Sequence[AccountRow]) -> list[list[str]]:
    kinds = sorted({row.kind for row in rows})
    groups = [(kind, [row for row in rows if row.kind == kind]) for kind in kinds]
    return [
        [
            kind,
            str(sum(row.income_fen != 0 for row in one)), _sum("income_fen", one),
            str(sum(row.expense_fen != 0 for row in one)), _sum("expense_fen", one),
            yuan(sum(row.income_fen + row.expense_fen for row in one)),
        ]
        for kind, one in (*groups, ("合计", rows))
    ]  # fmt: skip


def _sum(name: str, rows: Iterable[TradeRow | AccountRow]) -> str:
    return yuan(sum(getattr(row, name) for row in rows))


def _zip(members: dict[str, bytes], made_at: datetime) -> bytes:
    """Written by hand: `zipfile` puts a name that is not ASCII in UTF-8 and says so in its flag."""
    body, directory = b"", b""
    stamp = _dos_time(made_at)
    for name, content in members.items():
        raw_name = name.encode("gbk")
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        sizes = struct.pack("<3L", zlib.crc32(content), len(packed), len(content))
        head = struct.pack("<3H", 20, 0, 8) + stamp + sizes + struct.pack("<2H", len(raw_name), 0)
        place = struct.pack("<3H2L", 0, 0, 0, 0, len(body))
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + head + place + raw_name
        body += b"PK\x03\x04" + head + raw_name + packed
    count = len(members)
    end = struct.pack("<4H2LH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def _dos_time(at: datetime) -> bytes:
    local = at.astimezone(CHINA)
    clock = local.hour << 11 | local.minute << 5 | local.second // 2
    return struct.pack("<2H", clock, (local.year - 1980) << 9 | local.month << 5 | local.day)
