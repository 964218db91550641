"""Filings: 2501 transfer, 2503 chronic disease, 2505 chosen institution, and their cancels.

The cancels are named by clients of several provinces (`psn_no`, `trt_dcla_detl_sn`, `memo`).
Enquiries about filings are in `filing_enquiry`.
"""

from __future__ import annotations

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    May3,
    May6,
    May30,
    May50,
    May200,
    May500,
    May2000,
    May4000,
    MayTime,
    Need3,
    Need6,
    Need20,
    Need30,
    Need50,
    Need100,
    Need200,
    Need300,
    NeedTime,
)


class TransferFilingData(Struct, frozen=True, kw_only=True, gc=False):
    """转院备案: from here to which hospital, and why."""

    psn_no: Need30  # 人员编号
    insutype: May6 = None  # 险种类型
    tel: May50 = None  # 联系电话
    addr: May200 = None  # 联系地址
    insu_optins: May6 = None  # 参保机构医保区划
    diag_code: Need20  # 诊断代码
    diag_name: Need100  # 诊断名称
    dise_cond_dscr: May2000 = None  # 疾病病情描述
    reflin_medins_no: Need30  # 转往定点医药机构编号
    reflin_medins_name: Need200  # 转往医院名称
    mdtrtarea_admdvs: Need6  # 就医地行政区划
    hosp_agre_refl_flag: May3 = None  # 医院同意转院标志
    refl_type: Need30  # 转院类型
    refl_date: NeedTime  # 转院日期
    refl_rea: Need100  # 转院原因
    refl_opnn: Need200  # 转院意见
    begndate: MayTime = None  # 开始日期
    enddate: MayTime = None  # 结束日期
    refl_old_mdtrt_id: May30 = None  # 转院前就诊id
    refl_used_flag: May3 = None  # 转诊使用标志


class TransferFilingInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `TransferFiling`."""

    refmedin: TransferFilingData


class TransferFiling(Envelope, frozen=True, kw_only=True, gc=False):
    """2501 转院备案."""

    input: TransferFilingInput


class TransferFiled(Struct, frozen=True, kw_only=True, gc=False):
    """转院备案结果"""

    trt_dcla_detl_sn: str  # 待遇申报明细流水号


class TransferFilingReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2501."""

    result: TransferFiled


class FilingCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """备案撤销: which filing; the three cancels take the same body."""

    trt_dcla_detl_sn: Need30  # 待遇申报明细流水号
    psn_no: Need30  # 人员编号
    memo: May500 = None  # 备注


class FilingCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `TransferFilingCancel`, `ChronicFilingCancel`, `ChosenInstitutionFilingCancel`."""

    data: FilingCancelData


class TransferFilingCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2502 转院备案撤销."""

    input: FilingCancelInput


class ChronicFilingData(Struct, frozen=True, kw_only=True, gc=False):
    """人员慢特病备案: which disease, found by whom."""

    psn_no: Need30  # 人员编号
    insutype: Need6  # 险种类型
    opsp_dise_code: Need30  # 门慢门特病种目录代码
    opsp_dise_name: Need300  # 门慢门特病种名称
    tel: May50 = None  # 联系电话
    addr: May200 = None  # 联系地址
    insu_optins: Need6  # 参保机构医保区划
    ide_fixmedins_no: Need30  # 鉴定定点医药机构编号
    ide_fixmedins_name: Need200  # 鉴定定点医药机构名称
    hosp_ide_date: NeedTime  # 医院鉴定日期
    diag_dr_codg: Need30  # 诊断医师编码
    diag_dr_name: Need50  # 诊断医师姓名
    begndate: NeedTime  # 开始日期
    enddate: MayTime = None  # 结束日期
    exp_content: May4000 = None  # 字段扩展
    trt_dcla_detl_sn: May30 = None  # 待遇申报明细流水号
    selfdef_splm_flag: May3 = None  # 自定义补充标志
    memo: May500 = None  # 备注


class ChronicFilingInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ChronicFiling`."""

    data: ChronicFilingData


class ChronicFiling(Envelope, frozen=True, kw_only=True, gc=False):
    """2503 人员慢特病备案."""

    input: ChronicFilingInput


class ChronicFiled(Struct, frozen=True, kw_only=True, gc=False):
    """慢特病备案结果"""

    trt_dcla_detl_sn: str  # 待遇申报明细流水号
    exp_content: str = ""  # 字段扩展


class ChronicFilingReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2503."""

    result: ChronicFiled


class ChronicFilingCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2504 人员慢特病备案撤销."""

    input: FilingCancelInput


class ChosenInstitutionFilingData(Struct, frozen=True, kw_only=True, gc=False):
    """人员定点备案: which institution, for which kind of care."""

    psn_no: Need30  # 人员编号
    tel: May50 = None  # 联系电话
    addr: May200 = None  # 联系地址
    biz_appy_type: Need3  # 业务申请类型
    begndate: NeedTime  # 开始日期
    enddate: MayTime = None  # 结束日期
    agnter_name: May50 = None  # 代办人姓名
    agnter_cert_type: May6 = None  # 代办人证件类型
    agnter_certno: May50 = None  # 代办人证件号码
    agnter_tel: May30 = None  # 代办人联系方式
    agnter_addr: May200 = None  # 代办人联系地址
    agnter_rlts: May3 = None  # 代办人关系
    fix_srt_no: Need3  # 定点排序号
    fixmedins_code: Need30  # 定点医药机构编号
    fixmedins_name: Need200  # 定点医药机构名称
    memo: May500 = None  # 备注
    exp_content: May4000 = None  # 字段扩展


class ChosenInstitutionFilingInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ChosenInstitutionFiling`."""

    data: ChosenInstitutionFilingData


class ChosenInstitutionFiling(Envelope, frozen=True, kw_only=True, gc=False):
    """2505 人员定点备案."""

    input: ChosenInstitutionFilingInput


class ChosenInstitutionFiled(Struct, frozen=True, kw_only=True, gc=False):
    """定点备案结果"""

    trt_dcla_detl_sn: str  # 待遇申报明细流水号
    exp_content: str = ""  # 字段扩展


class ChosenInstitutionFilingReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2505."""

    result: ChosenInstitutionFiled


class ChosenInstitutionFilingCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2506 人员定点备案撤销."""

    input: FilingCancelInput
