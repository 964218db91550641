"""The four kinds of benefit rules at work (待遇分担): each takes fen out of parts of the bill.

One function a kind of rule, all on the working sheet of one case. Every fen of the bill is in one
part of the sheet, or was paid, at every moment: a rule can move money and lose none. Which rules
there are, and in which order, is the policy's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ledger.money import BASIS_POINTS, half_up, share_bp
from settlement.case import Case, FundShare
from settlement.explanation import Closure, ExplanationStep
from settlement.policy.model import AmountField, FundKind, Part
from settlement.policy.plan import Ceiling, Deductible, FirstOff, Share
from settlement.pricing import LineTotals

# Reading a member of an enum costs as much as a whole struct: the settle path reads these.
_CAP_REACHED = Closure.CAP_REACHED.value
_CASE_CAP = Closure.CASE_CAP_REACHED.value
_CEILING = Closure.CEILING_REACHED.value
_THRESHOLD = Closure.BELOW_THRESHOLD.value
_POOL = AmountField.POOL
_HOSPITAL = FundKind.HOSPITAL
_OPEN, _OWN, _OVER_CAP, _DEDUCTIBLE, _APART = map(int, list(Part)[:5])

Slices: TypeAlias = Sequence[tuple[int, int]]
"""A base cut in pieces: (fen, payer's ratio in basis points)."""


class Sheet:
    """The working sheet of one case: what is in each part, what counts, what was written down."""

    __slots__ = (
        "apart_fen", "ceiling_fen", "deductible_fen", "explanation", "fund_fen", "hospital_fen",
        "increments", "parts", "pool_ratio_bp", "shares",
    )  # fmt: skip

    def __init__(self, totals: LineTotals) -> None:
        self.parts = [
            totals.in_scope_fen, 0, 0, 0, 0,
            totals.pre_self_pay_fen, totals.over_ceiling_fen, totals.full_self_pay_fen,
        ]  # fmt: skip
        """by `Part`; a fen that was paid is in none of them any more"""
        self.ceiling_fen: int | None = None
        """what all layers together may still pay, once a ceiling stands"""
        self.apart_fen = 0
        """what was set apart: it does not count along the year, whoever pays it"""
        self.deductible_fen = 0
        self.fund_fen = 0
        self.hospital_fen = 0
        self.pool_ratio_bp = 0
        self.shares: list[FundShare] = []
        self.increments: dict[str, int] = {}
        self.explanation: list[ExplanationStep] = []


def apply_first_off(step: FirstOff, sheet: Sheet) -> None:
    """首先自付: a share of what is in scope stays with the person, for care elsewhere."""
    parts = sheet.parts
    base_fen = parts[_OPEN]
    taken_fen = share_bp(base_fen, step.ratio_bp)
    if not taken_fen:
        return
    parts[_OPEN] -= taken_fen
    parts[_APART] += taken_fen
    sheet.apart_fen += taken_fen
    sheet.explanation.append(ExplanationStep(step.rule_id, base_fen, step.ratio_bp, taken_fen))


def apply_deductible(step: Deductible, case: Case, admission: int, sheet: Sheet) -> None:
    """起付线: the person bears this much before any fund shares."""
    due_fen = step.standard_fen
    if step.less_per_admission_fen and admission > 1:
        due_fen -= step.less_per_admission_fen * (admission - 1)
        due_fen = max(due_fen, min(step.least_fen, step.standard_fen))
    if step.per_year:
        due_fen -= case.year_to_date.values.get(step.accumulator, 0)
    elif case.stay is not None:
        stay = case.stay
        due_fen -= stay.deductible_this_year_fen if step.again_in_new_year else stay.deductible_fen
    due_fen -= sheet.deductible_fen
    if due_fen <= 0:
        return
    parts = sheet.parts
    taken_fen = min(due_fen, parts[_OPEN])
    parts[_OPEN] -= taken_fen
    parts[_DEDUCTIBLE] += taken_fen
    sheet.deductible_fen += taken_fen
    sheet.explanation.append(ExplanationStep(step.rule_id, due_fen, 0, taken_fen))


def apply_ceiling(step: Ceiling, totals: LineTotals, sheet: Sheet) -> None:
    """总报销比例上限: what comes after pays no more than this, together."""
    base_fen = totals.total_fen if step.of_total else totals.in_scope_fen
    most_fen = max(share_bp(base_fen, step.ratio_bp) - sheet.fund_fen, 0)
    if sheet.ceiling_fen is None or most_fen < sheet.ceiling_fen:
        sheet.ceiling_fen = most_fen
    sheet.explanation.append(ExplanationStep(step.rule_id, base_fen, step.ratio_bp, most_fen))


def apply_share(step: Share, case: Case, sheet: Sheet) -> None:
    """A payer takes its share, rounded once, up to what is left of its caps."""
    parts = sheet.parts
    base_fen = parts[_OPEN] if step.of_open else sum(parts[part] for part in step.take)
    note = case.entitlement.closed.get(step.fund.code, "")
    if note:
        _close_share(step, sheet, base_fen, note)
        return
    counted = case.year_to_date.values
    slices: Slices
    if step.ratio_bp >= 0:
        slices = ((base_fen, step.ratio_bp),)
        full_fen = amount_fen = share_bp(base_fen, step.ratio_bp)
    else:
        slices = _slices(step, counted, sheet, base_fen)
        full_fen = amount_fen = half_up(sum([w * r for w, r in slices]), BASIS_POINTS)
    limit_fen = step.cap_fen
    if limit_fen is not None:
        limit_fen = _left_of_cap(limit_fen, step, counted, sheet)
        if amount_fen > limit_fen:
            amount_fen, note = limit_fen, _CAP_REACHED
    if step.case_cap_fen is not None and amount_fen > step.case_cap_fen:
        amount_fen, note = step.case_cap_fen, _CASE_CAP
    shared_fen = base_fen if amount_fen == full_fen else _reach(slices, amount_fen)
    if sheet.ceiling_fen is not None and step.fund.kind is not _HOSPITAL:
        if amount_fen > sheet.ceiling_fen:
            amount_fen, note = sheet.ceiling_fen, _CEILING
        sheet.ceiling_fen -= amount_fen
    if step.of_open:
        parts[_OPEN] = 0
        parts[_OWN] += shared_fen - amount_fen
        parts[_OVER_CAP] += base_fen - shared_fen
    else:
        draw(parts, step.take, amount_fen)
        if step.base_accumulator:
            sheet.increments.setdefault(step.base_accumulator, base_fen)
    _explain_share(step, sheet, slices, amount_fen, note)
    _record(step, sheet, slices, base_fen, limit_fen, amount_fen, note)


def _close_share(step: Share, sheet: Sheet, base_fen: int, note: str) -> None:
    """A fund that may not pay: what it would have shared is the person's, and no other fund's."""
    if step.of_open:
        sheet.parts[_OPEN] = 0
        sheet.parts[_APART] += base_fen
        sheet.apart_fen += base_fen
    elif step.base_accumulator:
        sheet.increments.setdefault(step.base_accumulator, base_fen)
    sheet.explanation.append(ExplanationStep(step.rule_id, base_fen, 0, 0, note))
    _record(step, sheet, ((base_fen, 0),), base_fen, 0, 0, note)


def _left_of_cap(cap_fen: int, step: Share, counted: Mapping[str, int], sheet: Sheet) -> int:
    """What is left of the yearly cap."""
    increments = sheet.increments
    for name in step.cap_accumulators:
        cap_fen -= counted.get(name, 0)
        if increments:
            cap_fen -= increments.get(name, 0)
    return cap_fen if cap_fen > 0 else 0


def _slices(step: Share, counted: Mapping[str, int], sheet: Sheet, base_fen: int) -> Slices:
    """The base cut at the brackets' limits: (fen, ratio); ratio 0 below the first bracket."""
    begin_fen = sheet.deductible_fen if step.deductible_inside else 0
    if step.base_accumulator:
        begin_fen += counted.get(step.base_accumulator, 0)
    if step.base_less_accumulator:
        begin_fen -= counted.get(step.base_less_accumulator, 0)
    begin_fen = max(begin_fen, 0)
    end_fen = begin_fen + base_fen
    threshold_fen = step.brackets[0][0]
    slices: list[tuple[int, int]] = []
    if begin_fen < threshold_fen:
        slices.append((min(threshold_fen, end_fen) - begin_fen, 0))
    for low_fen, high_fen, ratio_bp in step.brackets:
        from_fen = max(low_fen, begin_fen)
        to_fen = end_fen if high_fen is None else min(high_fen, end_fen)
        if to_fen > from_fen:
            slices.append((to_fen - from_fen, ratio_bp))
    return slices


def _reach(slices: Slices, amount_fen: int) -> int:
    """The most of the base of which the payer's rounded share is no more than `amount_fen`: what is
    above it, a capped payer could not share."""
    room, reached_fen = amount_fen * BASIS_POINTS + (BASIS_POINTS - 1) // 2, 0
    for width_fen, ratio_bp in slices:
        if width_fen * ratio_bp > room:
            return reached_fen + room // ratio_bp
        room -= width_fen * ratio_bp
        reached_fen += width_fen
    return reached_fen


def draw(parts: list[int], take: Sequence[int], amount_fen: int) -> None:
    """Pay an amount out of parts, the first named first."""
    for part in take:
        drawn_fen = min(amount_fen, parts[part])
        parts[part] -= drawn_fen
        amount_fen -= drawn_fen


def _record(
    step: Share,
    sheet: Sheet,
    slices: Slices,
    base_fen: int,
    limit_fen: int | None,
    amount_fen: int,
    note: str,
) -> None:
    """Write down what a payer pays: one row a fund, however many rules it pays by."""
    fund = step.fund
    ratio_bp = slices[0][1] if len(slices) == 1 else _first_ratio(slices)
    if step.paid_accumulator and amount_fen:
        name = step.paid_accumulator
        sheet.increments[name] = sheet.increments.get(name, 0) + amount_fen
    if fund.kind is _HOSPITAL:
        sheet.hospital_fen += amount_fen
    else:
        sheet.fund_fen += amount_fen
        if not sheet.pool_ratio_bp and fund.amount_field is _POOL:
            sheet.pool_ratio_bp = ratio_bp
    if not (amount_fen or note or step.of_open):
        return
    share = FundShare(
        fund_pay_type=fund.code,
        amount_field=fund.amount_field,
        ledger_code=fund.ledger_code,
        in_scope_fen=base_fen,
        ratio_bp=ratio_bp,
        limit_before_fen=limit_fen,
        amount_fen=amount_fen,
        note=note,
        brackets=len(slices) if len(slices) > 1 else 0,
    )
    shares = sheet.shares
    for number, earlier in enumerate(shares):
        if earlier.fund_pay_type == fund.code:
            shares[number] = _together(earlier, share)
            return
    shares.append(share)


def _first_ratio(slices: Slices) -> int:
    """The ratio of the first bracket that pays."""
    return next((ratio_bp for _, ratio_bp in slices if ratio_bp), 0)


def _together(one: FundShare, two: FundShare) -> FundShare:
    """What a fund pays by two rules, as one row."""
    return FundShare(
        fund_pay_type=one.fund_pay_type,
        amount_field=one.amount_field,
        ledger_code=one.ledger_code,
        in_scope_fen=one.in_scope_fen + two.in_scope_fen,
        ratio_bp=one.ratio_bp,
        limit_before_fen=one.limit_before_fen,
        amount_fen=one.amount_fen + two.amount_fen,
        note=two.note or one.note,
        brackets=max(one.brackets, 1) + max(two.brackets, 1),
    )


def _explain_share(step: Share, sheet: Sheet, slices: Slices, amount_fen: int, note: str) -> None:
    """One step a bracket; their amounts add up to the payer's, which was rounded once."""
    explanation = sheet.explanation
    if len(slices) == 1 and slices[0][1]:
        [(width_fen, ratio_bp)] = slices
        explanation.append(ExplanationStep(step.rule_id, width_fen, ratio_bp, amount_fen, note))
        return
    numerator = told_fen = 0
    below = step.brackets[0][0] > 0
    for width_fen, ratio_bp in slices:
        numerator += width_fen * ratio_bp
        sum_fen = min(half_up(numerator, BASIS_POINTS), amount_fen)
        below = below and not ratio_bp
        why = _THRESHOLD if below else note
        explanation.append(
            ExplanationStep(step.rule_id, width_fen, ratio_bp, sum_fen - told_fen, why)
        )
        told_fen = sum_fen
