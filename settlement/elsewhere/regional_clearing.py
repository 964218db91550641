"""Clearing between regions (异地清算): what becomes of a month with one party, and by which acts.

A *period* is a month, a party and a side. On the side of treatment (就医地) we claim and are paid;
on the side of insurance (参保地) we are claimed from and pay. Across provinces the party is the
province, its cities are what it is drilled down to; inside our province it is the city (DOMAIN 6).

Pure. A period is a list of steps, none of which is ever changed; its state is folded from them by
one table (docs/operating/clearing.md draws it). Rows are named by case number and sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import IntEnum, StrEnum

from msgspec import Struct


class Side(IntEnum):
    """Which half of a settlement between regions we are (就医地, 参保地)."""

    TREATMENT = 1
    INSURANCE = 2

    @property
    def zh(self) -> str:
        """As people read it."""
        return "应收" if self is Side.TREATMENT else "应付"


SIDES = {"receivable": Side.TREATMENT, "payable": Side.INSURANCE}
"""As commands and addresses of pages call them."""


class State(StrEnum):
    """Where a period is (清算状态)."""

    OPEN = "open"
    STATED = "stated"
    """we claim, or are claimed from: the rows are fixed"""
    OBJECTED = "objected"
    """some rows are disputed; nothing is confirmed meanwhile"""
    POSTPONED = "postponed"
    """some rows were moved to a later month; the others can be confirmed"""
    CONFIRMED = "confirmed"
    NOTIFIED = "notified"
    """the notice of payment or receipt is there"""
    PAID = "paid"
    RECEIVED = "received"
    CLOSED = "closed"


STATE_ZH: Mapping[State, str] = {
    State.OPEN: "未申报", State.STATED: "已申报", State.OBJECTED: "有异议",
    State.POSTPONED: "部分延期", State.CONFIRMED: "已确认", State.NOTIFIED: "已通知",
    State.PAID: "已付款", State.RECEIVED: "已收款", State.CLOSED: "已关闭",
}  # fmt: skip


SETTLED = frozenset({State.PAID, State.RECEIVED, State.CLOSED})
"""The money has moved."""


class Act(IntEnum):
    """What moves a period on. The numbers are kept in rows."""

    STATE = 1
    """the statement (清算表) is made, or taken"""
    OBJECT = 2
    """single rows are disputed"""
    ANSWER = 3
    """some objections are settled, by postponing or withdrawing them, and others are not"""
    POSTPONE = 4
    """rows go to a later month, and no objection is left"""
    WITHDRAW = 5
    """the last objections are withdrawn"""
    CONFIRM = 6
    NOTIFY = 7
    PROPOSE = 8
    """one person says that it was paid, or received"""
    PAY = 9
    """another person says so too: it is booked"""
    RECEIVE = 10
    CLOSE = 11
    JOIN = 12
    """another city of the party states as well"""


AFTER: Mapping[tuple[State, Act], State] = {
    (State.OPEN, Act.STATE): State.STATED,
    (State.STATED, Act.JOIN): State.STATED,
    (State.STATED, Act.OBJECT): State.OBJECTED,
    (State.STATED, Act.POSTPONE): State.POSTPONED,
    (State.STATED, Act.CONFIRM): State.CONFIRMED,
    (State.OBJECTED, Act.JOIN): State.OBJECTED,
    (State.OBJECTED, Act.OBJECT): State.OBJECTED,
    (State.OBJECTED, Act.ANSWER): State.OBJECTED,
    (State.OBJECTED, Act.POSTPONE): State.POSTPONED,
    (State.OBJECTED, Act.WITHDRAW): State.STATED,
    (State.POSTPONED, Act.JOIN): State.POSTPONED,
    (State.POSTPONED, Act.OBJECT): State.OBJECTED,
    (State.POSTPONED, Act.POSTPONE): State.POSTPONED,
    (State.POSTPONED, Act.CONFIRM): State.CONFIRMED,
    (State.CONFIRMED, Act.NOTIFY): State.NOTIFIED,
    (State.NOTIFIED, Act.NOTIFY): State.NOTIFIED,
    (State.NOTIFIED, Act.PROPOSE): State.NOTIFIED,
    (State.NOTIFIED, Act.PAY): State.PAID,
    (State.NOTIFIED, Act.RECEIVE): State.RECEIVED,
    (State.PAID, Act.CLOSE): State.CLOSED,
    (State.RECEIVED, Act.CLOSE): State.CLOSED,
}
"""Every act that a state takes; all others are refused. Nothing leaves CLOSED."""

ONLY_ON: Mapping[Act, Side] = {
    Act.JOIN: Side.INSURANCE, Act.PAY: Side.INSURANCE, Act.RECEIVE: Side.TREATMENT,
}  # fmt: skip
"""Acts of one side. Under net settlement a month that is set off is booked on both at once."""


class Mark(IntEnum):
    """What is said of a single row."""

    OBJECTED = 1
    WITHDRAWN = 2
    """the objection is withdrawn: the row stands"""
    POSTPONED = 3


class Period(Struct, frozen=True, kw_only=True):
    """A month with a party, on one side."""

    party: str
    """region code of a province (xx0000) or of a city of our own"""
    month: date
    side: Side


class Step(Struct, frozen=True, kw_only=True):
    """One act, as kept."""

    step_no: int
    act: Act
    at: datetime
    actor: str
    reference: str
    """number of the statement, of the notice, of the bank's voucher"""
    amount_fen: int
    legs: int
    """how many rows it is about"""
    reason: str
    entry_id: int | None = None
    """what it booked"""


class Standing(Struct, frozen=True, kw_only=True):
    """A period as it stands."""

    state: State
    proposal: Step | None = None
    """what one person said of a payment, since the notice"""
    notice: Step | None = None
    last: Step | None = None


class NotPossibleError(Exception):
    """Steps that the table does not allow: rows that nobody of us wrote."""


def standing(steps: Iterable[Step]) -> Standing:
    """Fold the steps of a period, in their order."""
    now = Standing(state=State.OPEN)
    for step in steps:
        after = AFTER.get((now.state, step.act))
        if after is None:
            raise NotPossibleError(f"step {step.step_no}: {step.act.name} of {now.state.value}")
        now = Standing(
            state=after,
            proposal=_proposal(now, step),
            notice=step if step.act is Act.NOTIFY else now.notice,
            last=step,
        )
    return now


def _proposal(now: Standing, step: Step) -> Step | None:
    if step.act is Act.NOTIFY:
        return None
    return step if step.act is Act.PROPOSE else now.proposal


def allows(state: State, side: Side, act: Act) -> bool:
    """Whether a period in this state, on this side, takes an act."""
    return (state, act) in AFTER and ONLY_ON.get(act, side) is side


def settles(marks: Sequence[Mark], disputed_left: int) -> Act:
    """Which act it is to settle objections by these marks, of one kind, where so many are left."""
    if disputed_left:
        return Act.ANSWER
    return Act.POSTPONE if Mark.POSTPONED in marks else Act.WITHDRAW


def party_of(region: str, own: str) -> str:
    """Whom we clear with for a region: its province's agency, in our own province itself."""
    return region if region[:2] == own[:2] else f"{region[:2]}0000"


def month_after(month: date, months: int = 1) -> date:
    """The first day of a month so many later."""
    years, place = divmod(month.year * 12 + month.month - 1 + months, 12)
    return date(years, place + 1, 1)
