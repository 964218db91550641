"""A benefit policy (待遇政策) and a region profile, checked and ready for the engine to read.

What is here was validated by `compiler`; the engine may rely on every table answering every level
and every person category. This module knows neither files nor how an amount is computed: each
step kind is plain data here and one function in `settlement/benefit.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from msgspec import Struct

from settlement.claim import CareKind

CANCELS = frozenset({"2103", "2208", "2305"})
"""Transactions that cancel a settlement (结算撤销)."""
OTHER_LEVEL = "*"
"""The row of a table that answers every level not named."""


class FundKind(StrEnum):
    """What stands behind a fund_pay_type: only `FUND` is insurance money of a pool."""

    FUND = "fund"
    ACCOUNT = "account"
    HOSPITAL = "hospital"
    OTHER = "other"


class AmountField(StrEnum):
    """The national amount field that a payment is reported in (NHSA setlinfo)."""

    POOL = "hifp_pay"
    CIVIL_SERVANT = "cvlserv_pay"
    ENTERPRISE = "hifes_pay"
    CRITICAL_ILLNESS = "hifmi_pay"
    LARGE_AMOUNT = "hifob_pay"
    MEDICAL_AID = "maf_pay"
    DISABLED_VETERANS = "hifdm_pay"
    OTHER = "oth_pay"
    ACCOUNT = "acct_pay"
    HOSPITAL = "hosp_part_amt"


class RulingDate(StrEnum):
    """Which date decides policy, person status and fiscal year (DOMAIN 21)."""

    FEE = "fee"
    ADMISSION = "admission"
    DISCHARGE = "discharge"
    SETTLEMENT = "settlement"


class UnknownItem(StrEnum):
    """What becomes of a line whose well-formed code is not in the catalogue (DOMAIN 22)."""

    FULL_SELF_PAY = "full_self_pay"
    REFUSE = "refuse"


class CancelOrder(StrEnum):
    """In which order the settlements of a person's year are undone (撤销顺序, DOMAIN 10)."""

    LATEST_FIRST = "latest_first"
    """refused while a later one stands"""
    FREE = "free"
    """in any order; the later ones that stand are to be decided again (待重算)"""


class CancelWindow(StrEnum):
    """How long after its own business day a settlement may be cancelled (撤销期限, DOMAIN 10)."""

    MONTH = "month"
    """in the same calendar month"""
    YEAR = "year"
    """in the same fiscal year"""
    APPROVAL = "approval"
    """at any time, with an approval record (退费备案)"""


class Fund(Struct, frozen=True, kw_only=True, gc=False):
    """One payer (基金款项): its code on the wire, its amount field and its ledger code."""

    code: str
    """fund_pay_type"""
    name: str
    kind: FundKind
    amount_field: AmountField
    ledger_code: int


class LevelTable(Struct, frozen=True, kw_only=True, gc=False):
    """Numbers by institution level and person category; the row `*` answers other levels."""

    rows: Mapping[str, Mapping[str, int]]

    def at(self, level: str, category: str) -> int:
        """Return the number for a level (起付线医院等级) and a category of this policy."""
        row = self.rows.get(level)
        if row is None:
            row = self.rows[OTHER_LEVEL]
        return row[category]


class DeductibleStep(Struct, frozen=True, kw_only=True, gc=False):
    """Take the deductible (起付线) off what the following steps share."""

    rule_id: str
    standard_fen: LevelTable
    per_year: bool
    """False: the full standard again at every visit"""
    accumulator: str


class ShareStep(Struct, frozen=True, kw_only=True, gc=False):
    """A fund pays a ratio (支付比例) of what is left to share, up to its yearly cap (年度限额)."""

    rule_id: str
    fund: Fund
    ratio_bp: LevelTable
    accumulator: str
    """what this fund paid in the year; several rules may add to the same accumulator"""
    cap_fen: Mapping[str, int] | None
    """by person category; None for a fund without a cap"""


Step = DeductibleStep | ShareStep
"""A new kind of rule is a new Struct here, its file form in `format`, and one function in
`settlement/benefit.py`; mypy points at every `match` that has to learn it."""


class CareRules(Struct, frozen=True, kw_only=True, gc=False):
    """What one policy says about one care type (医疗类别)."""

    care_type: str
    kind: CareKind
    clearing_type: str
    """清算类别"""
    steps: tuple[Step, ...]
    fund_codes: tuple[str, ...]
    """the funds that the steps may draw on, each once, in order"""


class AccountRules(Struct, frozen=True, kw_only=True, gc=False):
    """What the personal account (个人账户) may pay, shown with which credential, and when."""

    fund: Fund
    credential_types: frozenset[str]
    """mdtrt_cert_type values that may spend it (DOMAIN 18)"""
    pays_deductible: bool
    pays_ratio_part: bool
    """the insured person's share of what a fund shares, anything above its cap included"""
    pays_pre_self_pay: bool
    pays_over_ceiling: bool
    pays_full_self_pay: bool
    while_suspended: bool
    while_waiting: bool


class Policy(Struct, frozen=True, kw_only=True, gc=False):
    """The benefit rules of one region and scheme for one period; both dates are inclusive."""

    version: str
    """name@effective_from#digest of the content: what a settlement stores"""
    name: str
    title: str
    region: str
    scheme: str
    """险种 (insutype)"""
    effective_from: date
    effective_to: date
    verified: bool
    """False marks demonstration figures, which no page may show as a city's real policy"""
    source: str
    fiscal_year_start_month: int
    funds: Mapping[str, Fund]
    category_by_person_type: Mapping[str, str]
    care: Mapping[str, CareRules]
    account: AccountRules | None

    def category(self, person_type: str) -> str | None:
        """Return the category of a psn_type; a local code falls back on its national prefix."""
        category = self.category_by_person_type.get(person_type)
        while category is None and len(person_type) > 2:
            person_type = person_type[:-1]
            category = self.category_by_person_type.get(person_type)
        return category

    def fiscal_year(self, on: date) -> int:
        """Return the year (年度) whose accumulators a ruling date counts in."""
        return on.year if on.month >= self.fiscal_year_start_month else on.year - 1


class RegionProfile(Struct, frozen=True, kw_only=True, gc=False):
    """What a pooling area (统筹区) decides for every scheme: intake checks and ruling dates."""

    code: str
    """admdvs, six digits"""
    name: str
    line_tolerance_fen: int
    """allowed gap between a line's amount and price x quantity"""
    unknown_item: UnknownItem
    unknown_item_charge_kind: str
    item_code: re.Pattern[str]
    """what a well-formed catalogue code looks like"""
    refund_lines: frozenset[CareKind]
    """kinds of care whose lines may carry a negative quantity"""
    scheme_order: tuple[str, ...]
    """which active scheme is taken when a claim names none (DOMAIN 20)"""
    ruling_date: Mapping[CareKind, RulingDate]
    backdating_days_max: Mapping[CareKind, int]
    """how old a fee may be when it is settled"""
    cancel_order: CancelOrder
    cancel_window: CancelWindow
    reversible: frozenset[str]
    """transactions whose effect 2601 takes back (DOMAIN 9)"""
    fund_total_includes_account: bool
    """how this region reports fund_pay_sumamt (NHSA money rule 6)"""
