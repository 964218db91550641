"""Enquiries about filings: 5301 chronic diseases, 5302 chosen institutions, 5304 transfers."""

from __future__ import annotations

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import MayTime, Need3, Need30, NeedTime


class ChronicEnquiryData(Struct, frozen=True, kw_only=True, gc=False):
    """人员慢特病备案查询: whose."""

    psn_no: Need30  # 人员编号


class ChronicEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ChronicEnquiry`."""

    data: ChronicEnquiryData


class ChronicEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5301 人员慢特病备案查询."""

    input: ChronicEnquiryInput


class ChronicRow(Struct, frozen=True, kw_only=True, gc=False):
    """慢特病备案"""

    opsp_dise_code: str  # 门慢门特病种目录代码
    opsp_dise_name: str  # 门慢门特病种名称
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期


class ChronicEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5301."""

    feedetail: tuple[ChronicRow, ...]


class ChosenInstitutionEnquiryData(Struct, frozen=True, kw_only=True, gc=False):
    """人员定点信息查询: whose, for which kind of care."""

    psn_no: Need30  # 人员编号
    biz_appy_type: Need3  # 业务申请类型


class ChosenInstitutionEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ChosenInstitutionEnquiry`."""

    data: ChosenInstitutionEnquiryData


class ChosenInstitutionEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5302 人员定点信息查询."""

    input: ChosenInstitutionEnquiryInput


class ChosenInstitutionRow(Struct, frozen=True, kw_only=True, gc=False):
    """定点信息"""

    psn_no: str  # 人员编号
    insutype: str = ""  # 险种类型
    fix_srt_no: str  # 定点排序号
    fixmedins_code: str  # 定点医药机构编号
    fixmedins_name: str  # 定点医药机构名称
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    memo: str = ""  # 备注


class ChosenInstitutionEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5302."""

    psnfixmedin: tuple[ChosenInstitutionRow, ...]


class TransferEnquiryData(Struct, frozen=True, kw_only=True, gc=False):
    """转院信息查询: whose, from when to when."""

    psn_no: Need30  # 人员编号
    begntime: NeedTime  # 开始时间
    endtime: MayTime = None  # 结束时间


class TransferEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `TransferEnquiry`."""

    data: TransferEnquiryData


class TransferEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5304 转院信息查询."""

    input: TransferEnquiryInput


class TransferRow(Struct, frozen=True, kw_only=True, gc=False):
    """转院信息"""

    insutype: str  # 险种类型
    dcla_souc: str = ""  # 申报来源
    psn_no: str  # 人员编号
    psn_cert_type: str  # 人员证件类型
    certno: str  # 证件号码
    psn_name: str  # 人员姓名
    gend: str  # 性别
    brdy: str = ""  # 出生日期
    tel: str = ""  # 联系电话
    addr: str = ""  # 联系地址
    insu_optins: str = ""  # 参保机构医保区划
    emp_name: str = ""  # 单位名称
    diag_code: str = ""  # 诊断代码
    diag_name: str = ""  # 诊断名称
    dise_cond_dscr: str = ""  # 疾病病情描述
    reflin_medins_no: str = ""  # 转往定点医药机构编号
    reflin_medins_name: str  # 转往医院名称
    out_flag: str = ""  # 异地标志
    refl_date: str  # 转院日期
    refl_rea: str  # 转院原因
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    hosp_agre_refl_flag: str  # 医院同意转院标志
    opter_id: str = ""  # 经办人ID
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间


class TransferEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5304."""

    refmedin: tuple[TransferRow, ...]
