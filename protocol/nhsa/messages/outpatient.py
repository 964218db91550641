"""An outpatient visit: 2201 to 2205, register, describe, upload lines, and undo each.

Quote, settlement and cancel of the visit (2206 to 2208) are in `outpatient_settle`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, Raw, Struct, UnsetType

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.pharmacy import DrugTrace
from protocol.nhsa.messages.text import (
    May3,
    May6,
    May30,
    May32,
    May50,
    May100,
    May200,
    May500,
    May1000,
    May2000,
    May4000,
    MayTime,
    Need3,
    Need6,
    Need10,
    Need30,
    Need50,
    Need100,
    Need150,
    Need500,
    NeedTime,
    Serial,
)


class RegisterData(Struct, frozen=True, kw_only=True, gc=False):
    """挂号信息"""

    psn_no: Need30  # 人员编号
    insutype: Need6  # 险种类型
    begntime: NeedTime  # 开始时间
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: Need50  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    psn_cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    psn_type: May6 = None  # 人员类别
    psn_name: May50 = None  # 人员姓名
    ipt_otp_no: Need30  # 住院/门诊号
    atddr_no: May30 = None  # 医师编码
    dr_name: May50 = None  # 医师姓名
    dept_code: Need30  # 科室编码
    dept_name: Need100  # 科室名称
    caty: Need10  # 科别
    exp_content: May4000 = None  # 字段扩展


class Registered(Struct, frozen=True, kw_only=True, gc=False):
    """挂号结果: the visit the insurer opened."""

    mdtrt_id: str  # 就诊ID
    psn_no: str  # 人员编号
    ipt_otp_no: str  # 住院/门诊号
    exp_content: str = ""  # 字段扩展


class RegisterInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `Register`."""

    data: RegisterData


class Register(Envelope, frozen=True, kw_only=True, gc=False):
    """2201 门诊挂号."""

    input: RegisterInput


class RegisterReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2201."""

    data: Registered


class RegisterCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """挂号撤销: which visit."""

    psn_no: Need30  # 人员编号
    mdtrt_id: Need30  # 就诊ID
    ipt_otp_no: Need30  # 住院/门诊号
    exp_content: May4000 = None  # 字段扩展


class RegisterCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `RegisterCancel`."""

    data: RegisterCancelData


class RegisterCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2202 门诊挂号撤销."""

    input: RegisterCancelInput


class VisitInfo(Struct, frozen=True, kw_only=True, gc=False):
    """就诊信息"""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    med_type: Need6  # 医疗类别
    begntime: NeedTime  # 开始时间
    main_cond_dscr: May1000 = None  # 主要病情描述
    dise_type_code: May30 = None  # 病种类型代码
    dise_codg: Need30  # 病种编码
    dise_name: Need500  # 病种名称
    birctrl_type: May6 = None  # 计划生育手术类别
    birctrl_matn_date: MayTime = None  # 计划生育手术或生育日期
    exp_content: May4000 = None  # 字段扩展


class VisitInfoA(Struct, frozen=True, kw_only=True, gc=False):
    """就诊信息, A edition: maternity fields of hospitals, prescriptions of pharmacies."""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    med_type: Need6  # 医疗类别
    begntime: NeedTime  # 开始时间
    main_cond_dscr: May1000 = None  # 主要病情描述
    dise_codg: May30 = None  # 病种编码
    dise_name: May500 = None  # 病种名称
    birctrl_type: May6 = None  # 计划生育手术类别
    birctrl_matn_date: MayTime = None  # 计划生育手术或生育日期
    matn_type: May6 = None  # 生育类别
    geso_val: Decimal | None = None  # 孕周数
    rxfixmedinsCode: May30 = None  # 处方医药机构编码
    rxfixmedinsName: May200 = None  # 处方医药机构名称
    rxIn: str | None = None  # 文件数据
    rxfilename: May200 = None  # 文件名
    rxExpContent: May2000 = None  # 处方扩展字段
    exp_content: May4000 = None  # 字段扩展


class Diagnosis(Struct, frozen=True, kw_only=True, gc=False):
    """诊断信息: `vali_flag` 0 voids one sent earlier."""

    diag_type: Need3  # 诊断类别
    diag_srt_no: Decimal  # 诊断排序号
    diag_code: Need30  # 诊断代码
    diag_name: Need100  # 诊断名称
    diag_dept: Need50  # 诊断科室
    dise_dor_no: Need30  # 诊断医生编码
    dise_dor_name: Need50  # 诊断医生姓名
    diag_time: NeedTime  # 诊断时间
    vali_flag: Need3  # 有效标志


class VisitUploadInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `VisitUpload`."""

    mdtrtinfo: VisitInfo
    diseinfo: tuple[Diagnosis, ...]


