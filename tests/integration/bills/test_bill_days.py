"""A month of bills counted in the database is what the calendar lists one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import pytest
import pytest_asyncio

from settlement.books.bill import BillKind, Totals
from settlement.channels.config import NamedMerchant
from settlement.finance.bill_calendar import Asking, Entry, Standing, calendar, expecting
from settlement.finance.bill_fetch import NOT_THERE
from settlement.lanes import lane_of
from settlement.payments.payment import ChannelName
from settlement.storage import bills as store
from settlement.storage.bills import Asked, BillFile, BillKey, DaySum
from settlement.storage.install import LANES, Region, ensure_schema
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, LAST, TODAY = date(2026, 11, 1), date(2026, 11, 30), date(2026, 11, 26)
MERCHANTS = tuple(
    NamedMerchant(channel=channel, merchant_no=f"19000000{n:02d}", institutions=("*",))
    for n, channel in enumerate((ChannelName.WECHAT, ChannelName.ALIPAY, ChannelName.WECHAT))
)
SAID = (NOT_THERE, "账单合计与明细不符")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(database: FreshDatabase) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A database without any bill."""
    connection = await asyncpg.connect(database.owner_dsn)
    await ensure_schema(
        connection, Region(code="441900"), app_role="settlement_app", at=datetime.now(UTC)
    )
    yield connection
    await connection.close()


def key(draw: Random) -> BillKey:
    """Of a merchant that is configured, or of another one."""
    one = draw.choice(MERCHANTS)
    merchant = draw.choice((one.merchant_no, "1900000099"))
    return BillKey(
        lane=lane_of(merchant, LANES), channel=one.channel.value, merchant=merchant,
        kind=draw.choice(list(BillKind)), day=FIRST + timedelta(days=draw.randrange(30)),
    )  # fmt: skip


async def fill(owner: asyncpg.Connection[asyncpg.Record], draw: Random) -> None:
    """Bills in time, late, replaced, faulty, and such as did not come."""
    for number in range(1, 400):
        which = key(draw)
        midnight = datetime(which.day.year, which.day.month, which.day.day, tzinfo=UTC)
        after = timedelta(days=draw.choice((1, 1, 1, 2, 5)), seconds=draw.randrange(80_000))
        former = await store.in_force(owner, which)
        file = BillFile(
            key=which, file_no=number, received_at=midnight - timedelta(hours=8) + after,
            sha256=f"{number}".encode(), size_bytes=1, name="", fetched=False, actor="zhang",
            totals=Totals(paid_fen=draw.randrange(999), refunded_fen=7, fee_fen=number),
            fee_told="", faults=draw.choice((0, 0, 3)),
        )  # fmt: skip
        await store.keep_file(owner, file, (), former)
    for n in range(200):
        at = datetime(2026, 11, 27, tzinfo=UTC) + timedelta(minutes=n)
        await store.keep_asked(owner, Asked(key=key(draw), at=at, said=draw.choice(SAID)))


def summed(entries: Iterable[Entry]) -> list[DaySum]:
    """What the database must come to."""
    found: dict[tuple[date, str], list[Entry]] = {}
    for one in entries:
        found.setdefault((one.key.day, one.key.channel), []).append(one)

    def told(day: date, channel: str, some: list[Entry]) -> DaySum:
        standings = [one.standing for one in some]
        here = [one.file for one in some if one.file is not None]
        return DaySum(
            day=day, channel=channel, expected=len(some), received=len(here),
            late=standings.count(Standing.LATE), missing=standings.count(Standing.MISSING),
            refused=standings.count(Standing.REFUSED),
            replaced=sum(len(one.former) for one in some), faults=sum(one.faults for one in here),
            paid_fen=sum(one.totals.paid_fen for one in here),
            refunded_fen=sum(one.totals.refunded_fen for one in here),
            fee_fen=sum(one.totals.fee_fen for one in here),
        )  # fmt: skip

    return [
        told(*place, some)
        for place, some in sorted(
            found.items(), key=lambda one: (-one[0][0].toordinal(), one[0][1])
        )
    ]


@pytest.mark.parametrize("begun", [None, date(2026, 11, 9), date(2026, 1, 1)])
async def test_days_are_counted_as_the_calendar_lists_them(
    owner: asyncpg.Connection[asyncpg.Record], begun: date | None
) -> None:
    if not await owner.fetchval("select count(*) from settlement.bill_file"):
        await fill(owner, Random(7))
    asking = Asking(
        first=FIRST, last=LAST, today=TODAY, begun=begun, lanes=LANES, merchants=MERCHANTS
    )
    entries = calendar(
        asking, await store.bills_between(owner, FIRST, LAST),
        await store.asked_between(owner, FIRST, LAST),
    )  # fmt: skip
    assert {one.standing for one in entries} >= {
        Standing.LATE, Standing.RECEIVED, Standing.REFUSED, Standing.MISSING,
    }  # fmt: skip
    for channel in (None, "wechat", "onecode"):
        expected = summed(one for one in entries if channel in (None, one.key.channel))
        found = await store.days_between(owner, FIRST, LAST, channel, expecting(asking))
        assert found == expected
