"""When bills are asked for, when they are late, and which days are matched again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from settlement.books.bill_schedule import (
    BillRules,
    Tried,
    asked_next,
    days_asked,
    days_to_match,
    late_from,
)
from settlement.clock import CHINA

DAY = date(2026, 11, 23)
RULES = BillRules(ready_hour={"wechat": 10, "alipay": 9})


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("channel", "tried",                     "then"),
    [
        ("wechat",  None,                       at(10)),
        ("alipay",  None,                       at(9)),
        ("wechat",  Tried(1, at(8)),            at(10)),     # by hand, too early
        ("wechat",  Tried(1, at(10)),           at(10, 5)),
        ("wechat",  Tried(2, at(10, 5)),        at(10, 15)),
        ("wechat",  Tried(6, at(12, 35)),       at(14)),     # once more before it is called late
        ("wechat",  Tried(7, at(14)),           at(19, 20)),
        ("wechat",  Tried(99, at(2, day=30)),   at(8, day=30)),
    ],
)  # fmt: skip
def test_waits_double_from_the_hour_of_the_channel_on(
    channel: str, tried: Tried | None, then: datetime
) -> None:
    assert asked_next(DAY, channel, RULES, tried) == then


def test_bill_is_late_some_hours_after_its_hour() -> None:
    assert late_from(DAY, "wechat", RULES) == at(14)
    assert late_from(DAY, "alipay", BillRules(late_hours=1)) == at(11)


@pytest.mark.parametrize(
    ("since",             "back", "first",            "count"),
    [
        (date(2026, 11, 1),  3,   date(2026, 11, 21), 3),
        (date(2026, 11, 23), 30,  date(2026, 11, 23), 1),
        (date(2026, 11, 24), 30,  None,               0),   # made today: no day of ours is over
        (date(2026, 12, 1),  30,  None,               0),
    ],
)  # fmt: skip
def test_days_looked_after_are_over_and_ours(
    since: date, back: int, first: date | None, count: int
) -> None:
    found = days_asked(since, at(0, 30), BillRules(days_back=back))
    assert (found[0] if found else None, len(found)) == (first, count)


def test_day_is_matched_once_its_bills_are_there_and_again_when_one_comes_nearby() -> None:
    days = [DAY + timedelta(days=n) for n in range(-2, 1)]
    before, eve, day = days
    files = {before: 2, eve: 2, day: 2}
    assert days_to_match(days, {day}, files, {}) == [(before, eve)]
    seen = {before: 4, eve: 6, day: 4}
    assert days_to_match(days, set(), files, seen) == []
    late = {**files, day: 3}
    assert days_to_match(days, set(), late, seen) == [(eve, day)]
    assert days_to_match(days, {eve}, late, seen) == [(day, day)]
    assert days_to_match(days, {eve}, {**late, before: 3}, seen) == [
        (before, before), (day, day),
    ]  # fmt: skip
