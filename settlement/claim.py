"""A claim as the settlement core sees it, whatever transaction carried it.

Amounts are integer fen; a quantity is an integer number of ten-thousandths and a unit price an
integer number of millionths of a yuan (the wire's scales, NHSA 16,4 and 16,6). This module knows
no wire names, no database and no clock.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

QUANTITY_SCALE = 10_000
PRICE_SCALE = 1_000_000


class CareKind(StrEnum):
    """The kind of care (就医类型): what our code branches on; `care_type` stays region data."""

    PHARMACY = "pharmacy"
    OUTPATIENT = "outpatient"
    OUTPATIENT_SPECIAL = "outpatient_special"
    """门诊慢特病"""
    INPATIENT = "inpatient"
    DAY_SURGERY = "day_surgery"
    """日间手术"""
    MATERNITY = "maternity"
    """生育"""


class AccountUse(StrEnum):
    """Use of the personal account (个人账户使用标志), with the wire's code as value."""

    NONE = "0"
    OWN = "1"
    FAMILY = "2"


UNMAPPED = "unmapped"
"""`ClaimLine.approval` of an item without a mapping (未对照) where the region has such items paid
by the person: full self-pay, approved or not. What was sent is kept beside the line."""


class ClaimLine(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One fee line (费用明细). `amount_fen` is what the institution declared for the line."""

    line_no: str
    item_code: str
    institution_item_code: str
    quantity_e4: int
    price_e6: int
    amount_fen: int
    occurred_on: date
    approval: str = ""
    """医院审批标志 (hosp_appr_flag): 1 approved, 2 not; decides on items of limited use; or
    UNMAPPED"""


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """A request to settle (结算申请) the lines of one purchase, visit or stay."""

    kind: CareKind
    care_type: str
    """医疗类别, NHSA med_type: 41 pharmacy, 11 ordinary outpatient …"""
    scheme: str
    """险种, NHSA insutype: 310 employee, 390 resident …"""
    institution_code: str
    person_no: str
    account_use: AccountUse
    total_fen: int
    service_at: datetime
    lines: tuple[ClaimLine, ...]
    disease: str = ""
    """病种编码, NHSA dise_codg, of an outpatient claim; empty where none was named"""


class PricedLine(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A fee line after pricing: declared amount = the four parts, exactly (NHSA money rule 5)."""

    line: ClaimLine
    item_class: str
    """费用等级, NHSA chrgitm_lv: 01 甲, 02 乙, 03 丙"""
    charge_kind: str
    """收费项目类别, NHSA med_chrgitm_type"""
    self_pay_bp: int
    """先行自付比例 in basis points; 10000 for a full self-pay line"""
    ceiling_e6: int | None
    """定价上限, millionths of a yuan a unit; None where the item has no ceiling"""
    full_self_pay_fen: int
    """全自费"""
    over_ceiling_fen: int
    """超限价自费"""
    pre_self_pay_fen: int
    """先行自付"""
    in_scope_fen: int
    """符合政策范围"""
    note: str = ""
    """Why, in Chinese, where a cashier would ask (e.g. 目录外项目，按全自费处理)"""
