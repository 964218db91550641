"""The file format of policies (TOML), decoded strictly: an unknown key, a number of the wrong type
or an unknown code stops the loading.

Amounts are whole fen (`_fen`) and ratios basis points (`_bp`), so that no number in a file is
ever a fraction. This module says what a file may contain; whether its parts fit together is
checked by `compiler` and `checks`. docs/reference/policy.md teaches it, and
docs/reference/benefit-policy.schema.json is made from these types.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct, field

from settlement.claim import CareKind
from settlement.policy.model import (
    Along,
    AmountField,
    CeilingOf,
    DeductiblePeriod,
    FundKind,
)
from settlement.policy.table import Column

Code = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$")]
Text = Annotated[str, Meta(min_length=1)]
Ratio = Annotated[int, Meta(ge=0, le=10_000)]
Points = Annotated[int, Meta(ge=-10_000, le=10_000)]
Amount = Annotated[int, Meta(ge=0)]
Month = Annotated[int, Meta(ge=1, le=12)]
Positive = Annotated[int, Meta(gt=0)]
Cell: TypeAlias = str | int | list[str | int]
"""One value, a range as text, several values, or "*"."""
Number: TypeAlias = int | Name
"""A number itself, or the name of a table that holds it."""


class PartName(StrEnum):
    """The parts of a bill, by the names that files use (see `model.Part`)."""

    OPEN = "open"
    OWN = "own"
    OVER_CAP = "over_cap"
    DEDUCTIBLE = "deductible"
    APART = "apart"
    PRE_SELF_PAY = "pre_self_pay"
    OVER_CEILING = "over_ceiling"
    FULL_SELF_PAY = "full_self_pay"
    IN_SCOPE_OWN = "in_scope_own"
    """own, over_cap and deductible together"""


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of a file: an unknown key is an error."""


class FundEntry(Strict, frozen=True, kw_only=True):
    """`funds`: one fund_pay_type that this policy may pay from."""

    code: Code
    """fund_pay_type"""
    name: Text
    """中文名称, in answers and explanations"""
    name_en: Text
    """the same in English"""
    kind: FundKind
    """only `fund` is a pool's money"""
    amount_field: AmountField
    """where the national interface reports it"""
    ledger_code: Positive
    """its number in the chart of accounts: one fund, one number in a region"""


class CategoryEntry(Strict, frozen=True, kw_only=True):
    """`categories`: psn_type codes that are treated alike; a prefix covers local codes."""

    name: Name
    """what tables and conditions call it: active, retired, resident …"""
    title: Text
    """for people, 中文"""
    person_types: Annotated[tuple[Code, ...], Meta(min_length=1)]
    """psn_type; 11 covers 1101 too, unless that is listed"""


class CareEntry(Strict, frozen=True, kw_only=True):
    """`care`: which rules and clearing type apply to some med_type codes."""

    care_types: Annotated[tuple[Code, ...], Meta(min_length=1)]
    """med_type (医疗类别); each once in a file"""
    kind: CareKind
    """what the code takes it for"""
    rules: Name
    """the name of a list under `rules`"""
    clearing_type: Code
    """clr_type (清算类别)"""
    group: Name | None = None
    """accumulators are kept by group; by default every kind has its own"""
    counts_admission: bool = False
    """true where a case is an admission of the year"""


class TableEntry(Strict, frozen=True, kw_only=True):
    """`[amounts_fen.NAME]`, `[ratios_bp.NAME]` or `[points_bp.NAME]`: a decision table. A row has a
    cell a column and then its number; the first row that fits answers."""

    by: Annotated[tuple[Column, ...], Meta(min_length=1)]
    """what the number depends on: the columns, in order"""
    rows: Annotated[tuple[list[Cell], ...], Meta(min_length=1)]
    """a cell a column, then the number: `["2", "retired", 8500]`"""
    source: Name
    """the name of an entry of `sources`"""


