"""Adjustments of what institutions are paid, by two people at the same moment: a source counts
once, and nothing is used further than it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import asyncpg
import pytest
import pytest_asyncio

from settlement import chart
from settlement.books.payout import Kind
from settlement.books.payout_intake import Asked
from settlement.chart import InstitutionAccount
from settlement.finance.payout_adjusting import Batch, adjust
from settlement.finance.payout_books import LOCK_CLASS, open_books
from settlement.finance.payout_desk import digest_of
from settlement.said import Said
from settlement.storage.queries import PAYOUTS
from settlement.who import Who
from tests.kit.payouts import LIN, ZHANG, Payouts, asked, assert_good
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done
from tests.kit.town import Town, a_town
from tests.kit.waiting import until
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAITING = (
    "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    " and database = (select oid from pg_database where datname = current_database())"
)
WANG = Who(actor="王会计", reason="月度拨付")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payouts(town: Town) -> Payouts:
    """Its finance staff; two months are stated, and the second one is looked at."""
    found = Payouts(town)
    await _sell(town)
    assert_good(await found.state())
    found.next()
    await _sell(town)
    assert_good(await found.state())
    return found


async def _sell(town: Town) -> None:
    for pharmacy in (town.pharmacy, town.other_pharmacy):
        assert_done(await pharmacy.sell(town.someone(), some(CLASS_A)))


async def acted(
    town: Town, month: date, rows: tuple[Asked, ...], who: Who, *, confirm: bool
) -> Said:
    """A clerk's command in a process of its own, as far as the database can tell."""
    connection = await asyncpg.connect(town.owner_dsn)
    try:
        books = await open_books(connection, town.keyring, clock=town.clock)
        batch = Batch(digest=digest_of(rows), rows=rows)
        return await adjust(books, month, batch, who, confirm=confirm)
    finally:
        await connection.close()


async def all_at_once(
    town: Town, *commands: tuple[date, tuple[Asked, ...], Who], confirm: bool
) -> list[Said]:
    """Commands that have all looked before the first of them may act."""
    holder = await asyncpg.connect(town.owner_dsn)
    lanes = (await open_books(holder, town.keyring, clock=town.clock)).lanes

    async def all_wait() -> bool:
        waiting: int = await town.owner.fetchval(WAITING)
        return waiting == len(commands)

    try:
        async with asyncio.TaskGroup() as group, holder.transaction():
            for lane in range(lanes):
                await holder.execute(PAYOUTS["lock_institutions"], LOCK_CLASS, lane)
            tasks = [
                group.create_task(acted(town, *command, confirm=confirm))
                for command in commands
            ]
            await until(all_wait)
    finally:
        await holder.close()
    return [task.result() for task in tasks]


async def test_source_that_two_people_propose_at_once_counts_once(
    town: Town, payouts: Payouts
) -> None:
    code, month = town.pharmacy.code, payouts.month
    rows = [(asked(code, Kind.DEDUCTION, fen, "文7"),) for fen in (300, 301)]
    said = await all_at_once(
        town, (month, rows[0], ZHANG), (month, rows[1], WANG), confirm=False
    )
    assert sorted(one.status for one in said) == [0, 1]
    assert [one.text for one in said if one.status and "文7 已有" in one.text]
    kept = (await payouts.found(code)).kept.adjustments
    assert [one.source for one in kept] == ["文7"]
    assert_good(await payouts.withdraw(code, 1))


async def test_source_that_was_proposed_twice_is_not_booked_twice(
    town: Town, payouts: Payouts
) -> None:
    """Two proposals of one source, as they may lie in older books: one is withdrawn first."""
    code = town.pharmacy.code
    row = asked(code, Kind.DEDUCTION, 300, "文8")
    assert_good(await payouts.adjust(row))
    assert_good(await payouts.adjust(asked(code, Kind.DEDUCTION, 301, "文8-")))
    await town.owner.execute(
        "update settlement.payout_adjustment set source = '文8' where source = '文8-'"
    )
    said = await payouts.adjust(row, who=LIN, confirm=True)
    assert said.status == 1 and "文8 已有" in said.text
    (*_, last) = (await payouts.found(code)).kept.adjustments
    assert_good(await payouts.withdraw(code, last.number))
    assert_good(await payouts.adjust(row, who=LIN, confirm=True))


async def test_prepayment_is_used_once_however_many_confirm(
    town: Town, payouts: Payouts
) -> None:
    code, second = town.pharmacy.code, payouts.month
    payouts.month = first = (second - timedelta(days=1)).replace(day=1)
    await payouts.adjusted(asked(code, Kind.PREPAID, 100, "银行凭证1"))
    uses = {month: asked(code, Kind.PREPAID_USED, 100) for month in (first, second)}
    for payouts.month, row in uses.items():
        assert_good(await payouts.adjust(row))
    said = await all_at_once(
        town, *((month, (row,), LIN) for month, row in uses.items()), confirm=True
    )
    assert sorted(one.status for one in said) == [0, 1]
    assert [one.text for one in said if one.status and "预付款余额 0.00 元" in one.text]
    base = (await payouts.books()).base_of(code)
    assert await payouts.credit(base + InstitutionAccount.PREPAID) == 0


async def test_pool_is_given_out_once_to_institutions_of_several_lanes(
    town: Town, payouts: Payouts
) -> None:
    """A reward is booked behind what the same batch brings into the pool."""
    one, other = town.pharmacy.code, town.other_pharmacy.code
    books = await payouts.books()
    assert books.lane_of(one) != books.lane_of(other)
    await payouts.adjusted(asked(one, Kind.DEPOSIT, 60, "文9"))
    await payouts.adjusted(
        asked(other, Kind.REWARD, 10, "文10"), asked(one, Kind.DEPOSIT_FORFEIT, 60, "文10"),
        asked(one, Kind.REWARD, 10, "文10"),
    )  # fmt: skip
    assert await payouts.credit(chart.DEPOSIT_POOL) == 40
    rewards = [asked(code, Kind.REWARD, 40, "文11") for code in (one, other)]
    for row in rewards:
        assert_good(await payouts.adjust(row))
    said = await all_at_once(
        town, *((payouts.month, (row,), LIN) for row in rewards), confirm=True
    )
    assert sorted(one.status for one in said) == [0, 1]
    assert [one.text for one in said if one.status and "质保金奖励池 0.00 元" in one.text]
    assert await payouts.credit(chart.DEPOSIT_POOL) == 0


async def test_batch_that_two_confirm_at_once_is_booked_once(
    town: Town, payouts: Payouts
) -> None:
    code = town.pharmacy.code
    rows = (asked(code, Kind.SURPLUS, 70, "文12"),)
    assert_good(await payouts.adjust(*rows))
    before = sum(await payouts.owed(code))
    said = await all_at_once(
        town, *((payouts.month, rows, who) for who in (LIN, WANG)), confirm=True
    )
    assert [one.status for one in said] == [0, 0]
    assert sum(await payouts.owed(code)) == before + 70
