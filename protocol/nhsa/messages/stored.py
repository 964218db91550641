"""Uploads that are only stored: 4101 settlement lists, 35xx stock, 43xx to 49xx records.

Our sources print no field tables of these, and provinces send what they like: `input` must be an
object and is kept as sent. What is looked at in it is a view of its own; everything in a view is
optional here. Names in `SettlementListSeen` are those that client programs send.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from msgspec import Raw, Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import May6, May30


class NothingSeen(Struct, frozen=True, kw_only=True, gc=False):
    """The view of an upload in which nothing is looked at."""


class Stored(Envelope, frozen=True, kw_only=True, gc=False):
    """只存储的上传: stock (3501 to 3507), clinical records (4301 to 4701), invoices (49xx)."""

    view: ClassVar[type[Struct]] = NothingSeen

    input: Raw


class SettlementListInfo(Struct, frozen=True, kw_only=True, gc=False):
    """结算清单信息: the settlement it is about, and its totals."""

    setl_id: May30 = None  # 结算ID
    mdtrt_id: May30 = None  # 就诊ID
    psn_no: May30 = None  # 人员编号
    psn_selfpay: Decimal | None = None  # 个人自付
    psn_ownpay: Decimal | None = None  # 个人自费
    acct_pay: Decimal | None = None  # 个人账户支出
    psn_cashpay: Decimal | None = None  # 个人现金支付


class SettlementListFund(Struct, frozen=True, kw_only=True, gc=False):
    """基金支付信息"""

    fund_pay_type: May6 = None  # 基金支付类型
    fund_payamt: Decimal | None = None  # 基金支付金额


class SettlementListItem(Struct, frozen=True, kw_only=True, gc=False):
    """收费项目信息"""

    med_chrgitm: May30 = None  # 医疗收费项目
    amt: Decimal | None = None  # 金额
    claa_sumfee: Decimal | None = None  # 甲类费用合计
    clab_amt: Decimal | None = None  # 乙类金额
    fulamt_ownpay_amt: Decimal | None = None  # 全自费金额
    oth_amt: Decimal | None = None  # 其他金额


class SettlementListSeen(Struct, frozen=True, kw_only=True, gc=False):
    """What is looked at in a settlement list."""

    setlinfo: SettlementListInfo
    payinfo: tuple[SettlementListFund, ...] = ()
    iteminfo: tuple[SettlementListItem, ...] = ()


class SettlementList(Stored, frozen=True, kw_only=True, gc=False):
    """4101 and 4101A 医疗保障基金结算清单信息上传."""

    view: ClassVar[type[Struct]] = SettlementListSeen


class SettlementListReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 4101."""

    setl_list_id: str  # 清单流水号
