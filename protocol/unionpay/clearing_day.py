"""The clearing day (清算日): from 23:00 of the day before up to 23:00.

It decides what may still be reversed (99) or voided (31), and in which statement file a transaction
stands. It is counted on UnionPay's clock; ours may be a little off, and a message takes its time to
arrive. So near the edge two questions have different answers: whether a day *may* still be open,
and whether it is open *for sure*.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from protocol.unionpay.times import BEIJING

CUT = time(23, 0)
"""日切: what UnionPay receives from here on belongs to the next clearing day."""

_AFTER_CUT = timedelta(hours=24 - CUT.hour)


def clearing_day(at: datetime) -> date:
    """The clearing day that an aware instant belongs to."""
    return (at.astimezone(BEIJING) + _AFTER_CUT).date()


def bounds(day: date) -> tuple[datetime, datetime]:
    """First instant of a clearing day, and the first one after it."""
    end = datetime.combine(day, CUT, BEIJING)
    return end - timedelta(days=1), end


def surely_open(sent_at: datetime, now: datetime, *, margin: timedelta) -> bool:
    """Is the clearing day of what was sent at `sent_at` still open, with `margin` to spare on
    either side?"""
    days = {
        clearing_day(sent_at - margin),
        clearing_day(sent_at + margin),
        clearing_day(now + margin),
    }
    return len(days) == 1


def surely_over(sent_at: datetime, now: datetime, *, margin: timedelta) -> bool:
    """Is it over, also if the message arrived `margin` later and our clock is `margin` fast?"""
    return clearing_day(sent_at + margin) < clearing_day(now - margin)
