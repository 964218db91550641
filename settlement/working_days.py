"""Working days (工作日) and the dates of a clearing month.

What is a holiday, and which weekend is worked instead, is data of the region: the State Council
announces it every year. A year of which nothing is said has working weekdays, and whoever shows a
date of it says so.
"""

from __future__ import annotations

from datetime import date, timedelta

from msgspec import Struct

from settlement.elsewhere.regional_clearing import month_after

_SATURDAY = 5


class Calendar(Struct, frozen=True, kw_only=True):
    """Which days are worked."""

    holidays: frozenset[date] = frozenset()
    worked_weekends: frozenset[date] = frozenset()
    """调休上班"""

    def is_working_day(self, day: date) -> bool:
        """Whether offices and banks work."""
        if day in self.worked_weekends:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def on_or_after(self, day: date) -> date:
        """The first working day from a day on."""
        while not self.is_working_day(day):
            day += timedelta(1)
        return day

    def after(self, day: date, working_days: int) -> date:
        """The day that is so many working days later."""
        for _ in range(working_days):
            day = self.on_or_after(day + timedelta(1))
        return day

    def knows(self, year: int) -> bool:
        """Whether anything is said of a year."""
        return any(day.year == year for day in self.holidays)


class ClearingDates(Struct, frozen=True, kw_only=True):
    """The days of a clearing month (清算时限)."""

    confirm_by: date
    """the region of treatment has its rows confirmed and the statement sent"""
    notice_by: date
    """notices of payment and receipt are expected"""
    pay_by: date
    assumed_years: tuple[int, ...] = ()
    """years among these days whose holidays the calendar does not know"""


class Timetable(Struct, frozen=True, kw_only=True):
    """When what is due, of a month: days of the next month, and working days after that."""

    confirm_day: int = 20
    notice_day: int = 25
    request_days: int = 5
    """working days in which the agency asks the treasury for the money"""
    finance_days: int = 10
    """working days in which the treasury pays"""


def dates_of(month: date, timetable: Timetable, calendar: Calendar) -> ClearingDates:
    """The days of a month. What falls on a holiday moves behind it."""
    following = month_after(month)
    confirm_by = calendar.on_or_after(following.replace(day=timetable.confirm_day))
    notice_by = calendar.on_or_after(following.replace(day=timetable.notice_day))
    pay_by = calendar.after(notice_by, timetable.request_days + timetable.finance_days)
    years = {confirm_by.year, notice_by.year, pay_by.year}
    return ClearingDates(
        confirm_by=confirm_by, notice_by=notice_by, pay_by=pay_by,
        assumed_years=tuple(sorted(year for year in years if not calendar.knows(year))),
    )  # fmt: skip
