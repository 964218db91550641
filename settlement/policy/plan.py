"""One kind of case read out of a policy's tables (结算方案): rules with plain numbers in them.

Cases that the tables cannot tell apart share a plan, so that settling one more of them costs a
dictionary lookup. Nothing here depends on amounts, balances or what counts so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, assert_never

from msgspec import Struct

from ledger.money import BASIS_POINTS, half_up, share_bp
from settlement.policy.model import (
    Along,
    CareRules,
    CeilingOf,
    CeilingRule,
    DeductiblePeriod,
    DeductibleRule,
    FirstOffRule,
    Fund,
    Part,
    Policy,
    ShareRule,
)
from settlement.policy.table import Facts

PLANS_MAX = 4_096
"""Kinds of cases that are kept of one policy; beyond them the oldest half goes."""


class FirstOff(Struct, frozen=True, kw_only=True, gc=False):
    """Leave `ratio_bp` of what is open to the person."""

    rule_id: str
    ratio_bp: int


class Deductible(Struct, frozen=True, kw_only=True, gc=False):
    """Take up to `standard_fen` off what is open."""

    rule_id: str
    standard_fen: int
    per_year: bool
    less_per_admission_fen: int
    least_fen: int
    again_in_new_year: bool
    accumulator: str


Bracket: TypeAlias = tuple[int, int | None, int]
"""From and up to (fen, counted along; None: no end), and the payer's ratio (basis points)."""


class Share(Struct, frozen=True, kw_only=True, gc=False):
    """A payer shares `take`, bracket by bracket. See `model.ShareRule` for the fields."""

    rule_id: str
    fund: Fund
    take: tuple[Part, ...]
    of_open: bool
    """shares what is open: what it does not pay becomes the person's own share"""
    brackets: tuple[Bracket, ...]
    """below the first and above the last nothing is paid"""
    ratio_bp: int
    """the one ratio where there is one bracket from 0 without an end; else -1"""
    along_year: bool
    deductible_inside: bool
    cap_fen: int | None
    cap_accumulators: tuple[str, ...]
    case_cap_fen: int | None
    base_accumulator: str
    base_less_accumulator: str
    paid_accumulator: str
    """empty where nothing reads what this payer paid"""


class Ceiling(Struct, frozen=True, kw_only=True, gc=False):
    """All that is paid from here on is at most `ratio_bp` of the total, or of what is in scope."""

    rule_id: str
    ratio_bp: int
    of_total: bool


Step: TypeAlias = FirstOff | Deductible | Share | Ceiling
Plan: TypeAlias = tuple[Step, ...]


def keep(policy: Policy, kind: tuple[object, ...], plan: Plan) -> Plan:
    """Keep what was read for a kind of case in `policy.plans`, where the engine looks first."""
    plans = policy.plans
    if len(plans) >= PLANS_MAX:
        for old in list(plans)[: PLANS_MAX // 2]:
            del plans[old]
    plans[kind] = plan
    return plan


def read(care: CareRules, facts: Facts) -> Plan:
    """Read a care type's rules for one case; rules that are not for it are left out."""
    steps: list[Step] = []
    for rule in care.rules:
        if not rule.when.fits(facts):
            continue
        match rule:
            case ShareRule():
                steps.append(_share(rule, care, facts))
            case DeductibleRule():
                steps.append(_deductible(rule, facts))
            case FirstOffRule():
                steps.append(FirstOff(rule_id=rule.rule_id, ratio_bp=rule.ratio_bp.at(facts)))
            case CeilingRule():
                steps.append(_ceiling(rule, facts))
            case _:
                assert_never(rule)
    return tuple(steps)


def effective_ratio(ratio_bp: int, rule: ShareRule, facts: Facts) -> int:
    """A bracket's ratio after the person's factors, half up to the basis point: first the share of
    the person is multiplied, then points are added, then the whole is multiplied."""
    if rule.own_share_factor_bp is not None:
        ratio_bp = BASIS_POINTS - share_bp(
            BASIS_POINTS - ratio_bp, rule.own_share_factor_bp.at(facts)
        )
    ratio_bp += sum(table.at(facts) for table in rule.plus_bp)
    if rule.factor_bp is not None:
        ratio_bp = half_up(ratio_bp * rule.factor_bp.at(facts), BASIS_POINTS)
    return max(ratio_bp, 0)


def _deductible(rule: DeductibleRule, facts: Facts) -> Deductible:
    return Deductible(
        rule_id=rule.rule_id,
        standard_fen=rule.standard_fen.at(facts),
        per_year=rule.period is DeductiblePeriod.YEAR,
        less_per_admission_fen=rule.less_per_admission_fen,
        least_fen=rule.least_fen,
        again_in_new_year=rule.again_in_new_year,
        accumulator=rule.accumulator,
    )


def _share(rule: ShareRule, care: CareRules, facts: Facts) -> Share:
    threshold_fen = 0 if rule.threshold_fen is None else rule.threshold_fen.at(facts)
    brackets = tuple(_brackets(rule, threshold_fen, facts))
    single = brackets[0] if len(brackets) == 1 else None
    return Share(
        rule_id=rule.rule_id,
        fund=rule.fund,
        take=rule.take,
        of_open=Part.OPEN in rule.take,
        brackets=brackets,
        ratio_bp=single[2] if single is not None and single[:2] == (0, None) else -1,
        along_year=rule.along is Along.YEAR,
        deductible_inside=rule.deductible_inside,
        cap_fen=None if rule.cap is None else rule.cap.amount_fen.at(facts),
        cap_accumulators=() if rule.cap is None else rule.cap.accumulators,
        case_cap_fen=None if rule.case_cap_fen is None else rule.case_cap_fen.at(facts),
        base_accumulator=rule.base_accumulator,
        base_less_accumulator=rule.base_less_accumulator,
        paid_accumulator=rule.paid_accumulator if rule.paid_accumulator in care.counted else "",
    )


def _brackets(rule: ShareRule, threshold_fen: int, facts: Facts) -> Sequence[Bracket]:
    """The brackets above the threshold."""
    read_brackets: list[Bracket] = []
    low_fen = 0
    for bracket in rule.brackets:
        high_fen = bracket.up_to_fen
        if high_fen is None or high_fen > threshold_fen:
            ratio_bp = effective_ratio(bracket.ratio_bp.at(facts), rule, facts)
            read_brackets.append((max(low_fen, threshold_fen), high_fen, ratio_bp))
        if high_fen is not None:
            low_fen = high_fen
    return read_brackets


def _ceiling(rule: CeilingRule, facts: Facts) -> Ceiling:
    return Ceiling(
        rule_id=rule.rule_id,
        ratio_bp=rule.ratio_bp.at(facts),
        of_total=rule.of is CeilingOf.TOTAL,
    )
