"""A benefit policy (待遇政策), checked and ready for the engine to read.

A policy is, for each care type, a list of rules in order. A rule takes amounts out of *parts* of
the bill and says who pays them; every fen is in exactly one part, or paid, at every moment. What
depends on the case (level, category, place, age …) stands in tables; `plan.py` reads them for one
kind of case. This module knows neither files nor how an amount is computed: each kind of rule is
plain data here and one function in `settlement/benefit.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import IntEnum, StrEnum

from msgspec import Struct

from settlement.claim import CareKind
from settlement.policy.table import Condition, Table

OTHER_LEVEL = "other"
"""What every level is that a policy does not name."""


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


class Part(IntEnum):
    """A part of the bill (费用构成) that nobody has paid yet."""

    OPEN = 0
    """in scope, not yet shared: what a pool shares next"""
    OWN = 1
    """in scope, the person's share of what a fund shared (自付)"""
    OVER_CAP = 2
    """in scope, above what a capped fund could share (超封顶线)"""
    DEDUCTIBLE = 3
    """in scope, taken by the deductible (起付线)"""
    APART = 4
    """in scope, but not shared: first-off for care elsewhere, or a closed fund's part"""
    PRE_SELF_PAY = 5
    OVER_CEILING = 6
    FULL_SELF_PAY = 7


IN_SCOPE_OWN = (Part.OWN, Part.OVER_CAP, Part.DEDUCTIBLE)
"""The person's share of what a pool shared, with the deductible (范围内自付)."""


class DeductiblePeriod(StrEnum):
    """How often the deductible (起付线) is due."""

    YEAR = "year"
    CASE = "case"
    """every visit or stay; the segments of one stay bear it once"""


class Along(StrEnum):
    """What a rule's brackets and threshold are counted along (累计口径)."""

    CASE = "case"
    YEAR = "year"


class CeilingOf(StrEnum):
    """What the ceiling over all layers (总报销比例上限) is a share of."""

    TOTAL = "total"
    IN_SCOPE = "in_scope"


class Fund(Struct, frozen=True, kw_only=True, gc=False):
    """One payer (基金款项): its code on the wire, its amount field and its ledger code."""

    code: str
    """fund_pay_type"""
    name: str
    name_en: str
    kind: FundKind
    amount_field: AmountField
    ledger_code: int


class FirstOffRule(Struct, frozen=True, kw_only=True, gc=False):
    """A ratio of what is in scope stays with the person before anything is shared (首先自付)."""

    rule_id: str
    source: str
    when: Condition
    ratio_bp: Table


class DeductibleRule(Struct, frozen=True, kw_only=True, gc=False):
    """Take the deductible (起付线) off what the following rules share."""

    rule_id: str
    source: str
    when: Condition
    standard_fen: Table
    period: DeductiblePeriod
    less_per_admission_fen: int
    """taken off the standard for each earlier admission of the year"""
    least_fen: int
    """what the standard never falls below for that reason"""
    again_in_new_year: bool
    """a stay that crosses the year bears it again"""
    accumulator: str


class BracketRule(Struct, frozen=True, gc=False):
    """One bracket (分段): up to `up_to_fen`, or the rest where that is None."""

    up_to_fen: int | None
    ratio_bp: Table


class CapRule(Struct, frozen=True, kw_only=True, gc=False):
    """A yearly cap (年度限额) on what some funds pay together."""

    name: str
    source: str
    amount_fen: Table
    accumulators: tuple[str, ...]


class ShareRule(Struct, frozen=True, kw_only=True, gc=False):
    """A payer shares parts of the bill: bracket by bracket, up to its caps (支付比例)."""

    rule_id: str
    source: str
    when: Condition
    fund: Fund
    take: tuple[Part, ...]
    brackets: tuple[BracketRule, ...]
    along: Along
    deductible_inside: bool
    """brackets are counted with the deductible in them"""
    threshold_fen: Table | None
    """nothing is shared below it (大病起付标准), counted as the brackets are"""
    own_share_factor_bp: Table | None
    """the person's ratio is multiplied by this: 6000 for six tenths of an active person's"""
    plus_bp: tuple[Table, ...]
    """points added to the fund's ratio; negative ones are taken off"""
    factor_bp: Table | None
    """the ratio so far is multiplied by this: 9000 for nine tenths of the local ratio"""
    cap: CapRule | None
    case_cap_fen: Table | None
    """the most it pays for one case (定额)"""
    base_accumulator: str
    """what was counted along the year so far; empty for `Along.CASE`"""
    base_less_accumulator: str
    """what is taken off that, where brackets are counted without the deductible; or empty"""
    paid_accumulator: str


