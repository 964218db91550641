"""When what is due, and how much of a prepayment is in use."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.elsewhere.regional_prepayment import (
    Alarm,
    PrepaidAct,
    PrepaidRules,
    PrepaidStep,
    prepaid,
    quota_of,
    use_of,
)
from settlement.working_days import Calendar, Timetable, dates_of

RULES = PrepaidRules()
CALENDAR = Calendar(
    holidays=frozenset(
        {*(date(2026, 10, day) for day in range(1, 8)), date(2027, 1, 1), date(2026, 9, 25)}
    ),
    worked_weekends=frozenset({date(2026, 9, 20), date(2026, 10, 10)}),
)


def test_a_worked_sunday_is_a_working_day_and_a_holiday_is_none() -> None:
    assert CALENDAR.is_working_day(date(2026, 9, 20))
    assert not CALENDAR.is_working_day(date(2026, 9, 25))
    assert not CALENDAR.is_working_day(date(2026, 9, 26))
    assert CALENDAR.on_or_after(date(2026, 10, 1)) == date(2026, 10, 8)
    assert CALENDAR.after(date(2026, 9, 30), 3) == date(2026, 10, 10)


def test_dates_of_a_month_move_behind_holidays() -> None:
    found = dates_of(date(2026, 8, 1), Timetable(), CALENDAR)
    assert found.confirm_by == date(2026, 9, 20)
    assert found.notice_by == date(2026, 9, 28)
    assert found.pay_by == date(2026, 10, 23)
    assert found.assumed_years == ()


def test_a_year_that_the_calendar_does_not_know_is_named() -> None:
    found = dates_of(date(2027, 12, 1), Timetable(), CALENDAR)
    assert found.confirm_by == date(2028, 1, 20)
    assert found.assumed_years == (2028,)


@pytest.mark.parametrize(
    ("outstanding", "alarm", "top_up"),
    [
        (0, Alarm.NONE, 0),
        (-500, Alarm.NONE, 0),
        (6_999_00, Alarm.NONE, 0),
        (7_000_00, Alarm.YELLOW, 1),
        (8_999_00, Alarm.YELLOW, 285_572),
        (9_000_00, Alarm.RED, 285_715),
        (12_000_00, Alarm.RED, 714_286),
    ],
)
def test_alarms_begin_at_seventy_and_ninety_percent(
    outstanding: int, alarm: Alarm, top_up: int
) -> None:
    found = use_of(outstanding, 10_000_00, RULES)
    assert (found.alarm, found.top_up_fen) == (alarm, top_up)


def test_where_nothing_lies_in_advance_there_is_no_use_and_no_alarm() -> None:
    assert use_of(5_000_00, 0, RULES).alarm is Alarm.NONE


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_after_the_top_up_there_is_no_alarm(outstanding: int, held: int) -> None:
    found = use_of(outstanding, held, RULES)
    after = use_of(outstanding, held + found.top_up_fen, RULES)
    assert after.rate_bp <= RULES.yellow_bp
    assert after.top_up_fen <= 1 or after.alarm is Alarm.NONE


def test_the_quota_is_two_months_of_average_and_never_negative() -> None:
    assert quota_of(12_000_00, RULES) == 2_000_00
    assert quota_of(100, RULES) == 17
    assert quota_of(-5, RULES) == 0


def test_clearing_consumes_nothing_of_a_prepayment() -> None:
    at = datetime(2027, 1, 5, tzinfo=UTC)
    acts = [
        (PrepaidAct.QUOTA, 500), (PrepaidAct.PROPOSE_IN, 500), (PrepaidAct.IN, 500),
        (PrepaidAct.PROPOSE_BACK, 100), (PrepaidAct.BACK, 100), (PrepaidAct.PROPOSE_IN, 50),
    ]  # fmt: skip
    found = prepaid(
        PrepaidStep(
            step_no=place, act=act, year=2027, amount_fen=fen, at=at, actor="", reference="",
            reason="",
        )
        for place, (act, fen) in enumerate(acts, 1)
    )  # fmt: skip
    assert (found.held_fen, found.quota_fen, found.quota_year) == (400, 500, 2027)
    assert found.proposal is not None and found.proposal.step_no == 6
