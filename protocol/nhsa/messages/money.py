"""The settlement answer that several transactions share: `setlinfo` and `setldetail`.

Names are the wire's own. Quotes, settlements and cancels of pharmacies and outpatients use these;
which amounts must add up to which is not known here.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType


class Money(Struct, frozen=True, kw_only=True, gc=False):
    """The amounts that every `setlinfo` carries; yuan, from `amounts.yuan`."""

    medfee_sumamt: Raw  # 医疗费总额
    fulamt_ownpay_amt: Raw  # 全自费金额
    overlmt_selfpay: Raw  # 超限价自费费用
    preselfpay_amt: Raw  # 先行自付金额
    inscp_scp_amt: Raw  # 符合政策范围金额
    act_pay_dedc: Raw  # 实际支付起付线
    hifp_pay: Raw  # 基本医疗保险统筹基金支出
    pool_prop_selfpay: Raw  # 基本医疗保险统筹基金支付比例
    cvlserv_pay: Raw  # 公务员医疗补助资金支出
    hifes_pay: Raw  # 企业补充医疗保险基金支出
    hifmi_pay: Raw  # 居民大病保险资金支出
    hifob_pay: Raw  # 职工大额医疗费用补助基金支出
    maf_pay: Raw  # 医疗救助基金支出
    oth_pay: Raw  # 其他支出
    hifdm_pay: Raw  # 伤残人员医疗保障基金支出
    fund_pay_sumamt: Raw  # 基金支付总额
    acct_pay: Raw  # 个人账户支出
    acct_mulaid_pay: Raw  # 个人账户共济支付金额
    balc: Raw  # 余额


class SettleInfo(Money, frozen=True, kw_only=True, gc=False):
    """结算信息: the answer of a quote (without `setl_id`) or a settlement."""

    mdtrt_id: str  # 就诊ID
    setl_id: str | UnsetType = UNSET  # 结算ID
    psn_no: str  # 人员编号
    psn_name: str  # 人员姓名
    psn_cert_type: str  # 人员证件类型
    certno: str  # 证件号码
    gend: str = ""  # 性别
    naty: str = ""  # 民族
    brdy: str = ""  # 出生日期
    age: Raw | UnsetType = UNSET  # 年龄
    insutype: str  # 险种类型
    psn_type: str  # 人员类别
    cvlserv_flag: str  # 公务员标志
    setl_time: str  # 结算时间
    mdtrt_cert_type: str = ""  # 就诊凭证类型
    med_type: str  # 医疗类别
    psn_part_amt: Raw  # 个人负担总金额
    psn_cash_pay: Raw  # 个人现金支出
    hosp_part_amt: Raw  # 医院负担金额
    medins_setl_id: str  # 医药机构结算ID
    clr_optins: str = ""  # 清算经办机构
    clr_way: str = ""  # 清算方式
    clr_type: str  # 清算类别
    exp_content: str = ""  # 字段扩展


class CancelInfo(Money, frozen=True, kw_only=True, gc=False):
    """撤销结算信息: a second settlement, every amount negative, with an id of its own."""

    mdtrt_id: str  # 就诊ID
    setl_id: str  # 结算ID
    clr_optins: str = ""  # 清算经办机构
    setl_time: str  # 结算时间
    psn_part_amt: Raw  # 个人负担总金额
    hosp_part_amt: Raw  # 医院负担金额
    medins_setl_id: str  # 医药机构结算ID
    psn_cash_pay: Raw  # 个人现金支出
    pdn_cash_pay: Raw  # 个人现金支出, as the printed field list of 2208 spells it
    psn_no: str = ""  # 人员编号
    psn_name: str = ""  # 人员姓名
    psn_cert_type: str = ""  # 人员证件类型
    certno: str = ""  # 证件号码
    gend: str = ""  # 性别
    naty: str = ""  # 民族
    brdy: str = ""  # 出生日期
    age: Raw | UnsetType = UNSET  # 年龄
    insutype: str = ""  # 险种类型
    psn_type: str = ""  # 人员类别
    cvlserv_flag: str = ""  # 公务员标志
    mdtrt_cert_type: str = ""  # 就诊凭证类型
    med_type: str = ""  # 医疗类别
    exp_content: str = ""  # 字段扩展
    clr_type: str = ""  # 清算类别
    clr_way: str = ""  # 清算方式


class SettleDetail(Struct, frozen=True, kw_only=True, gc=False):
    """结算基金分项: what one fund (or the account, or the hospital) paid."""

    fund_pay_type: str  # 基金支付类型
    inscp_scp_amt: Raw  # 符合政策范围金额
    crt_payb_lmt_amt: Raw  # 本次可支付限额金额
    fund_payamt: Raw  # 基金支付金额
    fund_pay_type_name: str = ""  # 基金支付类型名称
    setl_proc_info: str = ""  # 结算过程信息
