"""When a channel is asked for the bill of a day, how often again, from when on that bill is late,
and which days are to be matched with what came.

Pure. A channel has yesterday's bill at an hour of its own; from then on it is asked, and again
after waits that double. What does not come within some hours is late: people are told, and the
day is matched without it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from msgspec import Struct

from protocol.unionpay.clearing_day import bounds
from settlement.clock import CHINA, local_time
from settlement.payments.payment import ChannelName

DAY = timedelta(days=1)
WAIT = timedelta(minutes=5)
"""After the first try that came to nothing."""
WAIT_MAX = timedelta(hours=6)
EDGE = timedelta(minutes=15)
"""So far from the end of a day its bill and the next one may have what our books have on the other
side: longer than anybody's transaction."""
READY_HOUR: Mapping[str, int] = MappingProxyType(
    {
        ChannelName.WECHAT.value: 10, ChannelName.ALIPAY.value: 10,
        ChannelName.UNIONPAY.value: 10, ChannelName.ONECODE.value: 10,
    }
)
"""WeChat makes bills from nine and advises to ask after ten; of Alipay nine to ten is told, of
UnionPay and one-code payment no hour. *Uncertain* but for WeChat."""


class BillRules(Struct, frozen=True, kw_only=True):
    """What a region decides about the bills of its merchants (账单)."""

    fetched_by_themselves: bool = True
    matched_by_themselves: bool = True
    ready_hour: Mapping[str, int] = READY_HOUR
    """by channel: from which hour on the bill of yesterday may be asked for"""
    late_hours: int = 4
    """so long after that hour a bill is late"""
    days_back: int = 30
    """for so many days a missing bill is asked for"""


class Tried(Struct, frozen=True):
    """Tries that came to nothing."""

    times: int
    last_at: datetime


def asked_from(day: date, channel: str, rules: BillRules) -> datetime:
    """From when on the bill of a day may be asked for."""
    return datetime.combine(day + DAY, time(rules.ready_hour[channel]), CHINA)


def late_from(day: date, channel: str, rules: BillRules) -> datetime:
    """From when on a bill that is not here should be."""
    return asked_from(day, channel, rules) + timedelta(hours=rules.late_hours)


def asked_next(day: date, channel: str, rules: BillRules, tried: Tried | None) -> datetime:
    """When it is asked for (again): before it is called late in any case once more."""
    first, late = asked_from(day, channel, rules), late_from(day, channel, rules)
    if tried is None:
        return first
    doublings = min(tried.times - 1, 10)
    after = max(first, tried.last_at + min(WAIT * (1 << doublings), WAIT_MAX))
    return min(after, late) if tried.last_at < late else after


def booked_between(day: date, channel: str) -> tuple[datetime, datetime]:
    """Between which instants we learnt of what may stand in the bill of a day. The bill of UnionPay
    is of a clearing day (清算日), which ends at 23:00."""
    begins = datetime.combine(day, time(), CHINA)
    ends = begins + DAY
    if channel == ChannelName.UNIONPAY.value:
        begins, ends = bounds(day)
    return begins - EDGE, ends + EDGE


def days_asked(since: date, at: datetime, rules: BillRules) -> list[date]:
    """The days whose bills are looked after, the oldest first: none before the system was there,
    none that is not over."""
    today = local_time(at).date()
    first = max(since, today - timedelta(days=rules.days_back))
    return [first + timedelta(days=n) for n in range((today - first).days)]


def days_to_match(
    days: Collection[date], waiting: Collection[date], files: Mapping[date, int],
    matched: Mapping[date, int],
) -> list[tuple[date, date]]:  # fmt: skip
    """Stretches of days that are to be matched (again): not `waiting`, and files came around them
    that their last matching had not seen. `files` counts those of each day, `matched` those that
    the last matching of a day saw on it and on its neighbours."""
    stale = sorted(
        day
        for day in days
        if day not in waiting and matched.get(day) != files_around(day, files)
    )
    stretches: list[tuple[date, date]] = []
    for day in stale:
        if stretches and stretches[-1][1] + DAY == day:
            stretches[-1] = (stretches[-1][0], day)
        else:
            stretches.append((day, day))
    return stretches


def files_around(day: date, files: Mapping[date, int]) -> int:
    """How many files there are of a day and its neighbours, where a row of it may stand as well."""
    return sum(files.get(one, 0) for one in (day - DAY, day, day + DAY))
