"""A purchase in a pharmacy: 2101 药店预结算, 2102 药店结算, 2103 药店结算撤销.

2101 and 2102 take the same input; only the answer of 2102 carries a `setl_id`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, Raw, Struct, UnsetType

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.money import CancelInfo, SettleDetail, SettleInfo
from protocol.nhsa.messages.text import (
    May6,
    May20,
    May30,
    May32,
    May50,
    May200,
    May500,
    May4000,
    Need1,
    Need3,
    Need6,
    Need30,
    Need50,
    Need100,
    Need150,
    NeedTime,
    Serial,
)


class DrugTrace(Struct, frozen=True, kw_only=True, gc=False):
    """追溯码节点 of a line: one box, or part of one (`trdn_flag` 1 拆零)."""

    feedetl_sn: Serial  # 费用明细流水号
    drug_trac_codg: Need100  # 药品追溯码
    trdn_flag: Need3  # 拆零标志


class DrugInfo(Struct, frozen=True, kw_only=True, gc=False):
    """就诊信息 of a purchase: who, with which credential, how much."""

    psn_no: Need30  # 人员编号
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: Need50  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    psn_cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    psn_type: May6 = None  # 人员类别
    psn_name: May50 = None  # 人员姓名
    begntime: NeedTime  # 开始时间
    medfee_sumamt: Decimal  # 医疗费总额
    invono: May20 = None  # 发票号
    insutype: Need6  # 险种类型
    dise_codg: May30 = None  # 病种编码
    dise_name: May500 = None  # 病种名称
    acct_used_flag: Need1  # 个人账户使用标志
    med_type: Need6  # 医疗类别
    exp_content: May4000 = None  # 字段扩展


class DrugDetail(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细: one line of the purchase."""

    feedetl_sn: Serial  # 费用明细流水号
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
    bilg_dr_codg: May30 = None  # 开单医生编码
    bilg_dr_name: May50 = None  # 开单医师姓名
    tcmdrug_used_way: May6 = None  # 中药使用方式
    exp_content: May4000 = None  # 字段扩展
    durg_trac_info: tuple[DrugTrace, ...] | DrugTrace | None = None  # 追溯码节点信息


class DetailCut(Struct, frozen=True, kw_only=True, gc=False):
    """明细分割信息: how one line was split by class and price ceiling."""

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
    drt_reim_flag: str = ""  # 直报标志
    memo: str = ""  # 备注
    hosp_part_amt: Raw | UnsetType = UNSET  # 医院负担金额


class PharmacyCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """药店结算撤销: which settlement."""

    setl_id: Need30  # 结算ID
    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class PharmacyInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of 2101 and 2102."""

    druginfo: DrugInfo
    drugdetail: tuple[DrugDetail, ...]


class PharmacyQuote(Envelope, frozen=True, kw_only=True, gc=False):
    """2101 药店预结算."""

    input: PharmacyInput


class PharmacySettle(Envelope, frozen=True, kw_only=True, gc=False):
    """2102 药店结算."""

    input: PharmacyInput


class PharmacyReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2101 and 2102."""

    setlinfo: SettleInfo
    setldetail: tuple[SettleDetail, ...]
    detlcutinfo: tuple[DetailCut, ...]


class PharmacyCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `PharmacyCancel`."""

    data: PharmacyCancelData


class PharmacyCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2103 药店结算撤销."""

    input: PharmacyCancelInput


class PharmacyCancelReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2103."""

    setlinfo: CancelInfo
    setldetail: tuple[SettleDetail, ...]
