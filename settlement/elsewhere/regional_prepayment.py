"""Money left with another region in advance (预付金), and how much of it is in use.

It revolves: claims are cleared in full and consume none of it. It is an asset of the region of
insurance, a liability of the region of treatment, and its quota is fixed anew every year (DOMAIN
6). That the quota is two months of average, and that the alarms are at 70 and 90 percent, is
general knowledge that no official text was found for; all of it is data of the region.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum, StrEnum

from msgspec import Struct

from ledger.money import BASIS_POINTS, half_up

MONTHS_OF_A_YEAR = 12


class PrepaidRules(Struct, frozen=True, kw_only=True):
    """How much lies in advance, and from which use on somebody is told."""

    months: int = 2
    """of average, that the quota is"""
    yellow_bp: int = 7_000
    red_bp: int = 9_000


class Alarm(StrEnum):
    """How urgent the use of a prepayment is (预警)."""

    NONE = "none"
    YELLOW = "yellow"
    RED = "red"


ALARM_ZH = {Alarm.NONE: "正常", Alarm.YELLOW: "黄色预警", Alarm.RED: "红色预警"}


class PrepaidAct(IntEnum):
    """What is done about a prepayment. The numbers are kept in rows."""

    QUOTA = 1
    """the quota of a year is fixed"""
    PROPOSE_IN = 2
    """one person says that money was left"""
    IN = 3
    """another one says so too: it is booked"""
    PROPOSE_BACK = 4
    BACK = 5


class PrepaidStep(Struct, frozen=True, kw_only=True):
    """One of them, as kept."""

    step_no: int
    act: PrepaidAct
    year: int
    amount_fen: int
    at: datetime
    actor: str
    reference: str
    reason: str
    entry_id: int | None = None


class Prepaid(Struct, frozen=True, kw_only=True):
    """A prepayment as it stands."""

    held_fen: int = 0
    quota_fen: int = 0
    quota_year: int = 0
    proposal: PrepaidStep | None = None
    """what one person said and nobody confirmed"""


class Use(Struct, frozen=True, kw_only=True):
    """How much of it is in use (使用率)."""

    outstanding_fen: int
    """owed for care and not paid yet"""
    rate_bp: int
    alarm: Alarm
    top_up_fen: int
    """what must be added (紧急调增) for the use to be below the yellow alarm; 0 without one"""


def prepaid(steps: Iterable[PrepaidStep]) -> Prepaid:
    """Fold the steps, in their order."""
    held_fen = quota_fen = year = 0
    proposal: PrepaidStep | None = None
    for step in steps:
        match step.act:
            case PrepaidAct.QUOTA:
                quota_fen, year = step.amount_fen, step.year
            case PrepaidAct.PROPOSE_IN | PrepaidAct.PROPOSE_BACK:
                proposal = step
            case PrepaidAct.IN:
                held_fen, proposal = held_fen + step.amount_fen, None
            case PrepaidAct.BACK:
                held_fen, proposal = held_fen - step.amount_fen, None
    return Prepaid(held_fen=held_fen, quota_fen=quota_fen, quota_year=year, proposal=proposal)


def quota_of(cleared_fen: int, rules: PrepaidRules) -> int:
    """The quota by what was stated in the twelve months before; nothing where that is negative."""
    return max(0, half_up(cleared_fen * rules.months, MONTHS_OF_A_YEAR))


def use_of(outstanding_fen: int, held_fen: int, rules: PrepaidRules) -> Use:
    """How much is in use. Where nothing lies in advance there is nothing to use."""
    if held_fen <= 0:
        return Use(outstanding_fen=outstanding_fen, rate_bp=0, alarm=Alarm.NONE, top_up_fen=0)
    owed_fen = max(0, outstanding_fen)
    rate_bp = half_up(owed_fen * BASIS_POINTS, held_fen)
    alarm = Alarm.NONE
    if rate_bp >= rules.yellow_bp:
        alarm = Alarm.RED if rate_bp >= rules.red_bp else Alarm.YELLOW
    wanted_fen = owed_fen * BASIS_POINTS // rules.yellow_bp + 1
    top_up_fen = 0 if alarm is Alarm.NONE else max(0, wanted_fen - held_fen)
    return Use(
        outstanding_fen=outstanding_fen, rate_bp=rate_bp, alarm=alarm, top_up_fen=top_up_fen
    )
