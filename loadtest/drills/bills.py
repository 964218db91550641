"""The morning after a drill: the channels' bills are fetched, taken and matched with our books.

By the same acts as `settlement bills fetch` and `settlement match`, in a clock that is as far ahead
as that of the channels. What a rule ends by itself (a payment on either side of midnight) is no
finding; anything that a person would have to look at is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from loadtest import attach
from loadtest.drills.simulators import advance_clocks, read_clock
from settlement.channels.config import load_tills
from settlement.channels.registry import Tills
from settlement.channels.signer import Signer
from settlement.clock import Clock, local_time, system_clock
from settlement.finance import bill_books, books
from settlement.finance.bill_fetch import NOT_THERE, Wanted, fetch
from settlement.finance.bill_import import Order
from settlement.finance.matching import match
from settlement.storage.differences import Filter, listed
from settlement.storage.lease import PlainConnection

A_DAY = timedelta(days=1)
AFTER_THE_CUT = timedelta(hours=1)
NOON = time(12)
SHOWN_MAX = 100
_ORDER = Order(actor="drill", reason="the bills of the drill", fetched=True)


class Reconciled(NamedTuple):
    """What bills and books say together."""

    differences: list[str]
    """what they do not agree on, in words"""
    agreed: int
    """payments and refunds that both have alike"""


async def reconciled(data_dir: Path, urls: Mapping[str, str], first: date) -> Reconciled:
    """Fetch, take and match the bills of a day and of those that came since at the channels."""
    name, url = next(iter(urls.items()))
    now = local_time(read_clock(url))
    last = last_billed(now)
    advance_clocks({name: url}, (fetched_at(last) - now).total_seconds())
    ahead = read_clock(url) - system_clock()

    def clock() -> datetime:
        return system_clock() + ahead

    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    connection = await attach.connect_owner(data_dir)
    signer = Signer()
    try:
        file = bill_books.channels_file(data_dir, os.environ)
        if file is None:
            return Reconciled(["a server with simulators that has no channels"], 0)
        tills = load_tills(file, signer=signer, clock=clock)
        refused = await _refused(connection, tills, clock, days, urls)
        return await _matched(connection, clock, first, last, refused)
    finally:
        signer.close()
        await connection.close()


def last_billed(now: datetime) -> date:
    """The latest day whose bill may have something of what moved until now: UnionPay's day ends at
    23:00."""
    return (now + AFTER_THE_CUT).date()


def fetched_at(day: date) -> datetime:
    """When every channel has made its bill of a day, local time: none is before ten in the
    morning."""
    return datetime.combine(day + A_DAY, NOON)


async def _refused(
    connection: PlainConnection, tills: Tills, clock: Clock, days: Iterable[date],
    channels: Iterable[str],
) -> list[str]:  # fmt: skip
    """Bills that were not taken, with the reason. A day on which nothing moved has none."""
    desk = await bill_books.open_books(connection, tills, clock=clock)
    found = []
    try:
        for day in days:
            for channel in channels:
                for one in await fetch(desk, Wanted(day=day, channel=channel), _ORDER):
                    if one.said not in ("", NOT_THERE):
                        found.append(f"bill of {channel}, {day}: {one.said}")
    finally:
        for merchant in tills.merchants().values():
            await merchant.close()
    return found


async def _matched(
    connection: PlainConnection, clock: Clock, first: date, last: date, refused: list[str]
) -> Reconciled:
    """What agrees, and what is left for people."""
    desk = await books.open_books(connection, clock=clock)
    matched = await match(desk, first, last)
    found = refused + [
        f"{channel} {merchant} has no bill of {day}" for channel, merchant, day in matched.missing
    ]
    if not matched.is_explained:
        found.append("what differs does not explain the sums of both sides")
    for one in await listed(connection, Filter(), SHOWN_MAX):
        facts = one.last.facts
        found.append(
            f"{one.name.channel} {one.name.number}: {facts.found}, ours {facts.ours_fen} fen, "
            f"theirs {facts.theirs_fen} fen"
        )
    return Reconciled(found, matched.total("agreed").rows)