class VisitUpload(Envelope, frozen=True, kw_only=True, gc=False):
    """2203 门诊就诊信息上传."""

    input: VisitUploadInput


class VisitUploadAInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `VisitUploadA`."""

    mdtrtinfo: VisitInfoA
    diseinfo: tuple[Diagnosis, ...] = ()


class VisitUploadA(Envelope, frozen=True, kw_only=True, gc=False):
    """2203A: pharmacies may have no diagnosis to report."""

    input: VisitUploadAInput


class FeeDetail(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细: one line of a charge batch."""

    feedetl_sn: Serial  # 费用明细流水号
    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    chrg_bchno: Need30  # 收费批次号
    dise_codg: May30 = None  # 病种编码
    rxno: May30 = None  # 处方号
    rx_circ_flag: Need3  # 外购处方标志
    fee_ocur_time: NeedTime  # 费用发生时间
    med_list_codg: Need50  # 医疗目录编码
    medins_list_codg: Need150  # 医药机构目录编码
    det_item_fee_sumamt: Decimal  # 明细项目费用总额
    cnt: Decimal  # 数量
    pric: Decimal  # 单价
    sin_dos_dscr: May200 = None  # 单次剂量描述
    used_frqu_dscr: May200 = None  # 使用频次描述
    prd_days: Decimal | None = None  # 周期天数
    medc_way_dscr: May200 = None  # 用药途径描述
    bilg_dept_codg: Need30  # 开单科室编码
    bilg_dept_name: Need100  # 开单科室名称
    bilg_dr_codg: Need30  # 开单医生编码
    bilg_dr_name: Need50  # 开单医师姓名
    acord_dept_codg: May30 = None  # 受单科室编码
    acord_dept_name: May100 = None  # 受单科室名称
    orders_dr_code: May30 = None  # 受单医生编码
    orders_dr_name: May50 = None  # 受单医生姓名
    hosp_appr_flag: Need3  # 医院审批标志
    tcmdrug_used_way: May6 = None  # 中药使用方式
    etip_flag: May3 = None  # 外检标志
    etip_hosp_code: May30 = None  # 外检医院编码
    dscg_tkdrug_flag: May3 = None  # 出院带药标志
    matn_fee_flag: May6 = None  # 生育费用标志
    memo: May1000 = None  # 备注
    comb_no: May3 = None  # 组套编码
    exp_content: May4000 = None  # 字段扩展
    durg_trac_info: tuple[DrugTrace, ...] | DrugTrace | None = None  # 追溯码节点信息


class FeeResult(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细结果: how the line was split by class and price ceiling."""

    feedetl_sn: str  # 费用明细流水号
    det_item_fee_sumamt: Raw  # 明细项目费用总额
    cnt: Raw  # 数量
    pric: Raw  # 单价
    pric_uplmt_amt: Raw  # 定价上限金额
    selfpay_prop: Raw | UnsetType = UNSET  # 自付比例
    fulamt_ownpay_amt: Raw | UnsetType = UNSET  # 全自费金额
    overlmt_amt: Raw | UnsetType = UNSET  # 超限价金额
    preselfpay_amt: Raw | UnsetType = UNSET  # 先行自付金额
    inscp_scp_amt: Raw | UnsetType = UNSET  # 符合政策范围金额
    chrgitm_lv: str  # 收费项目等级
    med_chrgitm_type: str  # 医疗收费项目类别
    bas_medn_flag: str = ""  # 基本药物标志
    hi_nego_drug_flag: str = ""  # 医保谈判药品标志
    chld_medc_flag: str = ""  # 儿童用药标志
    list_sp_item_flag: str = ""  # 目录特项标志
    lmt_used_flag: str  # 限制使用标志
    drt_reim_flag: str = ""  # 直报标志
    memo: str = ""  # 备注
    exp_content: str = ""  # 字段扩展


class FeeUploadInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `FeeUpload`."""

    feedetail: tuple[FeeDetail, ...]


class FeeUpload(Envelope, frozen=True, kw_only=True, gc=False):
    """2204 门诊费用明细信息上传."""

    input: FeeUploadInput


class FeeUploadReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2204."""

    result: tuple[FeeResult, ...]


class FeeCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细撤销: `chrg_bchno` 0000 means every line not yet settled."""

    mdtrt_id: Need30  # 就诊ID
    chrg_bchno: Need30  # 收费批次号
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class FeeCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `FeeCancel`."""

    data: FeeCancelData


class FeeCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2205 门诊费用明细信息撤销."""

    input: FeeCancelInput
