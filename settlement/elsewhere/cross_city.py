"""Clearing between the cities of a province (省内异地清分): what an institution says of a month.

It is shown its settlements of people from other cities, says of each whether it belongs to this
clearing, and may take that back. Pure. What was said is kept as a list of steps, of which none is
ever changed; what becomes of a settlement later changes none either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import IntEnum, StrEnum

from msgspec import Struct

from settlement.claim import CareKind

WHOLE_MONTH = "0"
"""What a withdrawal names instead of one confirmation (otransid)."""


class Unmarked(StrEnum):
    """What a row says that is sent without a mark (确认标志)."""

    INCLUDE = "include"
    LEAVE_OUT = "leave_out"


class CrossCityRules(Struct, frozen=True, kw_only=True):
    """How a province clears between its cities."""

    rows_max: int = 100
    """of an answer, and of a confirmation"""
    first_row: int = 1
    """the number of a list's first row"""
    account_counts: bool = True
    """what agencies pay is funds and personal account, not the funds alone"""
    unmarked: Unmarked = Unmarked.INCLUDE


class ElsewhereRules(Struct, frozen=True, kw_only=True):
    """What care for people from other regions is cleared as (清算类别), by the kind of care."""

    in_province: Mapping[CareKind, str]
    cross_province: Mapping[CareKind, str]


IN_PROVINCE = dict.fromkeys(CareKind, "9903")
"""省内异地. Provinces differ; one has 9902 beside it, and no source says for what."""
CROSS_PROVINCE = {
    **dict.fromkeys(CareKind, "99963"),
    CareKind.PHARMACY: "9974",
    CareKind.OUTPATIENT_SPECIAL: "9987",
    CareKind.INPATIENT: "99968",
    CareKind.DAY_SURGERY: "99968",
}
"""域外异地门诊, 药店购药, 门慢门特, 住院: one province's codes; others have 9910 for all."""
ANYWHERE = ElsewhereRules(in_province=IN_PROVINCE, cross_province=CROSS_PROVINCE)


class ListedRow(Struct, frozen=True, kw_only=True, gc=False):
    """A settlement row of ours that is cleared between cities."""

    setl_id: int
    certificate_no: str
    visit_no: str
    """就诊登记号, as the province numbers it"""
    settlement_no: str
    """结算流水号, the same"""
    settled_at: datetime
    """local time, to the second"""
    paid_in_advance: bool
    total_fen: int
    agency_fen: int
    """what the agencies pay (经办机构支付总额)"""


class MarkedRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row as the institution says it, and whether it belongs to this clearing."""

    certificate_no: str
    visit_no: str
    settlement_no: str
    settled_at: datetime
    total_fen: int
    agency_fen: int
    included: bool


class StepKind(IntEnum):
    """What a step does."""

    CONFIRMED = 1
    WITHDRAWN = 2


class Step(Struct, frozen=True, kw_only=True):
    """One thing that an institution said of a month."""

    month: date
    step_no: int
    kind: StepKind
    reference: str
    """the message id of our answer: how a withdrawal names a confirmation"""
    withdraws: str = ""
    fingerprint: bytes
    included: tuple[int, ...] = ()
    left_out: tuple[int, ...] = ()


class Speaker(Struct, frozen=True, kw_only=True):
    """Who says it, and under which message."""

    lane: int
    institution: str
    operator: str
    operator_name: str
    msgid: str
    at: datetime


def repeated(rows: Sequence[MarkedRow]) -> tuple[int, int] | None:
    """The first row that names a settlement again: its place and the earlier one's, from 0."""
    seen: dict[str, int] = {}
    for place, row in enumerate(rows):
        earlier = seen.setdefault(row.settlement_no, place)
        if earlier != place:
            return place, earlier
    return None


def difference(theirs: MarkedRow, ours: ListedRow) -> str | None:
    """The first field in which a row is not what was listed."""
    for name in ("certificate_no", "visit_no", "settled_at", "total_fen", "agency_fen"):
        if getattr(theirs, name) != getattr(ours, name):
            return name
    return None


def standing(steps: Iterable[Step]) -> dict[str, Step]:
    """The confirmations that were not withdrawn, by reference."""
    found: dict[str, Step] = {}
    for step in steps:
        if step.kind is StepKind.CONFIRMED:
            found[step.reference] = step
        elif step.withdraws == WHOLE_MONTH:
            found.clear()
        else:
            found.pop(step.withdraws, None)
    return found


def confirmed_by(steps: Iterable[Step]) -> dict[int, str]:
    """For each settlement row that is confirmed, either way, by which confirmation."""
    return {
        setl_id: reference
        for reference, step in standing(steps).items()
        for setl_id in (*step.included, *step.left_out)
    }
