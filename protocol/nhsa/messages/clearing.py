"""Clearing: 3203 and 3204 an application and its cancel; 3260 to 3262 between cities of a province.

Sums count a cancel as a negative row, so any of them may be below zero.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import May3, May30, Need2, Need4, Need6, Need30, Need50, NeedTime


class ClearingApplyData(Struct, frozen=True, kw_only=True, gc=False):
    """清算申请: one clearing type and month; a month of cancels only is below zero."""

    clr_type: Need30  # 清算类别
    clr_way: May30 = None  # 清算方式
    setlym: Need6  # 清算年月
    psntime: Decimal  # 清算人次
    medfee_sumamt: Decimal  # 医疗费总额
    med_sumfee: Decimal  # 医保认可费用总额
    fund_appy_sum: Decimal  # 基金申报总额
    cash_payamt: Decimal  # 现金支付金额
    acct_pay: Decimal  # 个人账户支出
    begndate: NeedTime  # 开始日期
    enddate: NeedTime  # 结束日期


class ClearingApplyInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ClearingApply`."""

    data: ClearingApplyData


class ClearingApply(Envelope, frozen=True, kw_only=True, gc=False):
    """3203 清算申请."""

    input: ClearingApplyInput


class ClearingApplied(Struct, frozen=True, kw_only=True, gc=False):
    """清算申请结果"""

    clr_appy_evt_id: str  # 机构清算申请事件ID


class ClearingApplyReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 3203."""

    result: ClearingApplied


class ClearingCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """清算申请撤销: which application."""

    clr_appy_evt_id: Need30  # 机构清算申请事件ID


class ClearingCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ClearingCancel`."""

    data: ClearingCancelData


class ClearingCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """3204 清算申请撤销."""

    input: ClearingCancelInput


class CrossCityExtractData(Struct, frozen=True, kw_only=True, gc=False):
    """省内异地清分明细提取: a month, from which row."""

    trt_year: Need4  # 结算年度
    trt_month: Need2  # 结算月份
    startrow: Decimal  # 开始行数


class CrossCityExtractInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `CrossCityExtract`."""

    data: CrossCityExtractData


class CrossCityExtract(Envelope, frozen=True, kw_only=True, gc=False):
    """3260 省内异地清分明细提取."""

    input: CrossCityExtractInput


class CrossCityRow(Struct, frozen=True, kw_only=True, gc=False):
    """清分明细"""

    seqno: str  # 顺序号
    mdtrtarea: str  # 就医地医保区划
    medins_no: str  # 医疗机构编号
    certno: str  # 证件号码
    mdtrt_id: str  # 就诊登记号
    mdtrt_setl_time: str  # 就诊结算时间
    setl_sn: str  # 结算流水号
    fulamt_advpay_flag: str  # 全额垫付标志
    medfee_sumamt: Raw  # 总费用
    optins_pay_sumamt: Raw  # 经办机构支付总额


class CrossCityExtractReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 3260."""

    data: tuple[CrossCityRow, ...]


class CrossCityConfirmData(Struct, frozen=True, kw_only=True, gc=False):
    """省内异地清分结果确认: a month and how many rows."""

    trt_year: Need4  # 结算年度
    trt_month: Need2  # 结算月份
    totalrow: Decimal  # 总行数


class CrossCityConfirmRow(Struct, frozen=True, kw_only=True, gc=False):
    """清分明细, with the confirmation."""

    certno: Need50  # 证件号码
    mdtrt_id: Need30  # 就诊登记号
    mdtrt_setl_time: NeedTime  # 就诊结算时间
    setl_sn: Need30  # 结算流水号
    medfee_sumamt: Decimal  # 总费用
    optins_pay_sumamt: Decimal  # 经办机构支付总额
    cnfm_flag: May3 = None  # 确认标志


class CrossCityConfirmInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `CrossCityConfirm`."""

    data: CrossCityConfirmData
    detail: tuple[CrossCityConfirmRow, ...]


class CrossCityConfirm(Envelope, frozen=True, kw_only=True, gc=False):
    """3261 省内异地清分结果确认."""

    input: CrossCityConfirmInput


class CrossCityRollbackData(Struct, frozen=True, kw_only=True, gc=False):
    """省内异地清分结果确认回退: `otransid` 0 means the whole month."""

    trt_year: Need4  # 结算年度
    trt_month: Need2  # 结算月份
    otransid: Need30  # 原交易流水号


class CrossCityRollbackInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `CrossCityRollback`."""

    data: CrossCityRollbackData


class CrossCityRollback(Envelope, frozen=True, kw_only=True, gc=False):
    """3262 省内异地清分结果确认回退."""

    input: CrossCityRollbackInput