class CapEntry(Strict, frozen=True, kw_only=True):
    """`[caps.NAME]`: a yearly cap on what some funds pay together in some groups of care."""

    amount_fen: Number
    """what the funds pay together in a fiscal year at most"""
    funds: Annotated[tuple[Code, ...], Meta(min_length=1)]
    """the funds that count in it"""
    groups: tuple[Name, ...] = ()
    """by default the group of the rule that is capped"""
    source: Name
    """the name of an entry of `sources`"""


class FirstOffEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="first_off"):
    """A rule with `step = "first_off"`: this much of what is in scope stays with the person."""

    ratio_bp: Number
    """how much stays with the person (首先自付)"""
    when: dict[Column, Cell] = field(default_factory=dict)
    """only for cases that fit: `{ column = cell, … }` as in tables; for every case without it"""
    source: Name
    """the name of an entry of `sources`"""


class DeductibleEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="deductible"):
    """A rule with `step = "deductible"`."""

    amount_fen: Number
    """起付线"""
    per: DeductiblePeriod
    """how often it is due"""
    less_per_admission_fen: Amount = 0
    """this much less for each earlier admission of the year"""
    least_fen: Amount = 0
    """what it never falls below for that reason"""
    again_in_new_year: bool = False
    """true where a stay that crosses the year bears it again"""
    when: dict[Column, Cell] = field(default_factory=dict)
    """only for cases that fit: `{ column = cell, … }` as in tables; for every case without it"""
    source: Name
    """the name of an entry of `sources`"""


class BracketEntry(Strict, frozen=True, kw_only=True):
    """One bracket of a share; the last one has no `up_to_fen`."""

    ratio_bp: Number
    """the payer's share of this bracket"""
    up_to_fen: Positive | None = None
    """its end, counted from zero; the last bracket has none"""


class ShareEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="share"):
    """A rule with `step = "share"`: either one `ratio_bp`, or `brackets`."""

    fund: Code
    """which of `funds` pays"""
    take: Annotated[tuple[PartName, ...], Meta(min_length=1)] = (PartName.OPEN,)
    """the parts of the bill that it shares; what is open without it"""
    ratio_bp: Number | None = None
    """the payer's share (支付比例), where there are no brackets"""
    brackets: tuple[BracketEntry, ...] = ()
    """分段支付, in rising order"""
    along: Along = Along.CASE
    """what brackets and threshold are counted along (累计口径)"""
    deductible_inside: bool = False
    """true where brackets are counted with the deductible in them"""
    threshold_fen: Number | None = None
    """nothing is shared below it (起付标准)"""
    own_share_factor_bp: Number | None = None
    """the person's share is multiplied by this: 6000 for six tenths"""
    plus_bp: tuple[Number, ...] = ()
    """points added to the ratio; negative ones are taken off"""
    factor_bp: Number | None = None
    """the ratio so far is multiplied by this"""
    cap: Name | None = None
    """the name of an entry of `caps`"""
    case_cap_fen: Number | None = None
    """the most it pays for one case (定额)"""
    when: dict[Column, Cell] = field(default_factory=dict)
    """only for cases that fit: `{ column = cell, … }` as in tables; for every case without it"""
    source: Name
    """the name of an entry of `sources`"""


class CeilingEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="ceiling"):
    """A rule with `step = "ceiling"`: later rules pay no more than brings all funds to this."""

    ratio_bp: Number
    """what all funds together pay at most (总报销比例上限)"""
    of: CeilingOf = CeilingOf.TOTAL
    """of the whole bill, or of what is in scope"""
    when: dict[Column, Cell] = field(default_factory=dict)
    """only for cases that fit: `{ column = cell, … }` as in tables; for every case without it"""
    source: Name
    """the name of an entry of `sources`"""


RuleEntry: TypeAlias = FirstOffEntry | DeductibleEntry | ShareEntry | CeilingEntry


class FamilyEntry(Strict, frozen=True, kw_only=True):
    """`[account.family]`: left out where accounts are not shared in the family."""

    relations: Annotated[tuple[Code, ...], Meta(min_length=1)]
    """codes of relatives who may give"""
    pays: Annotated[tuple[PartName, ...], Meta(min_length=1)]
    """the parts of the bill that it may pay"""


