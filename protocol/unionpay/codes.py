"""Response codes (应答码), as far as they are known, and the kinds of transactions.

The official list was not at hand. The meanings come from public code that repeats it; what a code
asks of us is decided in `settlement/channels/unionpay_outcomes`, not here.
"""

from __future__ import annotations

from types import MappingProxyType

ACCEPTED = "00"
"""A query: it worked. A payment, void or refund: accepted, and by contract perhaps done."""
PARTLY_FLAWED = "A6"
"""有缺陷的成功."""
NO_SUCH_TRANSACTION = "34"
NO_FILE = "98"

PAY, QUERY, REVERSE, VOID, REFUND, FILE = "01", "00", "99", "31", "04", "76"
"""txnType."""
SCANNED, APPLIED = "06", "07"
"""txnSubType of a payment: 被扫 消费, 主扫 申请二维码."""

MEANINGS = MappingProxyType(
    {
        ACCEPTED: "成功",
        "01": "交易失败",
        "02": "系统暂停服务",
        "03": "通讯超时",
        "04": "状态不明",
        "05": "已受理",
        "06": "系统繁忙",
        "10": "报文格式有误",
        "11": "验签不通过",
        "12": "交易重复",
        "13": "报文缺少要素",
        "30": "交易未通过",
        "31": "商户状态异常",
        "32": "没有交易权限",
        "33": "金额超限",
        NO_SUCH_TRANSACTION: "没有这笔交易",
        "35": "原交易不存在或状态不符",
        "36": "与原交易不一致",
        "37": "查询过于频繁",
        "38": "风险受限",
        "39": "不在受理时间内",
        "42": "已扣款但超时",
        "43": "没有业务权限",
        "44": "号码有误或业务未开通",
        "60": "发卡行未说明原因的失败",
        "61": "卡号无效",
        "62": "发卡行不支持该商户",
        "63": "卡状态异常",
        "64": "余额不足",
        "65": "密码或有效期有误",
        "66": "持卡人信息不符",
        "67": "密码错误次数超限",
        "68": "银行卡不支持该业务",
        "69": "输入超时",
        "70": "等待持卡人输入",
        "73": "卡已过期",
        "74": "已扣款，销账不明",
        "75": "已扣款，销账失败",
        "78": "发卡行限制交易",
        NO_FILE: "文件不存在",
        "99": "其他错误",
        PARTLY_FLAWED: "有缺陷的成功",
    }
)
