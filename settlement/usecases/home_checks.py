"""What must hold of a question from another region before anything is decided on it (ADR 0033).

The other region's prices and the split of its lines are its own; what is checked of them are the
identities. What breaks one is refused with its code, and never booked.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.hub.messages import Case, LineTold
from settlement.claim import AccountUse, CareKind
from settlement.commands import Asked
from settlement.elsewhere.counterpart import lies_in
from settlement.pricing import LineTotals
from settlement.refusal import Refusal
from settlement.view import PersonFacts, View
from settlement.world import World

CASE_NO_LENGTH_MAX = 64
_PARTS = ("full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen")
_FAMILY = {
    CareKind.PHARMACY: CareKind.PHARMACY,
    CareKind.OUTPATIENT: CareKind.OUTPATIENT,
    CareKind.OUTPATIENT_SPECIAL: CareKind.OUTPATIENT,
    CareKind.INPATIENT: CareKind.INPATIENT,
    CareKind.DAY_SURGERY: CareKind.INPATIENT,
}
"""Which family of transactions a kind of care belongs to; maternity may be either."""


def our_person(view: View, world: World, asked: Asked) -> PersonFacts | Refusal:
    """Somebody insured here. People of other regions who were treated here are known as well, and
    are none of ours."""
    person = view.persons.get(asked.person_no)
    if person is None:
        return Refusal(code="PERSON_UNKNOWN", field="person_no")
    if not any(lies_in(e.region or world.region, world.region) for e in person.enrolments):
        return Refusal(code="PERSON_NOT_INSURED_HERE", field="person_no")
    reason = world.suspensions.persons.get(asked.person_no)
    if reason is not None:
        return Refusal(code="PERSON_SUSPENDED", field="person_no", params={"reason": reason})
    return person


def region_is_open(asked: Asked, world: World) -> Refusal | None:
    """The region of treatment may ask for new things."""
    region = asked.institution.code
    known = world.counterparts.get(region)
    if known is None:
        return Refusal(code="TREATING_REGION_UNKNOWN", field="region", params={"value": region})
    if not known.active:
        return Refusal(code="REGION_CLOSED", field="region", params={"value": region})
    return None


def family_of(case: Case) -> CareKind:
    """The family of transactions of a case that was checked."""
    return care_family(CareKind(case.care_kind), is_stay=case.admitted_on is not None)


def care_family(kind: CareKind, *, is_stay: bool) -> CareKind:
    """The family of transactions that a kind of care belongs to."""
    if kind is CareKind.MATERNITY:
        return CareKind.INPATIENT if is_stay else CareKind.OUTPATIENT
    return _FAMILY[kind]


def totals_of(case: Case) -> LineTotals:
    """The sums of a case."""
    return LineTotals(
        total_fen=case.total_fen, full_self_pay_fen=case.full_self_pay_fen,
        over_ceiling_fen=case.over_ceiling_fen, pre_self_pay_fen=case.pre_self_pay_fen,
        in_scope_fen=case.in_scope_fen,
    )  # fmt: skip


def check_case(case: Case, region: str, *, quote: bool) -> Refusal | None:
    """The identities of a case that a region of treatment asks us to share."""
    if not quote and not 0 < len(case.case_no) <= CASE_NO_LENGTH_MAX:
        return Refusal(code="CASE_NUMBER_WRONG", field="case_no")
    if not lies_in(case.institution.region, region):
        return Refusal(
            code="CASE_INSTITUTION_ELSEWHERE", field="institution",
            params={"value": case.institution.region},
        )  # fmt: skip
    for name, known in (("care_kind", CareKind), ("account_use", AccountUse)):
        value = getattr(case, name)
        if value not in set(known):
            return Refusal(code="CASE_CODE_WRONG", field=name, params={"value": value[:20]})
    if case.account_use == AccountUse.FAMILY:
        return Refusal(code="CASE_FAMILY_ACCOUNT", field="account_use")
    return _check_dates(case) or _check_sums(case) or _check_lines(case, case.lines)


def _check_dates(case: Case) -> Refusal | None:
    if family_of(case) is not CareKind.INPATIENT:
        return None
    admitted, discharged = case.admitted_on, case.discharged_on
    if admitted is None or discharged is None or discharged < admitted:
        return Refusal(code="CASE_DATES_WRONG", field="discharged_on")
    return None


def _check_sums(case: Case) -> Refusal | None:
    parts = totals_of(case).parts()
    for name, fen in zip(_PARTS, parts, strict=True):
        if fen < 0:
            return Refusal(code="CASE_NEGATIVE", field=name, params={"field_name": name})
    if case.total_fen <= 0:
        return Refusal(
            code="CASE_NEGATIVE", field="total_fen", params={"field_name": "total_fen"}
        )
    if case.total_fen != sum(parts):
        return Refusal(
            code="CASE_SUM_DIFFERS", field="total_fen",
            params={"declared_fen": case.total_fen, "computed_fen": sum(parts)},
        )  # fmt: skip
    return None


def _check_lines(case: Case, lines: Sequence[LineTold]) -> Refusal | None:
    """Each line is its own four parts, and each part of the case the sum of its lines'. Refund
    lines are negative."""
    if not lines:
        return None
    for line in lines:
        computed = sum(getattr(line, name) for name in _PARTS)
        if line.amount_fen != computed:
            return _lines_differ(f"line {line.line_no}"[:40], line.amount_fen, computed)
    for name in _PARTS:
        computed = sum(getattr(line, name) for line in lines)
        if computed != getattr(case, name):
            return _lines_differ(name, getattr(case, name), computed)
    return None


def _lines_differ(name: str, declared_fen: int, computed_fen: int) -> Refusal:
    return Refusal(
        code="CASE_LINES_DIFFER", field="lines",
        params={"field_name": name, "declared_fen": declared_fen, "computed_fen": computed_fen},
    )  # fmt: skip
