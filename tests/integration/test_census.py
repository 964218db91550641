"""What the background process counts is what rows, channels and the worklist say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from settlement.chart import CHANNEL_OFFSET
from settlement.storage.connect import Several
from settlement.storage.lease import PlainConnection, connection_for
from settlement.telemetry.metrics import METRICS
from settlement.workers.census import IN_DOUBT, Census
from tests.kit import population
from tests.kit.population import CLASS_A, DEAR, some
from tests.kit.reply import assert_done
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET, Play
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = timedelta(minutes=10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def application(town: Town, database: FreshDatabase) -> AsyncIterator[PlainConnection]:
    """The background process has the application's rights."""
    async with connection_for(database.app_dsn, "settlement-census") as connection:
        yield connection


@pytest.fixture(scope="module")
def census(town: Town) -> Census:
    """Of the whole module: it reads on from where it was."""
    return Census(clock=town.clock)


def shown(name: str) -> dict[str, int | float]:
    """A metric by its last label."""
    return {labels[-1] if labels else "": value for labels, value in METRICS.census[name]}


Looks = Callable[[], Awaitable[None]]


@pytest.fixture
def look(town: Town, census: Census, application: PlainConnection) -> Looks:
    """The loop's next step, once what is counted slowly is due too."""

    async def step() -> None:
        town.clock.move_to(town.clock.local + LATER)
        await census.step(application)

    return step


async def test_nothing_is_counted_as_none(look: Looks) -> None:
    await look()
    assert shown("settlement_in_doubt") == dict.fromkeys(IN_DOUBT, 0)
    assert shown("settlement_in_doubt_oldest_seconds") == dict.fromkeys(IN_DOUBT, 0)
    assert shown("settlement_channel_collected_today_fen") == dict.fromkeys(CHANNEL_OFFSET, 0)
    assert set(shown("settlement_fund_paid_today_fen").values()) == {0}
    assert set(shown("settlement_differences_open").values()) == {0}
    assert shown("settlement_database_bytes")[""] > 1_000_000
    assert 0 < shown("settlement_database_connections")[""] < shown(
        "settlement_database_connections_max"
    )[""]


async def test_money_of_today_is_what_rows_and_channels_say(town: Town, look: Looks) -> None:
    scanner = Scanner(population.PHARMACY, town.service)
    for _ in range(3):
        assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
        order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
        assert (await scanner.scan(order)).status == "settled"
        await look()  # reads what is new, each time
    funds = await town.owner.fetchval("select sum(s.fund_fen) from settlement.settlement s")
    assert sum(shown("settlement_fund_paid_today_fen").values()) == funds > 0
    collected = shown("settlement_channel_collected_today_fen")
    assert collected["wechat"] == town.channels.wechat.book.balance_fen > 0
    assert collected["alipay"] == 0


async def test_a_payment_of_which_nobody_knows_is_in_doubt_and_grows_old(
    town: Town, look: Looks
) -> None:
    scanner = Scanner(population.PHARMACY, town.service)
    town.channels.wechat.plays.append(Play.LOST_AFTER)
    town.channels.wechat.silent = True
    assert (await scanner.scan(scanner.order(town.someone(), DEAR, 3, pay_code=WALLET))).status == (
        "unknown"
    )
    await look()
    assert shown("settlement_in_doubt")["payment"] == 1
    assert shown("settlement_in_doubt_oldest_seconds")["payment"] == LATER.total_seconds()
    town.channels.wechat.silent = False
    await town.resolve(seconds=300)
    await look()
    assert shown("settlement_in_doubt")["payment"] == 0


async def test_a_new_day_begins_at_nothing_and_the_one_before_waits_to_be_closed(
    town: Town, look: Looks
) -> None:
    town.clock.move_to(town.clock.local + timedelta(days=1))
    await look()
    assert set(shown("settlement_fund_paid_today_fen").values()) == {0}
    assert shown("settlement_day_closings_due") == {"": 1}


async def test_connections_beside_the_settle_path_are_counted(town: Town) -> None:
    pool = METRICS.pool("test-pool")
    several = Several(town.app_dsn, "test-pool", count=1)
    second = asyncio.create_task(used(several))
    async with several.use():
        assert (pool.size, pool.busy, pool.uses) == (1, 1, 1)
        await asyncio.sleep(0)
        assert not second.done()
    await second
    assert (pool.size, pool.busy, pool.uses) == (1, 0, 2)
    assert pool.waited_seconds > 0
    several.close()
    del METRICS.pools["test-pool"]


async def used(several: Several) -> None:
    async with several.use():
        pass
