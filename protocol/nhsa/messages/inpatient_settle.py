"""Quote, settlement and cancel of a stay: 2303, 2304, 2305; 2304A takes the same body."""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET, Raw, Struct, UnsetType

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.money import Money, SettleDetail, SettleInfo
from protocol.nhsa.messages.text import (
    May1,
    May6,
    May20,
    May32,
    May50,
    May4000,
    MayTime,
    Need1,
    Need3,
    Need6,
    Need30,
)


class StayQuoteData(Struct, frozen=True, kw_only=True, gc=False):
    """住院预结算: `mid_setl_flag` 1 for a settlement in the middle of the stay."""

    psn_no: Need30  # 人员编号
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: May50 = None  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    psn_cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    psn_type: May6 = None  # 人员类别
    psn_name: May50 = None  # 人员姓名
    medfee_sumamt: Decimal  # 医疗费总额
    psn_setlway: Need6  # 个人结算方式
    mdtrt_id: Need30  # 就诊ID
    acct_used_flag: May1 = None  # 个人账户使用标志
    insutype: Need6  # 险种类型
    mid_setl_flag: Need3  # 中途结算标志
    fulamt_ownpay_amt: Decimal | None = None  # 全自费金额
    overlmt_selfpay: Decimal | None = None  # 超限价金额
    preselfpay_amt: Decimal | None = None  # 先行自付金额
    inscp_scp_amt: Decimal | None = None  # 符合政策范围金额
    dscgTime: MayTime = None  # 出院时间
    insuplc_admdvs: May6 = None  # 参保地医保区划
    mdtrtarea_admvs: May6 = None  # 就医地医保区划
    exp_content: May4000 = None  # 字段扩展


class StayQuoteInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `StayQuote`."""

    data: StayQuoteData


class StayQuote(Envelope, frozen=True, kw_only=True, gc=False):
    """2303 住院预结算."""

    input: StayQuoteInput


class StaySettleData(Struct, frozen=True, kw_only=True, gc=False):
    """住院结算: where the four split amounts are sent, they repeat what 2303 answered."""

    psn_no: Need30  # 人员编号
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: May50 = None  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    psn_cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    psn_type: May6 = None  # 人员类别
    psn_name: May50 = None  # 人员姓名
    medfee_sumamt: Decimal  # 医疗费总额
    psn_setlway: Need6  # 个人结算方式
    mdtrt_id: Need30  # 就诊ID
    insutype: Need6  # 险种类型
    acct_used_flag: Need1  # 个人账户使用标志
    insuplc_admdvs: May6 = None  # 参保地医保区划
    mdtrtarea_admvs: May6 = None  # 就医地医保区划
    invono: May20 = None  # 发票号
    mid_setl_flag: Need3  # 中途结算标志
    fulamt_ownpay_amt: Decimal | None = None  # 全自费金额
    overlmt_selfpay: Decimal | None = None  # 超限价金额
    preselfpay_amt: Decimal | None = None  # 先行自付金额
    inscp_scp_amt: Decimal | None = None  # 符合政策范围金额
    dscgTime: MayTime = None  # 出院时间
    exp_content: May4000 = None  # 字段扩展


class StaySettleInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `StaySettle`."""

    data: StaySettleData


class StaySettle(Envelope, frozen=True, kw_only=True, gc=False):
    """2304 and 2304A 住院结算."""

    input: StaySettleInput


class StayReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2303 and 2304."""

    setlinfo: SettleInfo
    setldetail: tuple[SettleDetail, ...]


class StayCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """住院结算撤销: which settlement."""

    mdtrt_id: Need30  # 就诊ID
    setl_id: Need30  # 结算ID
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class StayCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `StayCancel`."""

    data: StayCancelData


class StayCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2305 住院结算撤销."""

    input: StayCancelInput


class StayCancelInfo(Money, frozen=True, kw_only=True, gc=False):
    """撤销结算信息: a second settlement, every amount negative, with an id of its own."""

    mdtrt_id: str  # 就诊ID
    setl_id: str  # 结算ID
    clr_optins: str = ""  # 清算经办机构
    setl_time: str  # 结算时间
    psn_part_amt: Raw | UnsetType = UNSET  # 个人负担总金额
    psn_cash_pay: Raw  # 个人现金支出
    hosp_part_amt: Raw | UnsetType = UNSET  # 医院负担金额
    medins_setl_id: str  # 医药机构结算ID
    psn_insu_rlts_id: str = ""  # 人员参保关系ID
    insu_admdvs: str = ""  # 参保机构行政区划
    begndate: str = ""  # 开始日期
    enddate: str = ""  # 结算日期
    mdtrt_cert_no: str = ""  # 就诊凭证编号
    setl_type: str = ""  # 结算类别
    crt_dedc: Raw | UnsetType = UNSET  # 本次起付线
    invono: str = ""  # 发票号
    exp_content: str = ""  # 字段扩展


class StayCancelReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2305."""

    setlinfo: StayCancelInfo
    setldetail: tuple[SettleDetail, ...]
