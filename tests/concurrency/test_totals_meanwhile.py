"""Sums are asked for while people settle and cancel, and while rows are being listed.

Whatever moment a sum is of, it is a moment: a sale's figures are all in it or none, and what was
answered before the question is in it.
"""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import asyncpg
import pytest

from settlement.serve.service import Service
from settlement.storage.statements import list_behind
from tests.kit.clerk import Clerk, Totals, result
from tests.kit.population import CLASS_A, some
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

SALES = 120
PRICE = Decimal("12.50")
NOTHING = Totals(Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0)


async def counted(clerk: Clerk, service: Service) -> int:
    """How many sales we have, asked so that every figure must be named."""
    message = clerk.totals(NOTHING._replace(total=Decimal(-1), count=9_999_999))
    told = result(await message.to(service))[1]
    total, count = (
        text.split("中心", 1)[1].split("，", 1)[0]
        for text in told.split("；")
        if text.startswith(("医疗费总额", "结算笔数"))
    )
    assert Decimal(total) == PRICE * int(count), told
    return int(count)


async def test_every_sum_is_of_one_moment(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    day = f"{town.clock.local:%Y-%m-%d}"
    clerk = Clerk(town.pharmacy, begin=day, end=day)
    listers = [await asyncpg.connect(town.app_dsn) for _ in range(2)]
    answered = 0
    done = asyncio.Event()

    async def settle(people: int) -> None:
        nonlocal answered
        for citizen in town.people(people):
            message = town.pharmacy.sale(citizen, some(CLASS_A))
            reply = await message.to(rng.choice(workers))
            assert reply.infcode == 0, reply
            answered += 1

    async def list_rows(lister: asyncpg.Connection[asyncpg.Record]) -> None:
        while not done.is_set():
            await list_behind(lister, blocks_min=1)
            await asyncio.sleep(0)

    async def ask() -> int:
        least = 0
        while not done.is_set():
            before = max(least, answered)
            least = await counted(clerk, rng.choice(workers))
            assert least >= before
        return least

    async with asyncio.TaskGroup() as group:
        others = [group.create_task(list_rows(lister)) for lister in listers]
        others += [group.create_task(ask()) for _ in range(2)]
        async with asyncio.TaskGroup() as selling:
            for _ in range(4):
                selling.create_task(settle(SALES // 4))
        done.set()
    assert await counted(clerk, workers[0]) == SALES
    while await list_behind(listers[0], blocks_min=1):
        pass
    assert await counted(clerk, workers[0]) == SALES
    assert await town.owner.fetchval("select count(*) from settlement.statement_row") == SALES
    for lister in listers:
        await lister.close()


async def test_cancels_meanwhile_leave_pairs_or_nothing(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    """Without refunds a sale and its cancel are both gone, with refunds both there: the sum of
    amounts only counts what stands either way, at every moment."""
    day = f"{town.clock.local:%Y-%m-%d}"
    clerk = Clerk(town.other_pharmacy, begin=day, end=day)
    sold = [await town.other_pharmacy.sell(one, some(CLASS_A)) for one in town.people(40)]
    done = asyncio.Event()
    sent = 0
    cancelled = 0

    async def cancel() -> None:
        nonlocal sent, cancelled
        for settled in sold:
            message = town.other_pharmacy.cancel(settled)
            sent += 1
            assert (await message.to(rng.choice(workers))).infcode == 0
            cancelled += 1
        done.set()

    async def ask() -> None:
        while not done.is_set():
            before = cancelled
            message = clerk.totals(
                NOTHING._replace(total=Decimal(-1), count=9_999_999), refd_setl_flag="0"
            )
            told = result(await message.to(rng.choice(workers)))[1]
            count = int(told.rsplit("中心", 1)[1].split("，", 1)[0])
            assert f"中心{PRICE * count}" in told
            assert len(sold) - sent <= count <= len(sold) - before

    async with asyncio.TaskGroup() as group:
        group.create_task(cancel())
        group.create_task(ask())
    with_refunds = NOTHING._replace(count=2 * len(sold))
    assert result(await clerk.totals(with_refunds).to(workers[1])) == ("0", "对账一致")
