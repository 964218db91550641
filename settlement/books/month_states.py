"""A month of the agency's books (月结): what becomes of it, and by which acts.

Pure. A month is a list of steps, none of which is ever changed; its state is folded from them by
one table (docs/operating/closing.md draws it). Closed months never change: what comes late is
booked in the month that is open, with the date of its service (DOMAIN 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from msgspec import Struct


class MonthState(StrEnum):
    """Where a month is (月结状态)."""

    OPEN = "open"
    CLOSING = "closing"
    """somebody has begun: what stands in the way is ended"""
    CLOSED = "closed"
    """two people said so of one report"""
    SEALED = "sealed"
    """its seals are made and signed"""


STATE_ZH: Mapping[MonthState, str] = {
    MonthState.OPEN: "未结", MonthState.CLOSING: "结账中", MonthState.CLOSED: "已结",
    MonthState.SEALED: "已封存",
}  # fmt: skip


class MonthAct(IntEnum):
    """What moves a month on. The numbers are kept in rows."""

    BEGIN = 1
    VERIFY = 2
    """everything was recomputed and is as booked"""
    PROPOSE = 3
    """one person says that the report is right"""
    CLOSE = 4
    """another says so of the same report"""
    SEAL = 5


ACT_ZH: Mapping[MonthAct, str] = {
    MonthAct.BEGIN: "开始结账", MonthAct.VERIFY: "核验", MonthAct.PROPOSE: "提出结账",
    MonthAct.CLOSE: "结账", MonthAct.SEAL: "封存",
}  # fmt: skip

AFTER: Mapping[tuple[MonthState, MonthAct], MonthState] = {
    (MonthState.OPEN, MonthAct.BEGIN): MonthState.CLOSING,
    (MonthState.CLOSING, MonthAct.VERIFY): MonthState.CLOSING,
    (MonthState.CLOSING, MonthAct.PROPOSE): MonthState.CLOSING,
    (MonthState.CLOSING, MonthAct.CLOSE): MonthState.CLOSED,
    (MonthState.CLOSED, MonthAct.SEAL): MonthState.SEALED,
}
"""Every act that a state takes; all others are refused. Nothing leaves SEALED."""


class MonthStep(Struct, frozen=True, kw_only=True):
    """One act, as kept."""

    step_no: int
    act: MonthAct
    at: datetime
    actor: str
    reason: str
    reference: str
    """sha256 of the report, or of the list of seals; how much was verified"""


class MonthStanding(Struct, frozen=True, kw_only=True):
    """A month as it stands."""

    state: MonthState
    verified: MonthStep | None = None
    proposal: MonthStep | None = None
    closed: MonthStep | None = None
    last: MonthStep | None = None


class NotPossibleError(Exception):
    """Steps that the table does not allow: rows that nobody of us wrote."""


def standing(steps: Iterable[MonthStep]) -> MonthStanding:
    """Fold the steps of a month, in their order."""
    now = MonthStanding(state=MonthState.OPEN)
    for step in steps:
        after = AFTER.get((now.state, step.act))
        if after is None:
            raise NotPossibleError(f"step {step.step_no}: {step.act.name} of {now.state.value}")
        now = MonthStanding(
            state=after,
            verified=step if step.act is MonthAct.VERIFY else now.verified,
            proposal=step if step.act is MonthAct.PROPOSE else now.proposal,
            closed=step if step.act is MonthAct.CLOSE else now.closed,
            last=step,
        )
    return now


def allows(state: MonthState, act: MonthAct) -> bool:
    """Whether a month in this state takes an act."""
    return (state, act) in AFTER


def last_day(month: date) -> date:
    """The last day of the month that begins on a day."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def days_of(month: date) -> list[date]:
    """All days of a month."""
    return [month + timedelta(days=n) for n in range(last_day(month).day)]


def month_text(month: date) -> str:
    """As 2026-10."""
    return f"{month:%Y-%m}"
