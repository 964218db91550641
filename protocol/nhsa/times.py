"""Dates and times as the interface writes them: local time of the region, without an offset.

`yyyy-MM-dd HH:mm:ss` and `yyyy-MM-dd` in messages, `yyyyMMddHHmmssSSS` in reply envelopes. There
is no clock here, and no time zone: an aware datetime is written with its own local fields.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache

_MEMO_ENTRIES_MAX = 4_096
"""Most times of a second's traffic are the same few texts."""

DAY_END = time(23, 59, 59)
"""The end of a query range that was given as a date."""


@lru_cache(maxsize=_MEMO_ENTRIES_MAX)
def parse_datetime(text: str) -> datetime:
    """`yyyy-MM-dd HH:mm:ss` to a naive datetime; ValueError for any other shape."""
    if len(text) != 19 or f"{text[4]}{text[7]}{text[10]}{text[13]}{text[16]}" != "-- ::":
        raise ValueError("not yyyy-MM-dd HH:mm:ss")
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("a time with an offset")
    return at


@lru_cache(maxsize=_MEMO_ENTRIES_MAX)
def parse_date(text: str) -> date:
    """`yyyy-MM-dd` to a date; ValueError for any other shape."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise ValueError("not yyyy-MM-dd")
    return date.fromisoformat(text)


def parse_moment(text: str, *, at: time = time.min) -> datetime:
    """A datetime, or a date meaning `at` on that day (`DAY_END` for the end of a range)."""
    if len(text) == 10:
        return datetime.combine(parse_date(text), at)
    return parse_datetime(text)


@lru_cache(maxsize=_MEMO_ENTRIES_MAX)
def format_datetime(at: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss`. All answers of a batch say the same time."""
    return at.isoformat(" ", "seconds")[:19]


def format_date(on: date) -> str:
    """`yyyy-MM-dd`."""
    return on.isoformat()[:10]


def compact_seconds(at: datetime) -> str:
    """`yyyyMMddHHmmss`, as in message ids."""
    day = f"{at.year}{_PAIRS[at.month]}{_PAIRS[at.day]}"
    return f"{day}{_PAIRS[at.hour]}{_PAIRS[at.minute]}{_PAIRS[at.second]}"


def compact_millis(at: datetime) -> str:
    """`yyyyMMddHHmmssSSS`, as in refmsg_time and respond_time."""
    return compact_seconds(at) + _MILLIS[at.microsecond // 1000]


_PAIRS = tuple([f"{number:02d}" for number in range(60)])
_MILLIS = tuple([f"{millis:03d}" for millis in range(1000)])
