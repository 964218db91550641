"""A month of a large city matched with a channel's bills, and every injected difference found.

`python -m loadtest.drills.matching_month --rows 1000000 --differences 2000`: loads a month of paid
orders as payment events and as rows of bills into a database of its own, and among them orders
that differ in a known way, in every class, and others that look odd and agree
(loadtest/channel_days.py). Then the product lists our side and matches the month. Prints one JSON
object: seconds of listing and matching, memory of this process and of its database backend, and
how many differences were found, missed, false and wrongly classed, and what was merged or split;
exit status 1 where any was, where other rows were joined than should be, or where the sums do not
explain each other. Seconds do not include loading.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from ledger.postgres.queries import load
from ledger.postgres.shape import Shape
from loadtest.channel_days import (
    AGENCYS,
    EXPECTED,
    OURS,
    RATE,
    Recipe,
    a_day,
    keep_files,
    keep_rows,
)
from loadtest.drills.backend import Backend
from loadtest.drills.month import Month
from settlement.books.channel_matching import Class, Joined
from settlement.books.institution_matching import INSTITUTION
from settlement.embedded.services import start_services
from settlement.finance.books import Books, open_books
from settlement.finance.clearing_accounts import keep_accounts
from settlement.finance.clearing_reports import overview
from settlement.finance.matching import Matched, match
from settlement.payments.payment import ChannelName, Custody
from settlement.payments.payment_states import Attempt, Learnt
from settlement.payments.payment_timers import TIMERS
from settlement.storage import channel_rows
from settlement.storage import differences as store
from settlement.storage.clearing_accounts import Group
from settlement.storage.connect import connect_plain
from settlement.storage.differences import Filter
from settlement.storage.install import LANES, Region, ensure_schema
from settlement.storage.lease import PlainConnection

QUERIES = load(Path(__file__).parents[1] / "sql" / "month.sql")
NOVEMBER = Month(first=date(2026, 11, 1))
NOW = datetime(2026, 12, 20, 2, 0, tzinfo=UTC)
APP_ROLE = "settlement_app"
BLOCK = 9
ODD_AGREEING = 1_000
MARGIN = 6
"""Days at both ends of the month without injected differences, so that all their rows are in it."""
Place = tuple[str, str, int]


class Came(Struct, frozen=True, kw_only=True):
    """What a run came to."""

    rows: int
    injected: int
    found: int
    missed: int
    false: int
    wrongly_classed: int
    by_class: dict[str, int]
    joined: dict[str, int]
    """groups of rows that agree together only"""
    joined_in_several_ways: int
    """groups that are differences, because nobody knows which belong together"""
    joined_rightly: bool
    """as many of each as were injected"""
    sums_explained: bool
    again_new: int
    listing_seconds: float
    matching_seconds: float
    again_seconds: float
    listing_processor_seconds: float
    """of this process and its database backend together, whoever else uses the machine"""
    matching_processor_seconds: float
    clearing_accounts: int
    """kept with the first matching, with as many fees booked"""
    clearing_seconds: float
    """part of `again_seconds`: clearing accounts summed once more, and nothing new to keep"""
    clearing_processor_seconds: float
    overview_milliseconds: int
    """what the console's page of the month reads, at the median"""
    process_peak_mib: int
    backend_peak_mib: int
    """its own memory, without the buffers that all share"""

    @property
    def is_right(self) -> bool:
        """Whether everything was found and nothing else."""
        wrong = self.missed + self.false + self.wrongly_classed + self.again_new
        return self.sums_explained and self.joined_rightly and not wrong


async def load_month(
    connection: PlainConnection, month: Month, rows: int
) -> dict[tuple[str, date], int]:
    """Payments and bills of the month, day by day; the numbers of its bills."""
    days = [month.day(n) for n in range(-3, month.days + 10)]
    files = await keep_files(connection, days, LANES)
    sent = Attempt(
        number=1, channel=ChannelName.WECHAT, merchant_no=OURS, order_no="ORDER", amount_fen=0,
        sent_at=NOW, custody=Custody.OWN, timers=TIMERS[ChannelName.WECHAT],
    )  # fmt: skip
    began = msgspec.json.encode([sent, Learnt()]).decode().replace(
        '"amount_fen":0', '"amount_fen":"FEN"'
    )
    paid = msgspec.json.encode([None, Learnt(code="SUCCESS", reference="wORDER")]).decode()
    number = month.numbers_from(BLOCK)
    for n in range(month.days):
        day = month.day(n)
        first, last = month.share(rows, n)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
        await connection.execute(
            QUERIES["month_of_payments"], midnight, first, last, LANES, number, began, paid
        )
        await connection.execute(
            QUERIES["month_of_bill_rows"], day, first, last, LANES, number, files[OURS, day], OURS
        )
    for merchant in (OURS, AGENCYS):
        await store.keep_fee_rate(
            connection, channel="wechat", merchant=merchant, since=date(2026, 1, 1),
            rate_bp=RATE.rate_bp, tolerance_fen=0, at=NOW, actor="drill", reason="drill",
        )  # fmt: skip
    return files


class Injected(Struct, frozen=True, kw_only=True):
    """What is to be found of what was put in."""

    differences: dict[Place, Class]
    together: Counter[Joined | None]
    """groups of rows that agree together only; None: that could in several ways, and differ"""

    def is_told(self, matched: Matched) -> bool:
        """Whether a matching has seen as many groups, and no other."""
        found: Counter[Joined | None] = Counter(matched.groups)
        found[None] = matched.undecided
        return found == self.together


