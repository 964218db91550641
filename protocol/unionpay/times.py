"""Times of the interface: Beijing time without a zone, some of them without a year.

`txnTime` is `YYYYMMDDhhmmss`; `traceTime` and the statement's times are `MMDDhhmmss`, `settleDate`
is `MMDD`. What has no year is read near a day that is known: the year that puts it closest.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
"""北京时间: one zone for all of the interface, no daylight saving."""

_FOURTEEN = re.compile(r"\d{14}", re.ASCII)
_TEN = re.compile(r"\d{10}", re.ASCII)
_FOUR = re.compile(r"\d{4}", re.ASCII)


def txn_time(at: datetime) -> str:
    """`YYYYMMDDhhmmss` of an aware instant."""
    return f"{at.astimezone(BEIJING):%Y%m%d%H%M%S}"


def parse_txn_time(text: str) -> datetime:
    """The instant of a `txnTime`; ValueError for any other shape."""
    if not _FOURTEEN.fullmatch(text):
        raise ValueError("not YYYYMMDDhhmmss")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=BEIJING)


def short_time(at: datetime) -> str:
    """`MMDDhhmmss` of an aware instant."""
    return txn_time(at)[4:]


def parse_short_time(text: str, *, near: datetime) -> datetime:
    """The instant of a `MMDDhhmmss` closest to `near`; ValueError for any other shape."""
    if not _TEN.fullmatch(text):
        raise ValueError("not MMDDhhmmss")
    day = parse_settle_date(text[:4], near=near.astimezone(BEIJING).date())
    return parse_txn_time(f"{day:%Y%m%d}{text[4:]}")


def settle_date(day: date) -> str:
    """`MMDD` of a clearing day."""
    return f"{day:%m%d}"


def parse_settle_date(text: str, *, near: date) -> date:
    """The day of a `MMDD` closest to `near`; ValueError where no year near has it."""
    if not _FOUR.fullmatch(text):
        raise ValueError("not MMDD")
    month, day = int(text[:2]), int(text[2:])
    candidates = [
        found
        for year in range(near.year - 1, near.year + 2)
        if (found := _day(year, month, day)) is not None
    ]
    if not candidates:
        raise ValueError("no such day")
    return min(candidates, key=lambda found: abs(found - near))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
