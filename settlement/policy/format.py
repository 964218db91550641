"""The file format of policies and region profiles (TOML), decoded strictly: an unknown key, a
number of the wrong type or an unknown code stops the loading.

Amounts are whole fen (`_fen`) and ratios basis points (`_bp`), so that no number in a file is
ever a fraction. This module says what a file may contain; whether its parts fit together is
checked by `compiler`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from settlement.claim import CareKind
from settlement.policy.model import (
    AmountField,
    CancelOrder,
    CancelWindow,
    FundKind,
    RulingDate,
    UnknownItem,
)

Code = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Text = Annotated[str, Meta(min_length=1)]
Level = Annotated[str, Meta(pattern=r"^(\*|[0-9]{1,2})$")]
Ratio = Annotated[int, Meta(ge=0, le=10_000)]
Amount = Annotated[int, Meta(ge=0)]


class DeductiblePeriod(StrEnum):
    """How often the deductible (起付线) is due."""

    YEAR = "year"
    VISIT = "visit"


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of a file: an unknown key is an error."""


class FundEntry(_Strict, frozen=True, kw_only=True):
    """`[[funds]]`: one fund_pay_type that this policy may pay from."""

    code: Code
    name: Text
    kind: FundKind
    amount_field: AmountField
    ledger_code: Annotated[int, Meta(gt=0)]


class CategoryEntry(_Strict, frozen=True, kw_only=True):
    """`[[categories]]`: psn_type codes that are treated alike; a prefix covers local codes."""

    name: Name
    title: Text
    person_types: Annotated[tuple[Code, ...], Meta(min_length=1)]


class CareEntry(_Strict, frozen=True, kw_only=True):
    """`[[care]]`: which rules and clearing type apply to some med_type codes."""

    care_types: Annotated[tuple[Code, ...], Meta(min_length=1)]
    kind: CareKind
    rules: Name
    clearing_type: Code


class DeductibleEntry(_Strict, frozen=True, kw_only=True):
    """`[deductibles.NAME]`: amount_fen by level and category."""

    per: DeductiblePeriod
    accumulator: Name
    amount_fen: dict[Level, dict[Name, Amount]]


class CapEntry(_Strict, frozen=True, kw_only=True):
    """`[caps.NAME]`: a yearly cap by category, counted in an accumulator."""

    accumulator: Name
    amount_fen: dict[Name, Amount]


class DeductibleRule(_Strict, frozen=True, kw_only=True, tag_field="step", tag="deductible"):
    """A rule with `step = "deductible"`."""

    deductible: Name


class ShareRule(_Strict, frozen=True, kw_only=True, tag_field="step", tag="share"):
    """A rule with `step = "share"`: a fund, a ratio table, and a cap or else an accumulator."""

    fund: Code
    ratio: Name
    cap: Name | None = None
    accumulator: Name | None = None


class AccountEntry(_Strict, frozen=True, kw_only=True):
    """`[account]`: left out where the scheme has no personal account."""

    fund: Code
    credential_types: tuple[Code, ...]
    pays_deductible: bool
    pays_ratio_part: bool
    pays_pre_self_pay: bool
    pays_over_ceiling: bool
    pays_full_self_pay: bool
    while_suspended: bool
    while_waiting: bool


class PolicyFile(_Strict, frozen=True, kw_only=True, tag_field="format", tag="benefit-policy/1"):
    """A file with `format = "benefit-policy/1"`: one region, scheme and period."""

    name: Name
    title: Text
    region: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    scheme: Code
    effective_from: date
    effective_to: date = date.max
    verified: bool
    source: Text
    fiscal_year_start_month: Annotated[int, Meta(ge=1, le=12)] = 1
    funds: Annotated[tuple[FundEntry, ...], Meta(min_length=1)]
    categories: Annotated[tuple[CategoryEntry, ...], Meta(min_length=1)]
    care: Annotated[tuple[CareEntry, ...], Meta(min_length=1)]
    deductibles: dict[Name, DeductibleEntry] = field(default_factory=dict)
    ratios_bp: dict[Name, dict[Level, dict[Name, Ratio]]] = field(default_factory=dict)
    caps: dict[Name, CapEntry] = field(default_factory=dict)
    rules: dict[Name, tuple[DeductibleRule | ShareRule, ...]]
    account: AccountEntry | None = None


class RegionFile(_Strict, frozen=True, kw_only=True, tag_field="format", tag="region-profile/1"):
    """A file with `format = "region-profile/1"`."""

    code: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    name: Text
    line_tolerance_fen: Annotated[int, Meta(ge=0, le=100)] = 1
    unknown_item: UnknownItem
    unknown_item_charge_kind: Code
    item_code_pattern: Text
    refund_lines: tuple[CareKind, ...] = ()
    scheme_order: Annotated[tuple[Code, ...], Meta(min_length=1)]
    ruling_date: dict[CareKind, RulingDate]
    backdating_days_max: dict[CareKind, Annotated[int, Meta(ge=0)]]
    cancel_order: CancelOrder = CancelOrder.LATEST_FIRST
    cancel_window: CancelWindow = CancelWindow.YEAR
    reversible: Annotated[tuple[Code, ...], Meta(min_length=1)] = ("2102", "2207", "2207A")
    fund_total_includes_account: bool
