"""Which fees of a stay are settled together where a region splits stays (分段结算): pure.

A region may say that a stay is settled separately up to the day on which the person changes
scheme (险种变更) or kind of person (退休), or on which a fiscal year begins: a *turn*. The fees
before the first turn are settled as a segment by what held then, the rest by what holds later.
Knows neither amounts nor policies.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from settlement.entitlement import choose_scheme, enrolment_on, has_left, turns_of
from settlement.person import Enrolment
from settlement.policy.region import RegionProfile, StayTurn
from settlement.refusal import Refusal
from settlement.stay import StayState

FiscalYear = Callable[[str, date], int]
"""The fiscal year (年度) of a day in a scheme."""

_TURN_ZH = {
    StayTurn.SCHEME: "险种变更",
    StayTurn.PERSON_TYPE: "人员类别变更",
    StayTurn.YEAR: "跨年度",
}


class Part(Struct, frozen=True, kw_only=True):
    """What one settlement of a stay takes: all that is open, or the fees before a turn."""

    state: StayState
    """the stay, with nothing open but what is taken"""
    scheme: str
    """insutype that rules the fees; empty where the region does not split stays"""
    until: date | None = None
    """the day of the turn, where there is one: its fees and later ones are not taken"""
    turn: StayTurn | None = None

    @property
    def turn_zh(self) -> str:
        """Why it ends there."""
        return "" if self.turn is None else _TURN_ZH[self.turn]


def whole(state: StayState) -> Part:
    """All that is open, under whatever scheme it is settled."""
    return Part(state=state, scheme="")


def next_part(
    state: StayState,
    registered: str,
    enrolments: Sequence[Enrolment],
    profile: RegionProfile,
    fiscal_year: FiscalYear,
) -> Part | Refusal:
    """What is to be settled next of a stay that was begun under `registered`. Refused where lines
    of one upload lie before and after the turn: heads do not tell them apart."""
    standing = set(state.event_of.values())
    heads = [head for number, head in state.open.items() if number in standing]
    if not profile.split_stay_at or not heads:
        return whole(state)
    first = min(head.first_on for head in heads)
    last = max(head.last_on for head in heads)
    scheme = scheme_on(enrolments, registered, first, profile)
    found = _first_turn(registered, enrolments, profile, fiscal_year, first, last)
    if found is None:
        return Part(state=state, scheme=scheme)
    turn, on = found
    for head in heads:
        if head.first_on < on <= head.last_on:
            return Refusal(
                code="STAY_UPLOAD_SPANS_TURN", field="mdtrt_id",
                params={
                    "first": str(head.first_on), "last": str(head.last_on), "on": str(on),
                    "turn": _TURN_ZH[turn], "line_no": head.line_nos[0],
                },
            )  # fmt: skip
    before = {number: head for number, head in state.open.items() if head.first_on < on}
    # What is settled up to a turn ends with its last fee, whether the person has left or not.
    taken = replace(state, open=before, discharge=None)
    return Part(state=taken, scheme=scheme, until=on, turn=turn)


def scheme_on(
    enrolments: Sequence[Enrolment], registered: str, on: date, profile: RegionProfile
) -> str:
    """The scheme that rules a day of a stay: the one of the admission as long as the person is in
    it, afterwards the first that they are in by the region's order."""
    if StayTurn.SCHEME not in profile.split_stay_at or not has_left(enrolments, registered, on):
        return registered
    return choose_scheme(enrolments, on, profile) or registered


def _first_turn(
    registered: str, enrolments: Sequence[Enrolment], profile: RegionProfile,
    fiscal_year: FiscalYear, first: date, last: date,
) -> tuple[StayTurn, date] | None:  # fmt: skip
    """The first day after `first` and not after `last` that another rule holds on."""
    days = {day for day in turns_of(enrolments) if first < day <= last}
    days.update(_months_begun(first, last))
    before = _ruled_by(registered, enrolments, profile, fiscal_year, first)
    for day in sorted(days):
        now = _ruled_by(registered, enrolments, profile, fiscal_year, day)
        for turn in StayTurn:
            if before.get(turn) != now.get(turn):
                return turn, day
    return None


def _ruled_by(
    registered: str, enrolments: Sequence[Enrolment], profile: RegionProfile,
    fiscal_year: FiscalYear, on: date,
) -> dict[StayTurn, Hashable]:  # fmt: skip
    """What rules a day, as far as the region asks."""
    scheme = scheme_on(enrolments, registered, on, profile)
    enrolment = enrolment_on(enrolments, scheme, on)
    ruled: dict[StayTurn, Hashable] = {
        # Days on which no scheme pays are days of their own: they would spoil those before.
        StayTurn.SCHEME: (scheme, has_left(enrolments, scheme, on)),
        StayTurn.PERSON_TYPE: None if enrolment is None else enrolment.category,
        StayTurn.YEAR: fiscal_year(scheme, on),
    }
    return {turn: value for turn, value in ruled.items() if turn in profile.split_stay_at}


def _months_begun(first: date, last: date) -> list[date]:
    """First days of months after `first` and not after `last`: a fiscal year begins on one."""
    found = []
    day = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    while day <= last:
        found.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return found
