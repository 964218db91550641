"""When people come: how many of each kind in each hour of a month. Pure.

The weights are round numbers for the shape that counters know, not measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from loadtest.load.presets import DAYS, MIX, Kind, Pace, Period, Preset, Season

HOURS = 24
ORDINARY_DAY = 8
"""The ninth of the month, a Tuesday where the first is a Monday."""

_MORNING = (1, 1, 1, 1, 1, 3, 10, 40, 90, 100, 92, 70, 25, 30, 65, 72, 60, 35, 15, 10, 8, 5, 3, 2)
_SHOPS = (1, 1, 1, 1, 1, 2, 6, 20, 45, 65, 70, 55, 45, 40, 45, 50, 55, 65, 80, 90, 75, 45, 15, 4)
_WARDS = (1, 1, 1, 1, 1, 1, 2, 8, 40, 90, 100, 80, 20, 25, 60, 65, 50, 20, 6, 3, 2, 1, 1, 1)
BY_HOUR: Mapping[Kind, Sequence[int]] = {
    Kind.PHARMACY: _SHOPS,
    Kind.OUTPATIENT: _MORNING,
    Kind.SCAN: _SHOPS,
    Kind.INPATIENT: _WARDS,
    Kind.PHONE: _MORNING,
    Kind.AWAY: _MORNING,
}
_WEEKDAYS = (112, 106, 103, 101, 102, 92, 84)
_MONTH_END_DAYS, _MONTH_END = 3, {Kind.INPATIENT: 150, Kind.OUTPATIENT: 110, Kind.PHONE: 110}
_FLU = {Kind.OUTPATIENT: 150, Kind.PHONE: 150, Kind.PHARMACY: 125, Kind.SCAN: 125}
_HUNDRED = 100


class Hour(Struct, frozen=True, kw_only=True):
    """One hour of what is played, and how many of each kind are expected in it."""

    day: int
    """from 0"""
    hour: int
    expected: Mapping[Kind, float]

    @property
    def total(self) -> float:
        """Of all kinds."""
        return sum(self.expected.values())


def hours_of(
    preset: Preset, period: Period, *, season: Season = Season.ORDINARY, scale: float = 1.0
) -> list[Hour]:
    """The hours of a period, in order. A month has what the preset says, times `scale`; a flu
    season comes on top."""
    whole = [
        Hour(day=day, hour=hour, expected=_expected(preset, day, hour, season, scale))
        for day in range(DAYS)
        for hour in range(HOURS)
    ]
    if period is Period.MONTH:
        return whole
    day = whole[ORDINARY_DAY * HOURS : (ORDINARY_DAY + 1) * HOURS]
    return day if period is Period.DAY else [max(day, key=lambda one: one.total)]


def lengths_of(hours: Sequence[Hour], pace: Pace, seconds: float) -> list[float]:
    """How long each of the hours is played, in seconds; together `seconds`."""
    if pace is Pace.LIFE:
        return [seconds / len(hours)] * len(hours)
    whole = sum(one.total for one in hours)
    return [seconds * one.total / whole for one in hours]


def busiest_per_second(preset: Preset, *, season: Season = Season.ORDINARY) -> float:
    """Settlements a second in the fullest hour of the month, at the real pace."""
    return max(one.total for one in hours_of(preset, Period.MONTH, season=season)) / 3600


def _expected(
    preset: Preset, day: int, hour: int, season: Season, scale: float
) -> dict[Kind, float]:
    all_shares = sum(MIX.values())
    found = {}
    for kind, share in MIX.items():
        month = preset.settlements_a_month * scale * share / all_shares
        weight = _weight(kind, day, hour) / _WHOLE[kind]
        flu = _FLU.get(kind, _HUNDRED) if season is Season.FLU else _HUNDRED
        found[kind] = month * weight * flu / _HUNDRED
    return found


def _weight(kind: Kind, day: int, hour: int) -> int:
    end = _MONTH_END.get(kind, _HUNDRED) if day >= DAYS - _MONTH_END_DAYS else _HUNDRED
    return BY_HOUR[kind][hour] * _WEEKDAYS[day % len(_WEEKDAYS)] * end


_WHOLE = {
    kind: sum(_weight(kind, day, hour) for day in range(DAYS) for hour in range(HOURS))
    for kind in Kind
}
