"""A stay in hospital: 2401 to 2405 admit, discharge, change and undo; 2301 and 2302 fee lines.

Quote, settlement and cancel of the stay (2303 to 2305) are in `inpatient_settle`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.outpatient import FeeResult
from protocol.nhsa.messages.pharmacy import DrugTrace
from protocol.nhsa.messages.text import (
    May3,
    May6,
    May30,
    May32,
    May50,
    May100,
    May500,
    May1000,
    May4000,
    MayTime,
    Need3,
    Need6,
    Need20,
    Need30,
    Need50,
    Need100,
    Need150,
    Need200,
    Need300,
    NeedTime,
    Serial,
)


class AdmissionInfo(Struct, frozen=True, kw_only=True, gc=False):
    """入院信息: who comes, why, to which bed."""

    psn_no: Need30  # 人员编号
    insutype: Need6  # 险种类型
    coner_name: May50 = None  # 联系人姓名
    tel: May50 = None  # 联系电话
    begntime: NeedTime  # 开始时间
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: May50 = None  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    med_type: Need6  # 医疗类别
    ipt_no: Need30  # 住院号
    medrcdno: May30 = None  # 病历号
    atddr_no: Need30  # 主治医生编码
    chfpdr_name: Need50  # 主诊医师姓名
    adm_diag_dscr: Need200  # 入院诊断描述
    adm_dept_codg: Need30  # 入院科室编码
    adm_dept_name: Need100  # 入院科室名称
    adm_bed: Need30  # 入院床位
    dscg_maindiag_code: Need20  # 住院主诊断代码
    dscg_maindiag_name: Need300  # 住院主诊断名称
    main_cond_dscr: May1000 = None  # 主要病情描述
    dise_codg: May30 = None  # 病种编码
    dise_name: May500 = None  # 病种名称
    oprn_oprt_code: May30 = None  # 手术操作代码
    oprn_oprt_name: May500 = None  # 手术操作名称
    fpsc_no: May50 = None  # 计划生育服务证号
    matn_type: May6 = None  # 生育类别
    birctrl_type: May6 = None  # 计划生育手术类别
    latechb_flag: May3 = None  # 晚育标志
    geso_val: Decimal | None = None  # 孕周数
    fetts: Decimal | None = None  # 胎次
    fetus_cnt: Decimal | None = None  # 胎儿数
    pret_flag: May3 = None  # 早产标志
    birctrl_matn_date: MayTime = None  # 计划生育手术或生育日期
    dise_type_code: May6 = None  # 病种类型
    exp_content: May4000 = None  # 字段扩展
    insuplc_admdvs: May6 = None  # 参保地医保区划
    mdtrtarea_admvs: May6 = None  # 就医地医保区划


class AdmissionDiagnosis(Struct, frozen=True, kw_only=True, gc=False):
    """入院诊断"""

    psn_no: Need30  # 人员编号
    diag_type: Need3  # 诊断类别
    maindiag_flag: Need3  # 主诊断标志
    diag_srt_no: Decimal  # 诊断排序号
    diag_code: Need20  # 诊断代码
    diag_name: Need100  # 诊断名称
    adm_cond: May500 = None  # 入院病情
    diag_dept: Need50  # 诊断科室
    dise_dor_no: Need30  # 诊断医生编码
    dise_dor_name: Need50  # 诊断医生姓名
    diag_time: NeedTime  # 诊断时间


class AdmitInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `Admit`."""

    mdtrtinfo: AdmissionInfo
    diseinfo: tuple[AdmissionDiagnosis, ...]


class Admit(Envelope, frozen=True, kw_only=True, gc=False):
    """2401 入院办理."""

    input: AdmitInput


class Admitted(Struct, frozen=True, kw_only=True, gc=False):
    """入院结果: the stay the insurer opened."""

    mdtrt_id: str  # 就诊ID
    exp_content: str = ""  # 字段扩展


class AdmitReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2401."""

    result: Admitted


class DischargeInfo(Struct, frozen=True, kw_only=True, gc=False):
    """出院信息"""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    insutype: Need6  # 险种类型
    endtime: NeedTime  # 结束时间
    dise_codg: May30 = None  # 病种编码
    dise_name: May500 = None  # 病种名称
    oprn_oprt_code: May30 = None  # 手术操作代码
    oprn_oprt_name: May500 = None  # 手术操作名称
    fpsc_no: May50 = None  # 计划生育服务证号
    matn_type: May6 = None  # 生育类别
    birctrl_type: May6 = None  # 计划生育手术类别
    latechb_flag: May3 = None  # 晚育标志
    geso_val: Decimal | None = None  # 孕周数
    fetts: Decimal | None = None  # 胎次
    fetus_cnt: Decimal | None = None  # 胎儿数
    pret_flag: May3 = None  # 早产标志
    birctrl_matn_date: MayTime = None  # 计划生育手术或生育日期
    cop_flag: May3 = None  # 伴有并发症标志
    dscg_dept_codg: Need30  # 出院科室编码
    dscg_dept_name: Need100  # 出院科室名称
    dscg_bed: May30 = None  # 出院床位
    dscg_way: Need3  # 离院方式
    die_date: MayTime = None  # 死亡日期
    exp_content: May4000 = None  # 字段扩展


class DischargeDiagnosis(Struct, frozen=True, kw_only=True, gc=False):
    """出院诊断"""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    diag_type: Need3  # 诊断类别
    maindiag_flag: Need3  # 主诊断标志
    diag_srt_no: Decimal  # 诊断排序号
    diag_code: Need20  # 诊断代码
    diag_name: Need100  # 诊断名称
    diag_dept: Need50  # 诊断科室
    dise_dor_no: Need30  # 诊断医生编码
    dise_dor_name: Need50  # 诊断医生姓名
    diag_time: NeedTime  # 诊断时间


class DischargeInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `Discharge`."""

    dscginfo: DischargeInfo
    diseinfo: tuple[DischargeDiagnosis, ...]


class Discharge(Envelope, frozen=True, kw_only=True, gc=False):
    """2402 出院办理."""

    input: DischargeInput


class StayChangeInfo(Struct, frozen=True, kw_only=True, gc=False):
    """住院信息变更: the admission as it should have been."""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    coner_name: May50 = None  # 联系人姓名
    tel: May50 = None  # 联系电话
    begntime: NeedTime  # 开始时间
    endtime: MayTime = None  # 结束时间
    mdtrt_cert_type: Need3  # 就诊凭证类型
    med_type: Need6  # 医疗类别
    ipt_otp_no: Need30  # 住院/门诊号
    medrcdno: May30 = None  # 病历号
    atddr_no: Need30  # 主治医生编码
    chfpdr_name: Need50  # 主诊医师姓名
    adm_diag_dscr: Need200  # 入院诊断描述
    adm_dept_codg: Need30  # 入院科室编码
    adm_dept_name: Need100  # 入院科室名称
    adm_bed: Need30  # 入院床位
    dscg_maindiag_code: Need20  # 住院主诊断代码
    dscg_maindiag_name: Need300  # 住院主诊断名称
    main_cond_dscr: May1000 = None  # 主要病情描述
    dise_codg: May30 = None  # 病种编码
    dise_name: May500 = None  # 病种名称
    oprn_oprt_code: May30 = None  # 手术操作代码
    oprn_oprt_name: May500 = None  # 手术操作名称
    fpsc_no: May50 = None  # 计划生育服务证号
    matn_type: May6 = None  # 生育类别
    birctrl_type: May6 = None  # 计划生育手术类别
    latechb_flag: May3 = None  # 晚育标志
    geso_val: Decimal | None = None  # 孕周数
    fetts: Decimal | None = None  # 胎次
    fetus_cnt: Decimal | None = None  # 胎儿数
    pret_flag: May3 = None  # 早产标志
    birctrl_matn_date: MayTime = None  # 计划生育手术或生育日期
    dise_type_code: May6 = None  # 病种编号
    exp_content: May4000 = None  # 字段扩展
    ttp_pay_prop: Decimal | None = None  # 第三方自付比例


