"""Columns of the two statement files, ZM and ZME: name, width in bytes, what it is.

Names are the interface's own where a field is one of its messages too. Of ZME only widths are known
for sure; columns whose meaning is not known are numbered.
"""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """A column of fixed width."""

    name: str
    width: int
    title: str


class Layout(NamedTuple):
    """All columns of a line; one separator stands between two of them."""

    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """Bytes of a line, separators included, its end not."""
        return sum(column.width for column in self.columns) + len(self.columns) - 1

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the file."""
        return tuple(column.name for column in self.columns)


ZM = Layout(
    (
        Column("transCode", 3, "交易代码"),
        Column("acqInsCode", 11, "代理机构标识码"),
        Column("sendInsCode", 11, "发送机构标识码"),
        Column("traceNo", 6, "系统跟踪号"),
        Column("txnTime", 10, "传输时间 MMDDhhmmss"),
        Column("accNo", 19, "帐号"),
        Column("txnAmt", 12, "交易金额"),
        Column("merCatCode", 4, "商户类别"),
        Column("termType", 2, "终端类型"),
        Column("queryId", 21, "查询流水号"),
        Column("oldPayType", 2, "支付方式（旧）"),
        Column("orderId", 32, "商户订单号"),
        Column("payCardType", 2, "支付卡类型"),
        Column("origTraceNo", 6, "原始交易的系统跟踪号"),
        Column("origTxnTime", 10, "原始交易日期时间"),
        Column("fee", 13, "手续费"),
        Column("settleAmt", 13, "结算金额"),
        Column("payType", 4, "支付方式"),
        Column("groupMerId", 15, "集团商户代码"),
        Column("txnType", 2, "交易类型"),
        Column("txnSubType", 2, "交易子类"),
        Column("bizType", 6, "业务类型"),
        Column("accType", 2, "帐号类型"),
        Column("billType", 4, "账单类型"),
        Column("billNo", 32, "账单号码"),
        Column("interactMode", 1, "交互方式"),
        Column("origQryId", 21, "原查询流水号"),
        Column("merId", 15, "商户代码"),
        Column("splitMode", 1, "分账入账方式"),
        Column("subMerId", 15, "二级商户代码"),
        Column("subMerAbbr", 32, "二级商户简称"),
        Column("subMerAmt", 13, "二级商户入账金额"),
        Column("netAmt", 13, "清算净额"),
        Column("termId", 8, "终端号"),
        Column("merReserved", 32, "商户自定义域"),
        Column("discountAmt", 13, "优惠金额"),
        Column("invoiceAmt", 13, "发票金额"),
        Column("instalFee", 12, "分期附加手续费"),
        Column("instalNum", 2, "分期期数"),
        Column("medium", 1, "交易介质"),
        Column("origOrderId", 32, "原始交易订单号"),
        Column("reserved", 98, "保留"),
    )
)

ZME = Layout(
    (
        Column("transCode", 3, "交易代码"),
        Column("acqInsCode", 11, "代理机构标识码"),
        Column("sendInsCode", 11, "发送机构标识码"),
        Column("traceNo", 6, "系统跟踪号"),
        Column("txnTime", 10, "传输时间 MMDDhhmmss"),
        Column("accNo", 19, "帐号"),
        Column("txnAmt", 12, "交易金额"),
        Column("merCatCode", 4, "商户类别"),
        Column("termType", 2, "终端类型"),
        *(
            Column(f"field{number}", width, "含义未确认")
            for number, width in enumerate((2, 6, 10, 4, 12, 13, 13, 15, 15, 1, 12, 2), 10)
        ),
        Column("reserved", 135, "保留"),
    )
)
