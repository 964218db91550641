"""What a person had before: 5205 medicines for chronic diseases, 5206 sums of the year."""

from __future__ import annotations

from msgspec import Raw, Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import May6, MayTime, Need30, NeedTime


class ChronicMedicineEnquiryData(Struct, frozen=True, kw_only=True, gc=False):
    """人员慢特病用药记录查询: whose, from when to when."""

    psn_no: Need30  # 人员编号
    begntime: NeedTime  # 开始时间
    endtime: MayTime = None  # 结束时间


class ChronicMedicineEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `ChronicMedicineEnquiry`."""

    data: ChronicMedicineEnquiryData


class ChronicMedicineEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5205 人员慢特病用药记录查询."""

    input: ChronicMedicineEnquiryInput


class ChronicMedicineRow(Struct, frozen=True, kw_only=True, gc=False):
    """慢特病用药记录"""

    feedetl_sn: str  # 费用明细流水号
    rx_drord_no: str = ""  # 处方/医嘱号
    fixmedins_code: str = ""  # 定点医药机构编号
    fixmedins_name: str  # 定点医药机构名称
    psn_no: str  # 人员编号
    med_type: str  # 医疗类别
    fee_ocur_time: str  # 费用发生时间
    cnt: Raw  # 数量
    pric: Raw  # 单价
    chrgitm_lv: str = ""  # 收费项目等级
    hilist_code: str  # 医保目录编码
    hilist_name: str  # 医保目录名称
    list_type: str  # 目录类别
    med_list_codg: str  # 医疗目录编码
    medins_list_codg: str  # 医药机构目录编码
    medins_list_name: str  # 医药机构目录名称
    med_chrgitm_type: str  # 医疗收费项目类别
    prodname: str = ""  # 商品名
    spec: str  # 规格
    dosform_name: str = ""  # 剂型名称
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


class ChronicMedicineEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5205."""

    feedetail: tuple[ChronicMedicineRow, ...]


class AccumulatorEnquiryData(Struct, frozen=True, kw_only=True, gc=False):
    """人员累计信息查询: whose, up to which month."""

    psn_no: Need30  # 人员编号
    cum_ym: May6 = None  # 累计年月


class AccumulatorEnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `AccumulatorEnquiry`."""

    data: AccumulatorEnquiryData


class AccumulatorEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """5206 人员累计信息查询."""

    input: AccumulatorEnquiryInput


class AccumulatorRow(Struct, frozen=True, kw_only=True, gc=False):
    """累计信息"""

    insutype: str  # 险种类型
    year: str  # 年度
    cum_ym: str  # 累计年月
    cum_type_code: str  # 累计类别代码
    cum: Raw  # 累计值


class AccumulatorEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 5206."""

    cuminfo: tuple[AccumulatorRow, ...]