class StayDiagnosis(Struct, frozen=True, kw_only=True, gc=False):
    """诊断信息: a known `diag_srt_no` changes a diagnosis, a new one adds it."""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    diag_type: Need3  # 诊断类别
    maindiag_flag: Need3  # 主诊断标志
    diag_srt_no: Decimal  # 诊断排序号
    diag_code: Need20  # 诊断代码
    diag_name: Need100  # 诊断名称
    adm_cond: May500 = None  # 入院病情
    diag_dept: Need50  # 诊断科室
    dise_dor_no: Need30  # 诊断医生编码
    dise_dor_name: Need50  # 诊断医生姓名
    diag_time: NeedTime  # 诊断时间


class StayChangeInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `StayChange`."""

    adminfo: StayChangeInfo
    diseinfo: tuple[StayDiagnosis, ...] = ()


class StayChange(Envelope, frozen=True, kw_only=True, gc=False):
    """2403 住院信息变更."""

    input: StayChangeInput


class AdmitCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """入院撤销: which stay."""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class AdmitCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `AdmitCancel`."""

    data: AdmitCancelData


class AdmitCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2404 入院撤销."""

    input: AdmitCancelInput


class DischargeCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """出院撤销: which stay."""

    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class DischargeCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `DischargeCancel`."""

    data: DischargeCancelData


class DischargeCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2405 出院撤销."""

    input: DischargeCancelInput


class StayFeeDetail(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细: one line; a return has a negative `cnt` and names what it returns."""

    feedetl_sn: Serial  # 费用明细流水号
    init_feedetl_sn: May30 = None  # 原费用流水号
    mdtrt_id: Need30  # 就诊ID
    drord_no: May30 = None  # 医嘱号
    psn_no: Need30  # 人员编号
    med_type: Need6  # 医疗类别
    fee_ocur_time: NeedTime  # 费用发生时间
    med_list_codg: Need50  # 医疗目录编码
    medins_list_codg: Need150  # 医药机构目录编码
    det_item_fee_sumamt: Decimal  # 明细项目费用总额
    cnt: Decimal  # 数量
    pric: Decimal  # 单价
    bilg_dept_codg: Need30  # 开单科室编码
    bilg_dept_name: Need100  # 开单科室名称
    bilg_dr_codg: Need30  # 开单医生编码
    bilg_dr_name: Need50  # 开单医师姓名
    acord_dept_codg: May30 = None  # 受单科室编码
    acord_dept_name: May100 = None  # 受单科室名称
    orders_dr_code: May30 = None  # 受单医生编码
    orders_dr_name: May50 = None  # 受单医生姓名
    hosp_appr_flag: May3 = None  # 医院审批标志
    tcmdrug_used_way: May6 = None  # 中药使用方式
    etip_flag: May3 = None  # 外检标志
    etip_hosp_code: May30 = None  # 外检医院编码
    dscg_tkdrug_flag: May3 = None  # 出院带药标志
    matn_fee_flag: May6 = None  # 生育费用标志
    memo: May1000 = None  # 备注
    comb_no: May3 = None  # 组套编号
    exp_content: May4000 = None  # 字段扩展
    durg_trac_info: tuple[DrugTrace, ...] | DrugTrace | None = None  # 追溯码节点信息


class StayFeeUploadInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `StayFeeUpload`."""

    feedetail: tuple[StayFeeDetail, ...]


class StayFeeUpload(Envelope, frozen=True, kw_only=True, gc=False):
    """2301 住院费用明细上传."""

    input: StayFeeUploadInput


class StayFeeUploadReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2301."""

    result: tuple[FeeResult, ...]


class StayFeeCancelRow(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细撤销: one line; `feedetl_sn` 0000 means every line not yet settled."""

    feedetl_sn: Serial  # 费用明细流水号
    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class StayFeeCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `StayFeeCancel`."""

    data: tuple[StayFeeCancelRow, ...]


class StayFeeCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2302 住院费用明细撤销."""

    input: StayFeeCancelInput