class CeilingRule(Struct, frozen=True, kw_only=True, gc=False):
    """Rules after this one pay no more than brings all funds together to a ratio of the bill."""

    rule_id: str
    source: str
    when: Condition
    ratio_bp: Table
    of: CeilingOf


BenefitRule = FirstOffRule | DeductibleRule | ShareRule | CeilingRule
"""A new kind of rule is a new Struct here, its file form in `format`, its reading in `plan` and one
function in `settlement/benefit.py`; mypy points at every `match` that has to learn it."""


class CareRules(Struct, frozen=True, kw_only=True, gc=False):
    """What one policy says about one care type (医疗类别)."""

    care_type: str
    kind: CareKind
    clearing_type: str
    """清算类别"""
    rules: tuple[BenefitRule, ...]
    fund_codes: tuple[str, ...]
    """the funds that the rules may draw on, each once, in order"""
    group: str
    """what its accumulators begin with"""
    counts_admission: bool
    in_scope_accumulator: str
    deductible_accumulator: str
    own_share_accumulator: str
    admissions_accumulator: str
    """what a settlement adds to beside what each fund pays; empty where nothing reads it"""
    counts: bool
    """any of these four"""
    counted: frozenset[str]
    """every accumulator of the group that some rule of the policy reads, or that is reported"""


class FamilyRules(Struct, frozen=True, kw_only=True, gc=False):
    """What relatives' accounts may pay (家庭共济, DOMAIN 24), after the person's own."""

    relations: frozenset[str]
    """codes of relatives who may give"""
    parts: tuple[Part, ...]


class AccountRules(Struct, frozen=True, kw_only=True, gc=False):
    """What the personal account (个人账户) may pay, shown with which credential, and when."""

    fund: Fund
    credential_types: frozenset[str]
    """mdtrt_cert_type values that may spend it (DOMAIN 18)"""
    parts: tuple[Part, ...]
    while_suspended: bool
    while_waiting: bool
    family: FamilyRules | None = None


class ItemRule(Struct, frozen=True, kw_only=True, gc=False):
    """What a policy says of catalogue items beyond the catalogue itself (项目支付规定)."""

    source: str
    self_pay_bp: Table | None
    """先行自付比例, in place of the catalogue's"""
    payment_standard_e6: int | None
    """医保支付标准 a unit: above it is the person's, as above a ceiling"""
    limited_use: bool
    """限制使用: full self-pay unless the use was approved"""


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
    """False marks figures that no page may show as a city's real policy"""
    sources: Mapping[str, str]
    """where each rule comes from: the citation by its name"""
    fiscal_year_start_month: int
    funds: Mapping[str, Fund]
    category_by_person_type: Mapping[str, str]
    categories: Mapping[str, str]
    """title by name, in the order of the file"""
    level_of: Mapping[str, str]
    """which of the policy's levels another level is treated as"""
    tags: Mapping[str, str]
    """titles of the person tags that tables and conditions name"""
    care: Mapping[str, CareRules]
    account: AccountRules | None
    line_classes: Mapping[str, int]
    """先行自付比例 by class of line, where a line states none"""
    items: Mapping[str, ItemRule]
    admission_breaks: tuple[int, ...]
    age_breaks: tuple[int, ...]
    stay_total_breaks: tuple[int, ...]
    """the numbers at which some table or condition changes its answer"""
    plans: dict[tuple[object, ...], tuple[object, ...]] = {}
    """the rules as read for each kind of case so far (`plan.keep`)"""

    def category(self, person_type: str) -> str | None:
        """Return the category of a psn_type; a local code falls back on its national prefix."""
        category = self.category_by_person_type.get(person_type)
        while category is None and len(person_type) > 2:
            person_type = person_type[:-1]
            category = self.category_by_person_type.get(person_type)
        return category

    def level(self, level: str) -> str:
        """Return the level of this policy's tables that an institution's level is treated as."""
        return self.level_of.get(level) or self.level_of[OTHER_LEVEL]

    def fiscal_year(self, on: date) -> int:
        """Return the year (年度) whose accumulators a ruling date counts in."""
        return on.year if on.month >= self.fiscal_year_start_month else on.year - 1
