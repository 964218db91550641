"""Bills of payments as WeChat writes them, of one merchant and day."""

from __future__ import annotations

from datetime import date

from loadtest.drills.bill_import import MERCHANTS
from protocol.wechat.bills import TRADE_COLUMNS, trade_summary, write_bill

MERCHANT = MERCHANTS["wechat"]


def wechat_bill(day: date, *prices: str, merchant: str = MERCHANT, last_at: str = "") -> bytes:
    """A trade bill with so many payments; `last_at` is what the last of them says of its time."""
    rows = [
        dict.fromkeys(TRADE_COLUMNS, "") | {
            "交易时间": f"{day} 10:00:00", "商户号": merchant, "特约商户号": "0",
            "微信订单号": f"42000{number:023d}", "商户订单号": f"X{number}", "交易状态": "SUCCESS",
            "应结订单金额": price, "代金券金额": "0.00", "微信退款单号": "0", "商户退款单号": "0",
            "退款金额": "0.00", "充值券退款金额": "0.00", "商品名称": "测试药店",
            "手续费": "0.00000", "订单金额": price, "申请退款金额": "0.00",
        }
        for number, price in enumerate(prices)
    ]  # fmt: skip
    if last_at:
        rows[-1]["交易时间"] = last_at
    return write_bill(TRADE_COLUMNS, rows, trade_summary(rows, "0.00000"))