class AccountEntry(Strict, frozen=True, kw_only=True):
    """`[account]`: left out where the scheme has no personal account."""

    fund: Code
    """one of `funds`, of kind `account`"""
    credential_types: tuple[Code, ...]
    """mdtrt_cert_type that may spend it"""
    pays: Annotated[tuple[PartName, ...], Meta(min_length=1)]
    """the parts of the bill that it may pay, in this order"""
    while_suspended: bool
    """whether it may pay while the membership is suspended"""
    while_waiting: bool
    """whether it may pay before the benefits begin"""
    family: FamilyEntry | None = None
    """家庭共济"""
    source: Name
    """the name of an entry of `sources`"""


class ItemEntry(Strict, frozen=True, kw_only=True):
    """`[[items]]`: what is special about some catalogue codes in this policy."""

    codes: Annotated[tuple[Annotated[str, Meta(min_length=3, max_length=50)], ...],
                     Meta(min_length=1)]  # fmt: skip
    """catalogue codes"""
    self_pay_bp: Number | None = None
    """先行自付比例, in place of the catalogue's"""
    payment_standard_e6: Positive | None = None
    """医保支付标准 a unit, in millionths of a yuan: above it is the person's"""
    limited_use: bool = False
    """限制使用: wholly self-paid unless the use was approved"""
    source: Name
    """the name of an entry of `sources`"""


class LineClassEntry(Strict, frozen=True, kw_only=True):
    """`[line_classes.NAME]`: the pre-self-pay ratio of a class of lines (乙类药品, 进口材料 …)."""

    title: Text
    """for people, 中文"""
    self_pay_bp: Ratio
    """先行自付比例"""
    source: Name
    """the name of an entry of `sources`"""


class PolicyFile(Strict, frozen=True, kw_only=True, tag_field="format", tag="benefit-policy/2"):
    """A file with `format = "benefit-policy/2"`: one region, scheme and period."""

    name: Name
    """lower-case words joined by `-`; the calculator calls the policy so"""
    title: Text
    """for people, 中文"""
    region: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    """the pooling area (统筹区), six digits"""
    scheme: Code
    """insutype (险种): 310, 390 …"""
    effective_from: date
    """the first day"""
    effective_to: date = date.max
    """the last day; open without it"""
    verified: bool
    """false marks figures that nobody has compared with the original document"""
    sources: Annotated[dict[Name, Text], Meta(min_length=1)]
    """where the figures come from: a citation by name"""
    fiscal_year_start_month: Month = 1
    """the month in which the year of deductibles and caps begins"""
    funds: Annotated[tuple[FundEntry, ...], Meta(min_length=1)]
    """who may pay"""
    categories: Annotated[tuple[CategoryEntry, ...], Meta(min_length=1)]
    """人员类别"""
    levels: dict[Annotated[str, Meta(min_length=1, max_length=20)], str] = field(
        default_factory=dict
    )
    """levels that are treated as another one: `community = "1"`, `other = "3"`"""
    tags: dict[Name, Text] = field(default_factory=dict)
    """人员标识: titles of the tags that tables and conditions name"""
    care: Annotated[tuple[CareEntry, ...], Meta(min_length=1)]
    """医疗类别"""
    amounts_fen: dict[Name, TableEntry] = field(default_factory=dict)
    """tables of amounts, by name"""
    ratios_bp: dict[Name, TableEntry] = field(default_factory=dict)
    """tables of ratios, by name"""
    points_bp: dict[Name, TableEntry] = field(default_factory=dict)
    """tables of points to add to a ratio, by name"""
    caps: dict[Name, CapEntry] = field(default_factory=dict)
    """年度限额, by name"""
    rules: dict[Name, tuple[RuleEntry, ...]]
    """lists of rules by name; their order is the order in which they work"""
    account: AccountEntry | None = None
    """个人账户"""
    line_classes: dict[Name, LineClassEntry] = field(default_factory=dict)
    """pre-self-pay ratios by class of line, for the calculator"""
    items: tuple[ItemEntry, ...] = ()
    """项目支付规定"""
    reported: tuple[Name, ...] = ()
    """accumulators to keep although no rule reads them: in_scope, deductible, own_share"""
