"""Prices the lines of a claim against the catalogue and splits each amount in four (DOMAIN 22, 23).

Per line, half up to the fen, in this order: over the ceiling, then pre-self-pay on what remains;
what is left is in scope, by subtraction, so that no fen is lost. An item that is out of the
catalogue, of class 03 or with a self-pay ratio of 100 % is full self-pay. Who pays for the parts
is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, structs

from ledger.money import BASIS_POINTS, half_up, share_bp
from settlement.catalogue import Catalogue, Item, Missing
from settlement.claim import (
    PRICE_SCALE,
    QUANTITY_SCALE,
    UNMAPPED,
    Claim,
    ClaimLine,
    PricedLine,
)
from settlement.institution import Institution
from settlement.policy.model import Policy
from settlement.policy.region import RegionProfile, UnknownItem
from settlement.policy.table import Facts
from settlement.refusal import Refusal

_CLASS_C = "03"
_PER_FEN = PRICE_SCALE * QUANTITY_SCALE // 100
"""price_e6 x quantity_e4 divided by this is fen"""
_APPROVED = "1"
_NOT_APPROVED = "2"
_NOT_APPROVED_ZH = "限制使用项目未审批通过，按全自费处理"
_UNMAPPED_ZH = "未对照项目，按全自费处理"
_OUT_OF_CATALOGUE_ZH = "目录外项目，按全自费处理"


class ItemTerms(Struct, frozen=True, kw_only=True, gc=False):
    """What the policy says of an item beyond the catalogue, for one case (项目支付规定)."""

    self_pay_bp: int | None
    """先行自付比例, in place of the catalogue's"""
    payment_standard_e6: int | None
    """医保支付标准 a unit: what is above it is above the ceiling"""
    limited_use: bool
    """限制使用: full self-pay unless its use was approved"""


_NO_TERMS: Mapping[str, ItemTerms] = {}


