"""The month that a drill plays: over on any day, whole, and with numbers of its own."""

from __future__ import annotations

from datetime import date

import pytest

from loadtest.drills.month import Month, month_before
from settlement.numbers import lane_in


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 11, 1), date(2026, 10, 1), date(2026, 10, 31)),
        (date(2027, 1, 31), date(2026, 12, 1), date(2026, 12, 31)),
        (date(2028, 3, 31), date(2028, 2, 1), date(2028, 2, 29)),
    ],
)  # fmt: skip
def test_last_month_is_over(today: date, first: date, last: date) -> None:
    month = month_before(today)
    assert (month.first, month.last, month.day(month.days - 1)) == (first, last, last)


def test_days_share_all_things_and_each_once() -> None:
    month = Month(first=date(2026, 10, 1))
    shares = [month.share(100, n) for n in range(month.days)]
    things = [thing for first, last in shares for thing in range(first, last + 1)]
    assert things == list(range(1, 101))


def test_numbers_say_month_and_lane() -> None:
    number = Month(first=date(2026, 10, 1)).numbers_from(9) + 7 * 10**11 + 1
    assert str(number) == "2610000700009000001"
    assert lane_in(number) == 7
