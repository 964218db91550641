"""Reconciliation: 3201 totals, 3202 details, 3211 and 3212 by a task (one province).

Sums count a cancel as a negative row, so any of them may be below zero.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import May6, May200, Need6, Need30, NeedTime


class TotalsCheckData(Struct, frozen=True, kw_only=True, gc=False):
    """对总账: what the institution counts for one scheme, clearing type and agency."""

    insutype: Need6  # 险种
    clr_type: Need6  # 清算类别
    setl_optins: Need6  # 结算经办机构
    stmt_begndate: NeedTime  # 对账开始日期
    stmt_enddate: NeedTime  # 对账结束日期
    medfee_sumamt: Decimal  # 医疗费总额
    fund_pay_sumamt: Decimal  # 基金支付总额
    acct_pay: Decimal  # 个人账户支付金额
    fixmedins_setl_cnt: Decimal  # 定点医药机构结算笔数
    refd_setl_flag: May6 = None  # 退费结算标志
    fixmedins_refd_setl_flag: May6 = None  # 定点医药机构退费结算标志


class TotalsCheckInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `TotalsCheck`."""

    data: TotalsCheckData


class TotalsCheck(Envelope, frozen=True, kw_only=True, gc=False):
    """3201 医药机构费用结算对总账."""

    input: TotalsCheckInput


class TotalsChecked(Struct, frozen=True, kw_only=True, gc=False):
    """对账结果"""

    setl_optins: str = ""  # 结算经办机构
    stmt_rslt: str  # 对账结果
    stmt_rslt_dscr: str = ""  # 对账结果说明


class TotalsCheckReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 3201."""

    stmtinfo: TotalsChecked


class DetailCheckData(Struct, frozen=True, kw_only=True, gc=False):
    """对明细账: the rows are in the file that 9101 took, seven columns a line."""

    setl_optins: Need6  # 结算经办机构
    file_qury_no: Need30  # 文件查询号
    stmt_begndate: NeedTime  # 对账开始日期
    stmt_enddate: NeedTime  # 对账结束日期
    medfee_sumamt: Decimal  # 医疗费总额
    fund_pay_sumamt: Decimal  # 基金支付总额
    cash_payamt: Decimal  # 现金支付金额
    fixmedins_setl_cnt: Decimal  # 定点医药机构结算笔数
    clr_type: Need6  # 清算类别
    refd_setl_flag: May6 = None  # 退费结算标志
    fixmedins_refd_setl_flag: May6 = None  # 定点医药机构退费结算标志


class DetailCheckInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `DetailCheck`."""

    data: DetailCheckData


class DetailCheck(Envelope, frozen=True, kw_only=True, gc=False):
    """3202 医药机构费用结算对明细账."""

    input: DetailCheckInput


class DetailChecked(Struct, frozen=True, kw_only=True, gc=False):
    """对账结果文件: to be fetched with 9102."""

    file_qury_no: str  # 文件查询号
    filename: str  # 文件名称
    dld_endtime: str  # 下载截止时间


class DetailCheckReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 3202."""

    fileinfo: DetailChecked


class BatchCheckData(Struct, frozen=True, kw_only=True, gc=False):
    """批量清算对账: the rows are in the file that 9101 took."""

    clr_begin_ymd: NeedTime  # 清算开始日期
    clr_end_ymd: NeedTime  # 清算结束日期
    file_qury_no: Need30  # 文件查询号
    upload_file_name: May200 = None  # 文件名称


class BatchCheckInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `BatchCheck`."""

    data: BatchCheckData


class BatchCheck(Envelope, frozen=True, kw_only=True, gc=False):
    """3211 批量清算对账（任务提交）."""

    input: BatchCheckInput


class BatchCheckTask(Struct, frozen=True, kw_only=True, gc=False):
    """对账任务"""

    task_key: str  # 对账任务查询号


class BatchCheckReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 3211."""

    fileinfo: BatchCheckTask


class BatchCheckEnquiryData(Struct, frozen=True, kw_only=True, gc=False):
    """批量清算对账: which task."""

    task_key: Need30  # 对账任务查询号


class BatchCheckEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `BatchCheckEnquiry`."""

    data: BatchCheckEnquiryData


class BatchCheckEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """3212 批量清算对账（结果查询）."""

    input: BatchCheckEnquiryInput


class BatchChecked(Struct, frozen=True, kw_only=True, gc=False):
    """对账任务的状态和结果文件"""

    check_state: str  # 对账状态
    task_status: str  # 任务状态
    file_qury_no1: str  # 文件查询号1
    file_qury_no2: str  # 文件查询号2
    file_qury_no3: str  # 文件查询号3


class BatchCheckEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 3212."""

    fileinfo: BatchChecked
