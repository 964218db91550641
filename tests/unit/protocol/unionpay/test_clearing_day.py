"""23:00: the instant before, the instant, and clocks that are a little off."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from protocol.unionpay.clearing_day import bounds, clearing_day, surely_open, surely_over
from protocol.unionpay.times import (
    BEIJING,
    parse_settle_date,
    parse_short_time,
    parse_txn_time,
    settle_date,
    short_time,
    txn_time,
)

NO_TIME = "not YYYY|not MMDD|no such day|must be in"
MARGIN = timedelta(seconds=60)


def at(text: str) -> datetime:
    """Beijing time of November 2026: `23 22:59:59`, `23 22:59:59.999`."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("22 22:59:59.999", 22),
        ("22 23:00:00", 23),
        ("22 23:59:59", 23),
        ("23 00:00:00", 23),
        ("23 12:00:00", 23),
        ("23 22:59:59.999", 23),
        ("23 23:00:00", 24),
    ],
)
def test_clearing_day_turns_at_23(when: str, day: int) -> None:
    assert clearing_day(at(when)) == date(2026, 11, day)
    assert clearing_day(at(when).astimezone(UTC)) == date(2026, 11, day)
    first, after = bounds(date(2026, 11, day))
    assert first <= at(when) < after


def test_clearing_day_turns_also_with_the_year_and_in_a_leap_year() -> None:
    eve = datetime(2026, 12, 31, 23, 0, tzinfo=BEIJING)
    assert clearing_day(eve) == date(2027, 1, 1)
    assert clearing_day(eve - timedelta(seconds=1)) == date(2026, 12, 31)
    assert clearing_day(datetime(2028, 2, 28, 23, 0, tzinfo=BEIJING)) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("sent", "now", "is_open", "is_over"),
    [
        ("23 12:00:00", "23 12:00:40", True, False),
        ("23 12:00:00", "23 22:58:59", True, False),
        ("23 12:00:00", "23 22:59:00", False, False),
        ("23 12:00:00", "23 23:00:00", False, False),
        ("23 12:00:00", "23 23:00:59", False, False),
        ("23 12:00:00", "23 23:01:00", False, True),
        ("23 22:58:59", "23 22:58:59", True, False),
        ("23 22:59:20", "23 22:59:50", False, False),
        ("23 22:59:50", "23 23:00:30", False, False),
        ("23 22:59:50", "23 23:10:00", False, False),
        ("23 22:59:50", "24 22:58:00", False, False),
        ("23 22:59:50", "24 23:01:00", False, True),
        ("23 23:00:10", "23 23:00:40", False, False),
        ("23 23:01:00", "23 23:01:40", True, False),
        ("23 12:00:00", "25 12:00:00", False, True),
    ],
)
def test_near_the_edge_a_day_is_neither_surely_open_nor_surely_over(
    sent: str, now: str, is_open: bool, is_over: bool
) -> None:
    assert surely_open(at(sent), at(now), margin=MARGIN) is is_open
    assert surely_over(at(sent), at(now), margin=MARGIN) is is_over


def test_without_a_margin_a_day_is_one_or_the_other() -> None:
    none = timedelta(0)
    for minutes in range(0, 2 * 24 * 60, 7):
        now = at("23 12:00:00") + timedelta(minutes=minutes)
        is_open = surely_open(at("23 12:00:00"), now, margin=none)
        assert is_open is not surely_over(at("23 12:00:00"), now, margin=none)


def test_times_are_beijing_times() -> None:
    instant = datetime(2026, 11, 23, 15, 0, 1, tzinfo=UTC)
    assert txn_time(instant) == "20261123230001"
    assert short_time(instant) == "1123230001"
    assert parse_txn_time("20261123230001") == instant
    assert settle_date(clearing_day(instant)) == "1124"


@pytest.mark.parametrize(
    ("text", "near", "year"),
    [
        ("0101000005", "2026-12-31 23:59:58", 2027),
        ("1231235958", "2027-01-01 00:00:05", 2026),
        ("1123120000", "2026-11-23 12:00:40", 2026),
        ("0229120000", "2027-02-20 12:00:00", 2028),
    ],
)
def test_a_time_without_a_year_is_that_of_the_nearest(text: str, near: str, year: int) -> None:
    read = parse_short_time(text, near=datetime.fromisoformat(near).replace(tzinfo=BEIJING))
    assert txn_time(read) == f"{year}{text}"
    assert parse_settle_date(text[:4], near=date.fromisoformat(near[:10])).year == year


@pytest.mark.parametrize(
    "text", ["", "2026", "20261323000000", "2026112312000", "２０２６１１２３１２００００"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=NO_TIME):
        parse_txn_time(text)
    with pytest.raises(ValueError, match=NO_TIME):
        parse_short_time(text, near=at("23 12:00:00"))
    with pytest.raises(ValueError, match=NO_TIME):
        parse_settle_date(f"9{text}", near=date(2026, 11, 23))
