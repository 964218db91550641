"""Enquiries: 5201 就诊信息查询, 5203 结算信息查询, 5204 费用明细查询. None has an effect."""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.money import Money, SettleDetail
from protocol.nhsa.messages.text import (
    May30,
    Need6,
    Need30,
    NeedTime,
)


class VisitQuery(Struct, frozen=True, kw_only=True, gc=False):
    """就诊信息查询: whose visits, from when to when."""

    psn_no: Need30  # 人员编号
    begntime: NeedTime  # 开始时间
    endtime: NeedTime  # 结束时间
    med_type: Need6  # 医疗类别
    mdtrt_id: May30 = None  # 就诊ID
    medins_setl_id: May30 = None  # 医药机构结算ID, ours: msgid of a lost answer


class VisitRow(Struct, frozen=True, kw_only=True, gc=False):
    """就诊信息"""

    mdtrt_id: str  # 就诊ID
    psn_no: str  # 人员编号
    psn_cert_type: str  # 人员证件类型
    certno: str  # 证件号码
    psn_name: str  # 人员姓名
    gend: str  # 性别
    naty: str = ""  # 民族
    brdy: str = ""  # 出生日期
    age: Raw | UnsetType = UNSET  # 年龄
    coner_name: str = ""  # 联系人姓名
    tel: str = ""  # 联系电话
    insutype: str  # 险种类型
    psn_type: str  # 人员类别
    maf_psn_flag: str = ""  # 医疗救助对象标志
    cvlserv_flag: str  # 公务员标志
    flxempe_flag: str = ""  # 灵活就业标志
    nwb_flag: str = ""  # 新生儿标志
    insu_optins: str = ""  # 参保机构医保区划
    emp_name: str = ""  # 单位名称
    begntime: str  # 开始时间
    endtime: str  # 结束时间
    mdtrt_cert_type: str = ""  # 就诊凭证类型
    med_type: str  # 医疗类别
    ars_year_ipt_flag: str = ""  # 跨年度住院标志
    pre_pay_flag: str = ""  # 先行支付标志
    ipt_otp_no: str = ""  # 住院/门诊号
    medrcdno: str = ""  # 病历号
    atddr_no: str = ""  # 主治医生编码
    chfpdr_name: str = ""  # 主诊医师姓名
    adm_dept_codg: str = ""  # 入院科室编码
    adm_dept_name: str = ""  # 入院科室名称
    adm_bed: str = ""  # 入院床位
    dscg_maindiag_code: str = ""  # 住院主诊断代码
    dscg_maindiag_name: str = ""  # 住院主诊断名称
    dscg_dept_codg: str = ""  # 出院科室编码
    dscg_dept_name: str = ""  # 出院科室名称
    dscg_bed: str = ""  # 出院床位
    dscg_way: str = ""  # 离院方式
    main_cond_dscr: str = ""  # 主要病情描述
    dise_codg: str = ""  # 病种编码
    dise_name: str = ""  # 病种名称
    oprn_oprt_code: str = ""  # 手术操作代码
    oprn_oprt_name: str = ""  # 手术操作名称
    otp_diag_info: str = ""  # 门诊诊断信息
    inhosp_stas: str = ""  # 在院状态
    die_date: str = ""  # 死亡日期
    ipt_days: Raw | UnsetType = UNSET  # 住院天数
    fpsc_no: str = ""  # 计划生育服务证号
    matn_type: str = ""  # 生育类别
    birctrl_type: str = ""  # 计划生育手术类别
    latechb_flag: str = ""  # 晚育标志
    geso_val: Raw | UnsetType = UNSET  # 孕周数
    fetts: Raw | UnsetType = UNSET  # 胎次
    fetus_cnt: Raw | UnsetType = UNSET  # 胎儿数
    pret_flag: str = ""  # 早产标志
    birctrl_matn_date: str = ""  # 计划生育手术或生育日期
    cop_flag: str = ""  # 伴有并发症标志
    opter_id: str = ""  # 经办人ID
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    memo: str = ""  # 备注


class FoundVisit(VisitRow, frozen=True, kw_only=True, gc=False):
    """就诊信息 with what a sender needs to find a lost settlement again; both fields are ours."""

    setl_id: str = ""  # 结算ID
    medins_setl_id: str = ""  # 医药机构结算ID


class VisitEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `VisitEnquiry`."""

    data: VisitQuery


class VisitEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5201 就诊信息查询."""

    input: VisitEnquiryInput


class VisitEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5201."""

    mdtrtinfo: tuple[FoundVisit, ...]


class SettlementQuery(Struct, frozen=True, kw_only=True, gc=False):
    """结算信息查询: which settlement."""

    psn_no: Need30  # 人员编号
    setl_id: Need30  # 结算ID
    mdtrt_id: Need30  # 就诊ID


class StoredSettleInfo(Money, frozen=True, kw_only=True, gc=False):
    """结算信息 as stored."""

    setl_id: str  # 结算ID
    mdtrt_id: str  # 就诊ID
    psn_no: str  # 人员编号
    psn_name: str  # 人员姓名
    psn_cert_type: str  # 人员证件类型
    certno: str  # 证件号码
    gend: str  # 性别
    naty: str = ""  # 民族
    brdy: str = ""  # 出生日期
    age: Raw | UnsetType = UNSET  # 年龄
    insutype: str  # 险种类型
    psn_type: str  # 人员类别
    cvlserv_flag: str  # 公务员标志
    flxempe_flag: str = ""  # 灵活就业标志
    nwb_flag: str = ""  # 新生儿标志
    insu_optins: str = ""  # 参保机构医保区划
    emp_name: str = ""  # 单位名称
    pay_loc: str  # 支付地点类别
    fixmedins_code: str  # 定点医药机构编号
    fixmedins_name: str  # 定点医药机构名称
    hosp_lv: str = ""  # 医院等级
    fixmedins_poolarea: str = ""  # 定点归属机构
    lmtpric_hosp_lv: str = ""  # 限价医院等级
    dedc_hosp_lv: str = ""  # 起付线医院等级
    begndate: str  # 开始日期
    enddate: str  # 结束日期
    setl_time: str  # 结算时间
    mdtrt_cert_type: str = ""  # 就诊凭证类型
    med_type: str  # 医疗类别
    clr_type: str  # 清算类别
    clr_way: str = ""  # 清算方式
    clr_optins: str = ""  # 清算经办机构
    psn_pay: Raw  # 个人支付金额
    cash_payamt: Raw  # 现金支付金额
    medins_setl_id: str  # 医药机构结算ID
    refd_setl_flag: str  # 退费结算标志
    year: str  # 年度
    dise_codg: str = ""  # 病种编码
    dise_name: str = ""  # 病种名称
    invono: str = ""  # 发票号
    opter_id: str = ""  # 经办人ID
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间
    pref_fund_pay: Raw | UnsetType = UNSET  # 优抚对象基金支出


class SettlementEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `SettlementEnquiry`."""

    data: SettlementQuery


class SettlementEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5203 结算信息查询."""

    input: SettlementEnquiryInput


class SettlementEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5203."""

    setlinfo: StoredSettleInfo
    setldetail: tuple[SettleDetail, ...]


class FeeQuery(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细查询: which settlement."""

    psn_no: Need30  # 人员编号
    setl_id: Need30  # 结算ID
    mdtrt_id: Need30  # 就诊ID


class FeeRow(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细 as settled."""

    mdtrt_id: str  # 就诊ID
    setl_id: str  # 结算ID
    feedetl_sn: str  # 费用明细流水号
    rx_drord_no: str = ""  # 处方/医嘱号
    med_type: str  # 医疗类别
    fee_ocur_time: str  # 费用发生时间
    cnt: Raw  # 数量
    pric: Raw  # 单价
    sin_dos_dscr: str = ""  # 单次剂量描述
    used_frqu_dscr: str = ""  # 使用频次描述
    prd_days: Raw | UnsetType = UNSET  # 周期天数
    medc_way_dscr: str = ""  # 用药途径描述
    det_item_fee_sumamt: Raw  # 明细项目费用总额
    pric_uplmt_amt: Raw  # 定价上限金额
    selfpay_prop: Raw | UnsetType = UNSET  # 自付比例
    fulamt_ownpay_amt: Raw | UnsetType = UNSET  # 全自费金额
    overlmt_amt: Raw | UnsetType = UNSET  # 超限价金额
    preselfpay_amt: Raw | UnsetType = UNSET  # 先行自付金额
    inscp_scp_amt: Raw | UnsetType = UNSET  # 符合政策范围金额
    chrgitm_lv: str  # 收费项目等级
    hilist_code: str  # 医保目录编码
    hilist_name: str  # 医保目录名称
    list_type: str  # 目录类别
    med_list_codg: str  # 医疗目录编码
    medins_list_codg: str  # 医药机构目录编码
    medins_list_name: str  # 医药机构目录名称
    med_chrgitm_type: str  # 医疗收费项目类别
    prodname: str = ""  # 商品名
    spec: str = ""  # 规格
    dosform_name: str  # 剂型名称
    bilg_dept_codg: str = ""  # 开单科室编码
    bilg_dept_name: str = ""  # 开单科室名称
    bilg_dr_codg: str = ""  # 开单医生编码
    bilg_dr_name: str = ""  # 开单医师姓名
    acord_dept_codg: str = ""  # 受单科室编码
    acord_dept_name: str = ""  # 受单科室名称
    orders_dr_code: str = ""  # 受单医生编码
    orders_dr_name: str = ""  # 受单医生姓名
    lmt_used_flag: str = ""  # 限制使用标志
    hosp_prep_flag: str = ""  # 医院制剂标志
    hosp_appr_flag: str = ""  # 医院审批标志
    tcmdrug_used_way: str = ""  # 中药使用方式
    prodplac_type: str = ""  # 生产地类别
    bas_medn_flag: str = ""  # 基本药物标志
    hi_nego_drug_flag: str = ""  # 医保谈判药品标志
    chld_medc_flag: str = ""  # 儿童用药标志
    etip_flag: str = ""  # 外检标志
    etip_hosp_code: str = ""  # 外检医院编码
    dscg_tkdrug_flag: str = ""  # 出院带药标志
    list_sp_item_flag: str = ""  # 目录特项标志
    matn_fee_flag: str = ""  # 生育费用标志
    drt_reim_flag: str = ""  # 直报标志
    memo: str = ""  # 备注
    opter_id: str = ""  # 经办人ID
    opter_name: str = ""  # 经办人姓名
    opt_time: str = ""  # 经办时间


class FeeEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `FeeEnquiry`."""

    data: FeeQuery


class FeeEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5204 费用明细查询. The answer is a bare array of `FeeRow`."""

    input: FeeEnquiryInput
