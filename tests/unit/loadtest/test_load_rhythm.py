"""How many come when: a month has what its preset says, a day has a shape, one number scales it."""

from __future__ import annotations

import pytest

from loadtest.load.presets import (
    PRESETS,
    Kind,
    Pace,
    Period,
    Preset,
    Season,
    UnknownPresetError,
    preset_named,
)
from loadtest.load.rhythm import HOURS, busiest_per_second, hours_of, lengths_of

CITY = preset_named("dongguan")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.name)
def test_a_month_has_as_many_settlements_as_its_preset_says(preset: Preset) -> None:
    hours = hours_of(preset, Period.MONTH)
    assert sum(hour.total for hour in hours) == pytest.approx(preset.settlements_a_month)


def test_the_fullest_hour_of_a_day_is_in_the_morning_and_the_night_is_empty() -> None:
    day = hours_of(CITY, Period.DAY)
    (fullest,) = hours_of(CITY, Period.HOUR)
    assert len(day) == HOURS and fullest.hour in range(8, 12)
    assert min(one.total for one in day) < fullest.total / 30


def test_one_number_scales_everything() -> None:
    whole, tenth = hours_of(CITY, Period.DAY), hours_of(CITY, Period.DAY, scale=0.1)
    pairs = zip(whole, tenth, strict=True)
    assert all(one.total == pytest.approx(10 * other.total) for one, other in pairs)


def test_at_an_even_pace_every_hour_has_the_same_rate_and_all_take_as_long_together() -> None:
    day = hours_of(CITY, Period.DAY)
    even, life = lengths_of(day, Pace.EVEN, 600.0), lengths_of(day, Pace.LIFE, 600.0)
    assert sum(even) == pytest.approx(600.0) == pytest.approx(sum(life))
    assert len(set(life)) == 1
    rates = [hour.total / length for hour, length in zip(day, even, strict=True)]
    assert rates == pytest.approx([rates[0]] * HOURS)


def test_wards_are_fuller_at_the_end_of_a_month_and_doctors_in_a_flu_season() -> None:
    month = hours_of(CITY, Period.MONTH)
    flu = hours_of(CITY, Period.MONTH, season=Season.FLU)
    ordinary_day, last_day = month[22 * HOURS + 9], month[29 * HOURS + 9]  # both Tuesdays
    assert last_day.expected[Kind.INPATIENT] > 1.4 * ordinary_day.expected[Kind.INPATIENT]
    assert flu[9].expected[Kind.OUTPATIENT] > 1.4 * month[9].expected[Kind.OUTPATIENT]
    assert busiest_per_second(CITY, season=Season.FLU) > busiest_per_second(CITY)


def test_a_preset_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(UnknownPresetError, match=r"no preset 'shenzhen'.*dongguan, guangdong, nat"):
        preset_named("shenzhen")
