"""Time, asked from one place, so that tests move it and nothing else reads the system clock.

A `Moment` is one reading: the instant, the region's local time, and the business day (业务日期),
which begins at the day cut (日切).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

from msgspec import Struct

_CHINA_OFFSET = timedelta(hours=8)
CHINA = timezone(_CHINA_OFFSET)
"""China Standard Time: one zone for the whole country, no daylight saving."""


class Moment(Struct, frozen=True, gc=False):
    """One reading of the clock."""

    at: datetime
    """aware, UTC, microseconds"""
    local: datetime
    """naive, the region's"""
    business_day: date


Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only go forward, for deadlines and durations."""
    return time.monotonic()


def moment(
    clock: Clock, *, day_cut: timedelta = timedelta(0), not_before: date | None = None
) -> Moment:
    """Read the clock. `not_before` is the first business day that is still open."""
    at = clock()
    local = local_time(at)
    day = (local - day_cut).date()
    return Moment(at, local, max(day, not_before) if not_before else day)


def years_between(begin: date, end: date) -> int:
    """Completed years: somebody's age (周岁), from the day of birth."""
    return end.year - begin.year - ((end.month, end.day) < (begin.month, begin.day))


def local_time(at: datetime) -> datetime:
    """The region's local time of an instant, naive."""
    return (at + _CHINA_OFFSET).replace(tzinfo=None)
