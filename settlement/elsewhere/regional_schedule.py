"""When a day is compared with another region by itself, when again, and from when on it should have
been (三方对账).

Pure. Yesterday is compared from some hour on. A region that does not tell is asked again after
waits that double; a day of which something differs is compared once more every morning, for a
while, because the other side may have put it right. What was compared without the hub, because it
did not tell, is compared again when it may.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from settlement.clock import CHINA, local_time

DAY = timedelta(days=1)
WAIT = timedelta(minutes=5)
"""After the first time that a region did not tell."""
WAIT_MAX = timedelta(hours=6)
DAYS_BACK = 7
"""For so many days one that was never compared is asked about."""
DIFFERING_DAYS_BACK = 31
"""For so many days one of which something differs is compared anew."""
LATE = timedelta(hours=4)
"""So long after its hour a day that was not compared is late."""


class ComparingRules(Struct, frozen=True):
    """What a region decides about it."""

    by_themselves: bool = True
    from_hour: int = 6


class LastCompared(Struct, frozen=True, kw_only=True):
    """The last comparison of a day with a region."""

    at: datetime
    differs: bool
    """something of the day that nobody has ended"""
    with_hub: bool = True
    """the hub's rows of the day were there, then or before"""


class Silence(Struct, frozen=True):
    """How often a region, or the hub, did not tell of a day since it last did."""

    times: int
    last_at: datetime

    def is_over(self, at: datetime) -> bool:
        """Whether it is asked again."""
        doublings = min(self.times - 1, 10)
        return at >= self.last_at + min(WAIT * (1 << doublings), WAIT_MAX)


NEVER_SILENT = Silence(1, datetime.min.replace(tzinfo=UTC))


def silent_again(before: Silence | None, at: datetime) -> Silence:
    """Once more it did not tell."""
    return Silence(1 if before is None else before.times + 1, at)


def days_compared(since: date, at: datetime) -> list[date]:
    """The days that are looked after, the newest first: none before the system was there, none that
    is not over."""
    today = local_time(at).date()
    first = max(since, today - timedelta(days=DIFFERING_DAYS_BACK))
    return [today - n * DAY for n in range(1, (today - first).days + 1)]


def compared_from(day: date, rules: ComparingRules) -> datetime:
    """From when on a day is compared."""
    return datetime.combine(day + DAY, time(rules.from_hour), CHINA)


def is_lacking(day: date, at: datetime, last: LastCompared | None) -> bool:
    """Whether a day that is looked after was never compared."""
    return last is None and (local_time(at).date() - day).days <= DAYS_BACK


def is_due(
    day: date, at: datetime, rules: ComparingRules, last: LastCompared | None,
    silence: Silence | None, hub: Silence | None = None,
) -> bool:  # fmt: skip
    """Whether a day is to be compared now. `hub` is None where the hub cannot be asked."""
    if at < compared_from(day, rules):
        return False
    if silence is not None and not silence.is_over(at):
        return False
    if last is None:
        return is_lacking(day, at, last)
    if last.differs and last.at < _this_morning(at, rules):
        return True
    return hub is not None and lacks_hub(day, at, last) and hub.is_over(at)


def lacks_hub(day: date, at: datetime, last: LastCompared | None) -> bool:
    """Whether a day that is looked after was compared between the regions alone."""
    return (
        last is not None and not last.with_hub
        and (local_time(at).date() - day).days <= DAYS_BACK
    )  # fmt: skip


def is_late(day: date, at: datetime, rules: ComparingRules, last: LastCompared | None) -> bool:
    """Whether a day should have been compared by now, and was not."""
    return is_lacking(day, at, last) and at >= compared_from(day, rules) + LATE


def _this_morning(at: datetime, rules: ComparingRules) -> datetime:
    """The last time that it was the hour."""
    morning = compared_from(local_time(at).date() - DAY, rules)
    return morning if at >= morning else morning - DAY
