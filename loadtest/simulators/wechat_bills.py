"""The next day's bills of the simulated WeChat, made of its book and of nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from loadtest.simulators.channel_book import BookEntry, Movement
from loadtest.simulators.channel_faults import Fault
from protocol.wechat.bills import (
    FUND_COLUMNS,
    REFUND_COLUMNS,
    SUCCESS_COLUMNS,
    TRADE_COLUMNS,
    trade_summary,
    write_bill,
)
from protocol.wechat.yuan import fen_of, yuan_text
from settlement.clock import local_time

FEE_RATE = "0.60%"
_FEE_E5_PER_FEN = 6
"""0.60 % of a fen, in the bill's fifth decimal of a yuan."""
BILL_TYPES = {"ALL": TRADE_COLUMNS, "SUCCESS": SUCCESS_COLUMNS, "REFUND": REFUND_COLUMNS}
STATES = {Movement.PAID: "SUCCESS", Movement.REFUNDED: "REFUND", Movement.UNDONE: "REVOKED"}

Row = dict[str, str]


def trade_bill(
    entries: Iterable[BookEntry], bill_type: str, fault: Fault | None
) -> bytes | None:
    """Of one merchant and day; None where nothing moved."""
    entries = [entry for entry in entries if _is_on(entry, bill_type)]
    if not entries:
        return None
    rows = _with_fault([_trade_row(entry) for entry in entries], "订单金额", fault)
    fee_e5 = sum(_fee_e5(entry) for entry in entries)
    summary = trade_summary(rows, _e5_text(fee_e5))
    return _cut(write_bill(BILL_TYPES[bill_type], rows, summary), fault)


def fund_bill(
    entries: Iterable[BookEntry], *, day: str, opening_fen: int, fault: Fault | None
) -> bytes | None:
    """Of one merchant and day, with a balance that runs on from `opening_fen`."""
    rows: list[Row] = []
    balance_fen = opening_fen
    for entry in entries:
        if entry.day != day or entry.movement is Movement.CLOSED:
            continue
        for kind, direction, amount_fen in _flows(entry):
            balance_fen += amount_fen if direction == "收入" else -amount_fen
            rows.append(_fund_row(entry, kind, direction, amount_fen, balance_fen))
    if not rows:
        return None
    rows = _with_fault(rows, "收支金额(元)", fault)
    summary = {"资金流水总笔数": str(len(rows))}
    for direction in ("收入", "支出"):
        amounts = [fen_of(row["收支金额(元)"]) for row in rows if row["收支类型"] == direction]
        summary |= {
            f"{direction}笔数": str(len(amounts)), f"{direction}金额": yuan_text(sum(amounts))
        }  # fmt: skip
    return _cut(write_bill(FUND_COLUMNS, rows, summary), fault)


def kept_fen(entries: Iterable[BookEntry]) -> int:
    """What so many movements leave on the merchant's account."""
    flows = (flow for entry in entries for flow in _flows(entry))
    return sum(amount if direction == "收入" else -amount for _, direction, amount in flows)


def _flows(entry: BookEntry) -> list[tuple[str, str, int]]:
    fee_fen = (entry.amount_fen * 6 + 500) // 1000
    match entry.movement:
        case Movement.PAID:
            flows = [("交易", "收入", entry.amount_fen), ("扣除交易手续费", "支出", fee_fen)]
        case Movement.REFUNDED | Movement.UNDONE:
            flows = [("退款", "支出", entry.amount_fen - fee_fen)]
        case Movement.CLOSED:
            flows = []
    return [flow for flow in flows if flow[2]]


def _is_on(entry: BookEntry, bill_type: str) -> bool:
    if bill_type == "SUCCESS":
        return entry.movement is Movement.PAID
    if bill_type == "REFUND":
        return entry.movement is Movement.REFUNDED
    return entry.movement in STATES


def _trade_row(entry: BookEntry) -> Row:
    is_paid = entry.movement is Movement.PAID
    amount, nothing = yuan_text(entry.amount_fen), "0.00"
    at = f"{local_time(entry.at):%Y-%m-%d %H:%M:%S}"
    told = entry.details
    return {
        "交易时间": at,
        "公众账号ID": told["appid"],
        "商户号": told["mchid"],
        "特约商户号": told["sub_mchid"] or "0",
        "设备号": told["device"],
        "微信订单号": entry.reference,
        "商户订单号": entry.order_no,
        "用户标识": told["openid"],
        "交易类型": told["trade_type"],
        "交易状态": STATES[entry.movement],
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": amount if is_paid else nothing,
        "代金券金额": nothing,
        "退款申请时间": at,
        "退款成功时间": at,
        "微信退款单号": entry.refund_reference or "0",
        "商户退款单号": entry.refund_no or "0",
        "退款金额": nothing if is_paid else amount,
        "充值券退款金额": nothing,
        "退款类型": "" if is_paid else "ORIGINAL",
        "退款状态": "" if is_paid else "SUCCESS",
        "商品名称": told["description"],
        "商户数据包": told["attach"],
        "手续费": _e5_text(_fee_e5(entry)),
        "费率": FEE_RATE,
        "订单金额": amount if is_paid else nothing,
        "申请退款金额": nothing if is_paid else amount,
        "费率备注": "",
    }


def _fund_row(
    entry: BookEntry, kind: str, direction: str, amount_fen: int, balance_fen: int
) -> Row:
    return {
        "记账时间": f"{local_time(entry.at):%Y-%m-%d %H:%M:%S}",
        "微信支付业务单号": entry.refund_reference or entry.reference,
        "资金流水单号": f"1{entry.seq:017d}{len(kind)}",
        "业务名称": kind,
        "业务类型": kind,
        "收支类型": direction,
        "收支金额(元)": yuan_text(amount_fen),
        "账户结余(元)": yuan_text(balance_fen),
        "资金变更提交申请人": "system" if kind != "退款" else f"{entry.merchant_no}API",
        "备注": "",
        "业务凭证号": entry.refund_no or entry.order_no,
    }


def _with_fault(rows: list[Row], column: str, fault: Fault | None) -> list[Row]:
    """A row twice, or a fen too much in the last one; the summary is then made of it, so that the
    file is in itself in order and only a comparison finds it."""
    if fault is Fault.BILL_ROW_TWICE:
        return [*rows, rows[-1]]
    if fault is Fault.BILL_ONE_FEN_OFF:
        off_fen = fen_of(rows[-1][column]) + 1
        return [*rows[:-1], rows[-1] | {column: yuan_text(off_fen)}]
    return rows


def _cut(written: bytes, fault: Fault | None) -> bytes:
    return written[: len(written) * 2 // 3] if fault is Fault.BILL_TRUNCATED else written


def _fee_e5(entry: BookEntry) -> int:
    fee_e5 = entry.amount_fen * _FEE_E5_PER_FEN
    return fee_e5 if entry.movement is Movement.PAID else -fee_e5


def _e5_text(value: int) -> str:
    sign, size = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{size // 100_000}.{size % 100_000:05d}"
