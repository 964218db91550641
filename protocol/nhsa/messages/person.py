"""Who is insured and for what: 1101 人员信息获取, 2001 人员待遇享受检查."""

from __future__ import annotations

from msgspec import Raw, Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    May6,
    May30,
    May32,
    May50,
    May500,
    May4000,
    MayTime,
    Need3,
    Need6,
    Need30,
    Need50,
    NeedTime,
)


class PersonData(Struct, frozen=True, kw_only=True, gc=False):
    """人员信息获取: which credential."""

    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: Need50  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    begntime: MayTime = None  # 开始时间
    psn_cert_type: May6 = None  # 人员证件类型
    certno: May50 = None  # 证件号码
    psn_name: May50 = None  # 人员姓名


class BaseInfo(Struct, frozen=True, kw_only=True, gc=False):
    """基本信息"""

    psn_no: str  # 人员编号
    psn_cert_type: str  # 人员证件类型
    certno: str  # 证件号码
    psn_name: str  # 人员姓名
    gend: str  # 性别
    naty: str = ""  # 民族
    brdy: str = ""  # 出生日期
    age: Raw  # 年龄
    exp_content: str = ""  # 字段扩展


class InsuranceInfo(Struct, frozen=True, kw_only=True, gc=False):
    """参保信息: one row per scheme."""

    balc: Raw  # 余额
    insutype: str  # 险种类型
    psn_type: str  # 人员类别
    psn_insu_stas: str = ""  # 人员参保状态
    psn_insu_date: str = ""  # 个人参保日期
    paus_insu_date: str = ""  # 暂停参保日期
    cvlserv_flag: str  # 公务员标志
    insuplc_admdvs: str  # 参保地医保区划
    emp_name: str = ""  # 单位名称


class IdentityInfo(Struct, frozen=True, kw_only=True, gc=False):
    """身份信息: one row per special status."""

    psn_idet_type: str  # 人员身份类别
    psn_type_lv: str = ""  # 人员类别等级
    memo: str = ""  # 备注
    begntime: str  # 开始时间
    endtime: str = ""  # 结束时间


class EntitlementData(Struct, frozen=True, kw_only=True, gc=False):
    """待遇检查: which person, scheme, kind of care and time."""

    psn_no: Need30  # 人员编号
    insutype: Need6  # 险种类型
    fixmedins_code: Need30  # 定点医药机构编号
    med_type: Need6  # 医疗类别
    begntime: NeedTime  # 开始时间
    endtime: MayTime = None  # 结束时间
    dise_codg: May30 = None  # 病种编码
    dise_name: May500 = None  # 病种名称
    oprn_oprt_code: May30 = None  # 手术操作代码
    oprn_oprt_name: May500 = None  # 手术操作名称
    matn_type: May6 = None  # 生育类别
    birctrl_type: May6 = None  # 计划生育手术类别
    exp_content: May4000 = None  # 字段扩展


class TreatmentInfo(Struct, frozen=True, kw_only=True, gc=False):
    """待遇信息: one row per fund."""

    psn_no: str  # 人员编号
    trt_chk_type: str  # 待遇检查类型
    fund_pay_type: str  # 基金支付类型
    trt_enjymnt_flag: str  # 基金款项待遇享受标志
    begndate: str  # 开始日期
    enddate: str = ""  # 结束日期
    trt_chk_rslt: str = ""  # 待遇检查结果
    exp_content: str = ""  # 字段扩展


class PersonLookupInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `PersonLookup`."""

    data: PersonData


class PersonLookup(Envelope, frozen=True, kw_only=True, gc=False):
    """1101 人员信息获取."""

    input: PersonLookupInput


class PersonLookupReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 1101."""

    baseinfo: BaseInfo
    insuinfo: tuple[InsuranceInfo, ...]
    idetinfo: tuple[IdentityInfo, ...] = ()


class EntitlementCheckInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `EntitlementCheck`."""

    data: EntitlementData


class EntitlementCheck(Envelope, frozen=True, kw_only=True, gc=False):
    """2001 人员待遇享受检查."""

    input: EntitlementCheckInput


class EntitlementCheckReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2001."""

    trtinfo: tuple[TreatmentInfo, ...]
