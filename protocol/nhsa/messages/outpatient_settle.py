"""Quote, settlement and cancel of a visit: 2206, 2207, 2208; 2206A and 2207A take the same body."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.money import CancelInfo, SettleDetail, SettleInfo
from protocol.nhsa.messages.text import (
    May6,
    May20,
    May32,
    May50,
    May4000,
    Need1,
    Need3,
    Need6,
    Need30,
    Need50,
)


class OutpatientQuoteData(Struct, frozen=True, kw_only=True, gc=False):
    """门诊预结算"""

    psn_no: Need30  # 人员编号
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: Need50  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    psn_cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    psn_type: May6 = None  # 人员类别
    psn_name: May50 = None  # 人员姓名
    med_type: Need6  # 医疗类别
    medfee_sumamt: Decimal  # 医疗费总额
    psn_setlway: Need6  # 个人结算方式
    mdtrt_id: Need30  # 就诊ID
    chrg_bchno: Need30  # 收费批次号
    acct_used_flag: Need1  # 个人账户使用标志
    insutype: Need6  # 险种类型
    exp_content: May4000 = None  # 字段扩展
    pub_hosp_rfom_flag: May6 = None  # 公立医院改革标志


class OutpatientQuoteInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `OutpatientQuote`."""

    data: OutpatientQuoteData


class OutpatientQuote(Envelope, frozen=True, kw_only=True, gc=False):
    """2206 and 2206A 门诊预结算."""

    input: OutpatientQuoteInput


class OutpatientSettleData(Struct, frozen=True, kw_only=True, gc=False):
    """门诊结算: the four split amounts repeat what 2204 and 2206 answered."""

    psn_no: Need30  # 人员编号
    mdtrt_cert_type: Need3  # 就诊凭证类型
    mdtrt_cert_no: Need50  # 就诊凭证编号
    card_sn: May32 = None  # 卡识别码
    psn_cert_type: May6 = None  # 证件类型
    certno: May50 = None  # 证件号码
    psn_type: May6 = None  # 人员类别
    psn_name: May50 = None  # 人员姓名
    med_type: Need6  # 医疗类别
    medfee_sumamt: Decimal  # 医疗费总额
    psn_setlway: Need6  # 个人结算方式
    mdtrt_id: Need30  # 就诊ID
    chrg_bchno: Need30  # 收费批次号
    insutype: Need6  # 险种类型
    acct_used_flag: Need1  # 个人账户使用标志
    invono: May20 = None  # 发票号
    fulamt_ownpay_amt: Decimal  # 全自费金额
    overlmt_selfpay: Decimal  # 超限价金额
    preselfpay_amt: Decimal  # 先行自付金额
    inscp_scp_amt: Decimal  # 符合政策范围金额
    exp_content: May4000 = None  # 字段扩展
    pub_hosp_rfom_flag: May6 = None  # 公立医院改革标志


class OutpatientSettleInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `OutpatientSettle`."""

    data: OutpatientSettleData


class OutpatientSettle(Envelope, frozen=True, kw_only=True, gc=False):
    """2207 and 2207A 门诊结算."""

    input: OutpatientSettleInput


class OutpatientReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2206 and 2207."""

    setlinfo: SettleInfo
    setldetail: tuple[SettleDetail, ...]


class OutpatientCancelData(Struct, frozen=True, kw_only=True, gc=False):
    """门诊结算撤销: which settlement."""

    setl_id: Need30  # 结算ID
    mdtrt_id: Need30  # 就诊ID
    psn_no: Need30  # 人员编号
    exp_content: May4000 = None  # 字段扩展


class OutpatientCancelInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `OutpatientCancel`."""

    data: OutpatientCancelData


class OutpatientCancel(Envelope, frozen=True, kw_only=True, gc=False):
    """2208 门诊结算撤销."""

    input: OutpatientCancelInput


class OutpatientCancelReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 2208."""

    setlinfo: CancelInfo
    setldetail: tuple[SettleDetail, ...]