class LineTotals(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The sums of the priced lines: total = the four parts, exactly (NHSA money rule 5)."""

    total_fen: int
    full_self_pay_fen: int
    """全自费"""
    over_ceiling_fen: int
    """超限价自费"""
    pre_self_pay_fen: int
    """先行自付"""
    in_scope_fen: int
    """符合政策范围"""

    def parts(self) -> tuple[int, int, int, int]:
        """The four parts, in the order in which they are split off."""
        return (
            self.full_self_pay_fen,
            self.over_ceiling_fen,
            self.pre_self_pay_fen,
            self.in_scope_fen,
        )


def price(
    claim: Claim,
    catalogue: Catalogue,
    institution: Institution,
    region_profile: RegionProfile,
    terms: Mapping[str, ItemTerms] = _NO_TERMS,
    apart: Collection[str] = (),
) -> tuple[PricedLine, ...] | Refusal:
    """Price every line, or say which number or code is wrong in the first bad line.

    `terms` are the policy's own about some items, by code. Lines with the numbers `apart` take
    others back: their own numbers are checked, then they are left out, for `price_refund`.
    """
    if not claim.lines:
        return Refusal(code="LINES_MISSING", field="lines")
    level = institution.ceiling_level
    scheme = claim.scheme
    tolerance_fen = region_profile.line_tolerance_fen
    find = catalogue.find
    priced: list[PricedLine] = []
    sum_fen = 0
    for line in claim.lines:
        amount_fen = line.amount_fen
        expected_fen = line_amount(line)
        if not -tolerance_fen <= amount_fen - expected_fen <= tolerance_fen:
            return _amount_mismatch(claim, line, expected_fen)
        if amount_fen < 0 or line.quantity_e4 <= 0 or line.price_e6 < 0:
            refused = _check_signs(claim, line, region_profile)
            if refused is not None:
                return refused
        sum_fen += amount_fen
        if line.line_no in apart:
            continue
        item = find(line.item_code, line.occurred_on)
        if item is not None:
            priced.append(price_line(line, item, level, scheme, terms.get(line.item_code)))
            continue
        missing = _missing_item(claim, line, catalogue, region_profile)
        if isinstance(missing, Refusal):
            return missing
        priced.append(missing)
    if sum_fen != claim.total_fen:
        params: dict[str, str | int] = {"declared_fen": claim.total_fen, "computed_fen": sum_fen}
        return Refusal(code="TOTAL_MISMATCH", field="total", params=params)
    return tuple(priced)


def terms_of(policy: Policy, codes: Iterable[str], facts: Facts) -> dict[str, ItemTerms]:
    """What a policy says of some items beyond the catalogue, for a case with these facts."""
    terms: dict[str, ItemTerms] = {}
    for code in codes:
        rule = policy.items.get(code)
        if rule is not None:
            terms[code] = ItemTerms(
                self_pay_bp=None if rule.self_pay_bp is None else rule.self_pay_bp.at(facts),
                payment_standard_e6=rule.payment_standard_e6,
                limited_use=rule.limited_use,
            )
    return terms


def totals_of(lines: Sequence[PricedLine]) -> LineTotals:
    """Add up priced lines."""
    full_fen = over_fen = pre_fen = scope_fen = total_fen = 0
    for line in lines:
        total_fen += line.line.amount_fen
        full_fen += line.full_self_pay_fen
        over_fen += line.over_ceiling_fen
        pre_fen += line.pre_self_pay_fen
        scope_fen += line.in_scope_fen
    return LineTotals(
        total_fen=total_fen,
        full_self_pay_fen=full_fen,
        over_ceiling_fen=over_fen,
        pre_self_pay_fen=pre_fen,
        in_scope_fen=scope_fen,
    )


def line_amount(line: ClaimLine) -> int:
    """Price x quantity, half up to the fen: what a line's amount must be, a fen up or down."""
    return half_up(line.price_e6 * line.quantity_e4, _PER_FEN)


def price_line(
    line: ClaimLine, item: Item, ceiling_level: str, scheme: str, terms: ItemTerms | None = None
) -> PricedLine:
    """Split one line's amount in its four parts, exactly."""
    amount_fen = line.amount_fen
    self_pay_bp = item.self_pay_bp
    if item.self_pay_bp_by_scheme is not None:
        self_pay_bp = item.self_pay_bp_by_scheme.get(scheme, self_pay_bp)
    ceiling_e6 = None
    if item.ceiling_e6 is not None:
        ceiling_e6 = item.ceiling_e6.get(ceiling_level)
    limited = False
    if terms is not None:
        limited = terms.limited_use and line.approval != _APPROVED
        if terms.self_pay_bp is not None:
            self_pay_bp = terms.self_pay_bp
        if terms.payment_standard_e6 is not None:
            standard_e6 = terms.payment_standard_e6
            ceiling_e6 = standard_e6 if ceiling_e6 is None else min(ceiling_e6, standard_e6)
    if item.item_class == _CLASS_C or self_pay_bp == BASIS_POINTS:
        return _full_self_pay(line, item.item_class, item.charge_kind, "")
    if line.approval == UNMAPPED:
        return _full_self_pay(line, item.item_class, item.charge_kind, _UNMAPPED_ZH)
    if limited or line.approval == _NOT_APPROVED:
        return _full_self_pay(line, item.item_class, item.charge_kind, _NOT_APPROVED_ZH)
    over_fen = 0
    if ceiling_e6 is not None and line.price_e6 > ceiling_e6:
        over_fen = _over_ceiling(line, ceiling_e6)
    pre_fen = share_bp(amount_fen - over_fen, self_pay_bp) if self_pay_bp else 0
    return PricedLine(
        line=line,
        item_class=item.item_class,
        charge_kind=item.charge_kind,
        self_pay_bp=self_pay_bp,
        ceiling_e6=ceiling_e6,
        full_self_pay_fen=0,
        over_ceiling_fen=over_fen,
        pre_self_pay_fen=pre_fen,
        in_scope_fen=amount_fen - over_fen - pre_fen,
    )


def price_refund(
    line: ClaimLine, original: PricedLine, earlier: Sequence[PricedLine]
) -> PricedLine:
    """Split a line that takes another back as that one was split, whatever holds by now.

    Of each part it takes as much as of the quantity that `earlier` ones left, so that what comes
    back whole, at once or by and by, leaves no fen of any part.
    """
    if original.self_pay_bp == BASIS_POINTS:
        return structs.replace(original, line=line, full_self_pay_fen=line.amount_fen)
    amount_fen, quantity_e4 = line.amount_fen, line.quantity_e4
    left = totals_of((original, *earlier))
    left_e4 = original.line.quantity_e4 + sum(one.line.quantity_e4 for one in earlier)
    over_fen = half_up(left.over_ceiling_fen * quantity_e4, left_e4)
    over_fen = max(min(over_fen, 0), amount_fen)
    pre_fen = half_up(left.pre_self_pay_fen * quantity_e4, left_e4)
    pre_fen = max(min(pre_fen, 0), amount_fen - over_fen)
    return structs.replace(
        original, line=line, over_ceiling_fen=over_fen, pre_self_pay_fen=pre_fen,
        in_scope_fen=amount_fen - over_fen - pre_fen,
    )  # fmt: skip


def _over_ceiling(line: ClaimLine, ceiling_e6: int) -> int:
    """The part above the ceiling, never more than the line's own amount, which may be a fen off."""
    over_fen = half_up((line.price_e6 - ceiling_e6) * line.quantity_e4, _PER_FEN)
    if line.amount_fen >= 0:
        return min(over_fen, line.amount_fen)
    return max(over_fen, line.amount_fen)


def _full_self_pay(line: ClaimLine, item_class: str, charge_kind: str, note: str) -> PricedLine:
    return PricedLine(
        line=line,
        item_class=item_class,
        charge_kind=charge_kind,
        self_pay_bp=BASIS_POINTS,
        ceiling_e6=None,
        full_self_pay_fen=line.amount_fen,
        over_ceiling_fen=0,
        pre_self_pay_fen=0,
        in_scope_fen=0,
        note=note,
    )


def _missing_item(
    claim: Claim, line: ClaimLine, catalogue: Catalogue, profile: RegionProfile
) -> PricedLine | Refusal:
    """A malformed or expired code is refused; an unknown one is what the region says it is."""
    field = _field(claim, line, "item_code")
    params: dict[str, str | int] = {"line_no": line.line_no, "item_code": line.item_code}
    if profile.item_code.match(line.item_code) is None:
        return Refusal(code="ITEM_CODE_MALFORMED", field=field, params=params)
    if catalogue.why_missing(line.item_code) is Missing.NOT_IN_FORCE:
        params["on"] = line.occurred_on.isoformat()
        return Refusal(code="ITEM_NOT_IN_FORCE", field=field, params=params)
    if profile.unknown_item is UnknownItem.REFUSE:
        return Refusal(code="ITEM_NOT_IN_CATALOGUE", field=field, params=params)
    return _full_self_pay(line, _CLASS_C, profile.unknown_item_charge_kind, _OUT_OF_CATALOGUE_ZH)


def _check_signs(claim: Claim, line: ClaimLine, profile: RegionProfile) -> Refusal | None:
    """Only a refund line is negative, in quantity and amount but never in price (money rule 9)."""
    params: dict[str, str | int] = {"line_no": line.line_no}
    if line.price_e6 < 0:
        return Refusal(code="PRICE_NEGATIVE", field=_field(claim, line, "price"), params=params)
    allowed = claim.kind in profile.refund_lines
    if line.quantity_e4 == 0 or (line.quantity_e4 < 0 and not allowed):
        return Refusal(
            code="QUANTITY_NOT_POSITIVE", field=_field(claim, line, "quantity"), params=params
        )
    if (line.amount_fen < 0) == (line.quantity_e4 < 0) or line.amount_fen == 0:
        return None
    return Refusal(code="LINE_SIGN_MISMATCH", field=_field(claim, line, "amount"), params=params)


def _amount_mismatch(claim: Claim, line: ClaimLine, expected_fen: int) -> Refusal:
    return Refusal(
        code="LINE_AMOUNT_MISMATCH",
        field=_field(claim, line, "amount"),
        params={
            "line_no": line.line_no,
            "declared_fen": line.amount_fen,
            "computed_fen": expected_fen,
        },
    )


def _field(claim: Claim, line: ClaimLine, name: str) -> str:
    """The place of a line's field in the claim; the interface translates it into its own path."""
    return f"lines[{claim.lines.index(line)}].{name}"
