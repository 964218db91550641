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
    name: Text
    name_en: Text
    kind: FundKind
    amount_field: AmountField
    ledger_code: Positive


class CategoryEntry(Strict, frozen=True, kw_only=True):
    """`categories`: psn_type codes that are treated alike; a prefix covers local codes."""

    name: Name
    title: Text
    person_types: Annotated[tuple[Code, ...], Meta(min_length=1)]


class CareEntry(Strict, frozen=True, kw_only=True):
    """`care`: which rules and clearing type apply to some med_type codes."""

    care_types: Annotated[tuple[Code, ...], Meta(min_length=1)]
    kind: CareKind
    rules: Name
    clearing_type: Code
    group: Name | None = None
    """accumulators are kept by group; by default every kind has its own"""
    counts_admission: bool = False


class TableEntry(Strict, frozen=True, kw_only=True):
    """`[amounts_fen.NAME]`, `[ratios_bp.NAME]` or `[points_bp.NAME]`: a decision table. A row has a
    cell a column and then its number; the first row that fits answers."""

    by: Annotated[tuple[Column, ...], Meta(min_length=1)]
    rows: Annotated[tuple[list[Cell], ...], Meta(min_length=1)]
    source: Name


class CapEntry(Strict, frozen=True, kw_only=True):
    """`[caps.NAME]`: a yearly cap on what some funds pay together in some groups of care."""

    amount_fen: Number
    funds: Annotated[tuple[Code, ...], Meta(min_length=1)]
    groups: tuple[Name, ...] = ()
    """by default the group of the rule that is capped"""
    source: Name


class FirstOffEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="first_off"):
    """A rule with `step = "first_off"`: this much of what is in scope stays with the person."""

    ratio_bp: Number
    when: dict[Column, Cell] = field(default_factory=dict)
    source: Name


class DeductibleEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="deductible"):
    """A rule with `step = "deductible"`."""

    amount_fen: Number
    per: DeductiblePeriod
    less_per_admission_fen: Amount = 0
    least_fen: Amount = 0
    again_in_new_year: bool = False
    when: dict[Column, Cell] = field(default_factory=dict)
    source: Name


class BracketEntry(Strict, frozen=True, kw_only=True):
    """One bracket of a share; the last one has no `up_to_fen`."""

    ratio_bp: Number
    up_to_fen: Positive | None = None


class ShareEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="share"):
    """A rule with `step = "share"`: either one `ratio_bp`, or `brackets`."""

    fund: Code
    take: Annotated[tuple[PartName, ...], Meta(min_length=1)] = (PartName.OPEN,)
    ratio_bp: Number | None = None
    brackets: tuple[BracketEntry, ...] = ()
    along: Along = Along.CASE
    deductible_inside: bool = False
    threshold_fen: Number | None = None
    own_share_factor_bp: Number | None = None
    plus_bp: tuple[Number, ...] = ()
    factor_bp: Number | None = None
    cap: Name | None = None
    case_cap_fen: Number | None = None
    when: dict[Column, Cell] = field(default_factory=dict)
    source: Name


class CeilingEntry(Strict, frozen=True, kw_only=True, tag_field="step", tag="ceiling"):
    """A rule with `step = "ceiling"`: later rules pay no more than brings all funds to this."""

    ratio_bp: Number
    of: CeilingOf = CeilingOf.TOTAL
    when: dict[Column, Cell] = field(default_factory=dict)
    source: Name


RuleEntry: TypeAlias = FirstOffEntry | DeductibleEntry | ShareEntry | CeilingEntry


class FamilyEntry(Strict, frozen=True, kw_only=True):
    """`[account.family]`: left out where accounts are not shared in the family."""

    relations: Annotated[tuple[Code, ...], Meta(min_length=1)]
    pays: Annotated[tuple[PartName, ...], Meta(min_length=1)]


class AccountEntry(Strict, frozen=True, kw_only=True):
    """`[account]`: left out where the scheme has no personal account."""

    fund: Code
    credential_types: tuple[Code, ...]
    pays: Annotated[tuple[PartName, ...], Meta(min_length=1)]
    while_suspended: bool
    while_waiting: bool
    family: FamilyEntry | None = None
    source: Name


class ItemEntry(Strict, frozen=True, kw_only=True):
    """`[[items]]`: what is special about some catalogue codes in this policy."""

    codes: Annotated[tuple[Annotated[str, Meta(min_length=3, max_length=50)], ...],
                     Meta(min_length=1)]  # fmt: skip
    self_pay_bp: Number | None = None
    payment_standard_e6: Positive | None = None
    limited_use: bool = False
    source: Name


class LineClassEntry(Strict, frozen=True, kw_only=True):
    """`[line_classes.NAME]`: the pre-self-pay ratio of a class of lines (乙类药品, 进口材料 …)."""

    title: Text
    self_pay_bp: Ratio
    source: Name


class PolicyFile(Strict, frozen=True, kw_only=True, tag_field="format", tag="benefit-policy/2"):
    """A file with `format = "benefit-policy/2"`: one region, scheme and period."""

    name: Name
    title: Text
    region: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    scheme: Code
    effective_from: date
    effective_to: date = date.max
    verified: bool
    sources: Annotated[dict[Name, Text], Meta(min_length=1)]
    fiscal_year_start_month: Month = 1
    funds: Annotated[tuple[FundEntry, ...], Meta(min_length=1)]
    categories: Annotated[tuple[CategoryEntry, ...], Meta(min_length=1)]
    levels: dict[Annotated[str, Meta(min_length=1, max_length=20)], str] = field(
        default_factory=dict
    )
    """levels that are treated as another one: `community = "1"`, `other = "3"`"""
    tags: dict[Name, Text] = field(default_factory=dict)
    care: Annotated[tuple[CareEntry, ...], Meta(min_length=1)]
    amounts_fen: dict[Name, TableEntry] = field(default_factory=dict)
    ratios_bp: dict[Name, TableEntry] = field(default_factory=dict)
    points_bp: dict[Name, TableEntry] = field(default_factory=dict)
    caps: dict[Name, CapEntry] = field(default_factory=dict)
    rules: dict[Name, tuple[RuleEntry, ...]]
    account: AccountEntry | None = None
    line_classes: dict[Name, LineClassEntry] = field(default_factory=dict)
    items: tuple[ItemEntry, ...] = ()
    reported: tuple[Name, ...] = ()
    """accumulators to keep although no rule reads them: in_scope, deductible, own_share"""
