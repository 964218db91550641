"""When a day is compared with another region by itself, when again, and when it is late."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from settlement.clock import CHINA
from settlement.elsewhere.regional_schedule import (
    NEVER_SILENT,
    ComparingRules,
    LastCompared,
    Silence,
    days_compared,
    is_due,
    is_late,
)

DAY = date(2026, 11, 23)
RULES = ComparingRules(from_hour=6)


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    midnight = datetime(2026, 11, day, tzinfo=CHINA).astimezone(UTC)
    return midnight + timedelta(hours=hour, minutes=minute)


AGREED, DIFFERED = (
    LastCompared(at=at(6), differs=differs) for differs in (False, True)
)


@pytest.mark.parametrize(
    ("now",             "last",    "silence",             "due"),
    [
        (at(5, 59),        None,      None,                  False),
        (at(6),            None,      None,                  True),
        (at(6, 4),         None,      Silence(1, at(6)),     False),
        (at(6, 5),         None,      Silence(1, at(6)),     True),
        (at(6, 14),        None,      Silence(2, at(6, 5)),  False),
        (at(6, 15),        None,      Silence(2, at(6, 5)),  True),
        (at(11, 59),       None,      Silence(99, at(6)),    False),   # six hours at most
        (at(12),           None,      Silence(99, at(6)),    True),
        (at(6, day=30),    None,      None,                  True),
        (at(7),            AGREED,    None,                  False),
        (at(7),            DIFFERED,  None,                  False),   # compared this morning
        (at(5, 59, day=25), DIFFERED, None,                  False),
        (at(6, day=25),    DIFFERED,  None,                  True),    # once a morning
        (at(6, 1, day=25), DIFFERED,  Silence(1, at(6, day=25)), False),
    ],
)  # fmt: skip
def test_day_is_compared_from_its_hour_and_again_while_something_differs(
    now: datetime, last: LastCompared | None, silence: Silence | None, due: bool
) -> None:
    assert is_due(DAY, now, RULES, last, silence) is due


WITHOUT_HUB = LastCompared(at=at(6), differs=False, with_hub=False)


@pytest.mark.parametrize(
    ("now",             "last",       "hub",                 "due"),
    [
        (at(6, 1),         WITHOUT_HUB,  None,                  False),   # it cannot be asked
        (at(6, 4),         WITHOUT_HUB,  Silence(1, at(6)),     False),
        (at(6, 5),         WITHOUT_HUB,  Silence(1, at(6)),     True),
        (at(6, 1),         WITHOUT_HUB,  NEVER_SILENT,          True),
        (at(6, 5),         AGREED,       Silence(1, at(6)),     False),
        (at(6, day=30),    WITHOUT_HUB,  NEVER_SILENT,          True),
        (at(30, day=30),   WITHOUT_HUB,  NEVER_SILENT,          False),   # a week is enough
    ],
)  # fmt: skip
def test_day_that_was_compared_without_the_hub_is_compared_again_when_it_may_tell(
    now: datetime, last: LastCompared, hub: Silence | None, due: bool
) -> None:
    assert is_due(DAY, now, RULES, last, None, hub) is due
    assert not is_due(DAY, now, RULES, last, Silence(1, now), hub), "the region tells first"


def test_day_without_a_comparison_is_late_four_hours_after_its_hour_and_given_up_after_a_week() -> (
    None
):
    assert not is_late(DAY, at(9, 59), RULES, None)
    assert is_late(DAY, at(10), RULES, None)
    assert not is_late(DAY, at(10), RULES, DIFFERED)
    week = at(10) + timedelta(days=6)
    assert is_late(DAY, week, RULES, None)
    assert not is_late(DAY, week + timedelta(days=1), RULES, None)
    assert not is_due(DAY, week + timedelta(days=1), RULES, None, None)


def test_days_are_those_that_are_over_since_the_system_was_there() -> None:
    assert days_compared(date(2026, 11, 22), at(0)) == [DAY, DAY - timedelta(days=1)]
    assert days_compared(date(2026, 11, 24), at(23)) == []
    assert len(days_compared(date(2020, 1, 1), at(0))) == 31
