"""Which bills of which days are there (账单日历): received, late, replaced, with faults, missing.

Pure: what was kept and what was asked for is put beside what the configured merchants should have.
A bill is on time where it came on the day after its own, as channels publish them in the morning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

from settlement.books.bill import BillKind
from settlement.channels.config import NamedMerchant
from settlement.clock import local_time
from settlement.finance.bill_books import kinds_at
from settlement.finance.bill_fetch import NOT_THERE
from settlement.lanes import lane_of
from settlement.storage.bills import Asked, BillFile, BillKey, Expecting

_DAY = timedelta(days=1)


class Standing(StrEnum):
    """How it is with a bill."""

    MISSING = "missing"
    """its day is over, and nobody asked, or the channel had none"""
    REFUSED = "refused"
    """one came and could not be taken, or the channel would not give it"""
    RECEIVED = "received"
    LATE = "late"
    """received, but not on the day after"""
    DUE = "due"
    """its day is not over, or was yesterday and it may still come"""


class Entry(Struct, frozen=True, kw_only=True):
    """One bill of the calendar."""

    key: BillKey
    standing: Standing
    file: BillFile | None = None
    former: tuple[BillFile, ...] = ()
    """files that it replaced, the newest first"""
    asked: Asked | None = None
    """the last try that came to nothing"""


class Asking(Struct, frozen=True, kw_only=True):
    """Of which days, and what is known of the merchants."""

    first: date
    last: date
    today: date
    begun: date | None
    """the first day that anything was booked on: nothing is missing of the days before"""
    lanes: int
    merchants: Sequence[NamedMerchant] = ()


def calendar(
    asking: Asking, files: Iterable[BillFile], asked: Iterable[Asked]
) -> list[Entry]:
    """An entry for every bill that came, was asked for or should have come; the newest day first,
    in a day what needs somebody first."""
    came: dict[BillKey, list[BillFile]] = {}
    for file in files:
        came.setdefault(file.key, []).append(file)
    tried = {one.key: one for one in asked}
    keys = {*came, *tried, *_expected(asking)}
    entries = [_entry(asking, key, came.get(key, []), tried.get(key)) for key in keys]
    return sorted(entries, key=_place)


def expecting(asking: Asking) -> Expecting:
    """The same for counting: which bills are expected beside what came."""
    begin, end = _days_expected(asking)
    return Expecting(
        bills=[
            (one.channel.value, one.merchant_no, kind.value)
            for one in asking.merchants
            for kind in kinds_at(one.channel)
        ],
        first=begin, last=end, not_there=NOT_THERE, may_come_from=asking.today - _DAY,
    )  # fmt: skip


def is_late(file: BillFile) -> bool:
    """Whether it came later than the day after its own."""
    return local_time(file.received_at).date() > file.key.day + _DAY


def _expected(asking: Asking) -> Iterable[BillKey]:
    begin, end = _days_expected(asking)
    days = [begin + offset * _DAY for offset in range((end - begin).days + 1)]
    for one in asking.merchants:
        lane = lane_of(one.merchant_no, asking.lanes)
        for kind in kinds_at(one.channel):
            for day in days:
                yield BillKey(
                    lane=lane, channel=one.channel.value, merchant=one.merchant_no, kind=kind,
                    day=day,
                )  # fmt: skip


def _days_expected(asking: Asking) -> tuple[date, date]:
    """The first and the last day of which bills should come: none where nothing was booked yet, and
    none of today."""
    end = min(asking.last, asking.today - _DAY)
    if asking.begun is None:
        return end + _DAY, end
    return max(asking.first, asking.begun), end


def _entry(
    asking: Asking, key: BillKey, files: list[BillFile], tried: Asked | None
) -> Entry:
    newest_first = sorted(files, key=lambda file: file.received_at, reverse=True)
    counts = next((file for file in newest_first if file.replaced_by is None), None)
    former = tuple(file for file in newest_first if file is not counts)
    return Entry(
        key=key, standing=_standing(asking, key, counts, former, tried), file=counts,
        former=former, asked=tried,
    )  # fmt: skip


def _standing(
    asking: Asking, key: BillKey, file: BillFile | None, former: Sequence[BillFile],
    tried: Asked | None,
) -> Standing:  # fmt: skip
    if file is not None:
        first_came = min((file, *former), key=lambda one: one.received_at)
        return Standing.LATE if is_late(first_came) else Standing.RECEIVED
    if tried is not None and tried.said != NOT_THERE:
        return Standing.REFUSED
    return Standing.DUE if key.day >= asking.today - _DAY else Standing.MISSING


_URGENCY = {one: place for place, one in enumerate(Standing)}
_FUNDS_LAST = {BillKind.TRADE: 0, BillKind.FUNDS: 1}


def _place(one: Entry) -> tuple[int, str, int, str, int]:
    key = one.key
    return (
        -key.day.toordinal(), key.channel, _URGENCY[one.standing], key.merchant,
        _FUNDS_LAST[key.kind],
    )  # fmt: skip