async def inject(
    connection: PlainConnection, month: Month, files: dict[tuple[str, date], int],
    differences: int,
) -> Injected:  # fmt: skip
    """Orders that differ, and odd ones that agree, spread over the month; what is to be found."""
    rng = random.Random(20_261_101)
    odd = [one for one in Recipe if one not in EXPECTED]
    recipes = [list(EXPECTED)[n % len(EXPECTED)] for n in range(differences)]
    recipes += [odd[n % len(odd)] for n in range(ODD_AGREEING)]
    rng.shuffle(recipes)
    injected = Injected(differences={}, together=Counter())
    used = month.days - 2 * MARGIN
    for n in range(used):
        some = [(one, rng.randrange(3, 10**6)) for one in recipes[n::used]]
        day = a_day(
            some, lanes=LANES, block=BLOCK + 1 + n, on=month.day(MARGIN + n),
            first_row=10_000_000 + n * 100_000,
        )  # fmt: skip
        await keep_rows(connection, day, files, LANES)
        injected.differences.update(day.expected)
        injected.together.update(day.together)
    return injected


async def drill(connection: PlainConnection, rows: int, differences: int) -> Came:
    """The whole of it, on an empty database."""
    region = Region(code="441900", lanes=LANES, shape=Shape.ONE_MACHINE, journals=2)
    await ensure_schema(connection, region, app_role=APP_ROLE, at=NOW)
    month = NOVEMBER
    files = await load_month(connection, month, rows)
    injected = await inject(connection, month, files, differences)
    expected = injected.differences
    await connection.execute(QUERIES["month_is_loaded"])
    books = await open_books(connection, clock=lambda: NOW)
    backend = Backend(connection.get_server_pid())
    async with backend.watched():
        began, used = time.perf_counter(), backend.processor_seconds()
        await channel_rows.list_days(connection, month.first, month.last, NOW)
        listed, used_listing = time.perf_counter(), backend.processor_seconds()
        matched = await match(books, month.first, month.last)
        done, used_matching = time.perf_counter(), backend.processor_seconds()
        again = await match(books, month.first, month.last)
        ended = time.perf_counter()
        period, _ = await channel_rows.read_period(connection, month.first, month.last)
        summing, used_summing = time.perf_counter(), backend.processor_seconds()
        await keep_accounts(books, period)
        summed, used_summed = time.perf_counter(), backend.processor_seconds()
    looks = await _looks(connection, month)
    found = await differences_found(books)
    return Came(
        rows=matched.total("theirs").rows, injected=len(expected), found=len(found),
        missed=len(expected.keys() - found.keys()), false=len(found.keys() - expected.keys()),
        wrongly_classed=sum(
            found[place] is not one for place, one in expected.items() if place in found
        ),
        by_class={
            one.value: sum(c is one for c in found.values())
            for one in sorted(set(found.values()))
        },
        joined={one.value: n for one, n in matched.groups.items()},
        joined_in_several_ways=matched.undecided, joined_rightly=injected.is_told(matched),
        sums_explained=matched.is_explained, again_new=again.new,
        listing_seconds=round(listed - began, 2), matching_seconds=round(done - listed, 2),
        again_seconds=round(ended - done, 2),
        listing_processor_seconds=round(used_listing - used, 2),
        matching_processor_seconds=round(used_matching - used_listing, 2),
        clearing_accounts=matched.cleared.steps, clearing_seconds=round(summed - summing, 2),
        clearing_processor_seconds=round(used_summed - used_summing, 2),
        overview_milliseconds=round(1_000 * median(looks)),
        process_peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        backend_peak_mib=backend.peak_kib // 1024,
    )  # fmt: skip


async def _looks(connection: PlainConnection, month: Month) -> list[float]:
    """How long the page of the month takes to read, a few times."""
    await connection.execute(QUERIES["month_is_kept"])
    took = []
    for _ in range(7):
        began = time.perf_counter()
        await overview(
            connection, Group(first=month.first, last=month.last), lanes=LANES, today=NOW.date()
        )
        took.append(time.perf_counter() - began)
    return took


async def differences_found(books: Books) -> dict[Place, Class]:
    """What the worklist has of channels."""
    listed = await store.listed(books.connection, Filter(all_states=True), 10_000_000)
    return {
        (one.name.order_no or one.name.channel_no, one.name.refund_no, one.name.nth):
            one.last.facts.found
        for one in listed
        if one.name.channel != INSTITUTION
    }  # fmt: skip


async def run(rows: int, differences: int) -> Came:
    """Start a database for it and stop it after."""
    with tempfile.TemporaryDirectory(prefix="matching-month-") as folder:
        # The servers are another user where root runs this, and must get to their files.
        os.chmod(folder, 0o711)  # noqa: S103 - may be passed, not listed
        services = await start_services(Path(folder), os.environ)
        try:
            connection = await connect_plain(services.owner_dsn, name="drill")
            try:
                return await drill(connection, rows, differences)
            finally:
                await connection.close()
        finally:
            await services.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where anything was missed, false or wrong."""
    parser = argparse.ArgumentParser(description="Match a month with a channel's bills.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--differences", type=int, default=2_000)
    parsed = parser.parse_args(arguments)
    came = asyncio.run(run(parsed.rows, parsed.differences))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(came)).decode() + "\n")
    return 0 if came.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
