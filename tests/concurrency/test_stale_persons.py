"""Persons who change between a batch's read and its write: the others do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ledger.postgres.shape import Shape
from settlement.lanes import lane_of
from settlement.telemetry.metrics import METRICS
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import JOURNALS, Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGES = "update settlement.person set version = version + 1 where psn_no = any($1)"


async def people_of_one_journal(town: Town, number: int) -> list[Citizen]:
    """So many whom no test has met, whose claims share a batch."""
    if town.shape is Shape.CLUSTER:
        pytest.skip("a journal is one lane there, in which the town has too few people")
    rows = await town.owner.fetch("select l.lane from ledger.lane l where l.journal = 1")
    lanes = {row["lane"] for row in rows}
    everybody = town.people(number * JOURNALS * 2)
    return [one for one in everybody if lane_of(one.number, town.lanes) in lanes][:number]


async def send_while_changing(
    town: Town, messages: Sequence[Message], changing: Sequence[Citizen]
) -> list[Reply]:
    """All messages in one batch; `changing` change after it was read."""

    async def somebody_waits() -> bool:
        waits = "select true from pg_locks l where not l.granted limit 1"
        return bool(await town.owner.fetchval(waits))

    async with town.owner.transaction():
        await town.owner.execute(CHANGES, [one.number for one in changing])
        sending = asyncio.gather(*map(town.pharmacy.send, messages))
        await until(somebody_waits)
    return await sending


def sales_to(town: Town, people: Sequence[Citizen]) -> list[Message]:
    """One sale to each."""
    return [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]


async def blocks_of(town: Town, people: Sequence[Citizen]) -> list[int]:
    """The blocks in which their only settlements are."""
    rows = [(await town.rows_of(citizen)) for citizen in people]
    assert [len(one) for one in rows] == [1] * len(people)
    query = "select e.block_no from ledger.entry e where e.lane = $1 and e.entry_id = $2"
    return [await town.owner.fetchval(query, one["lane"], one["setl_id"]) for (one,) in rows]


async def test_the_others_are_written_first_and_the_stale_one_next(town: Town) -> None:
    people = await people_of_one_journal(town, 12)
    before = METRICS.batch_recomputed
    replies = await send_while_changing(town, sales_to(town, people), people[4:5])
    for reply in replies:
        assert_done(reply)
    stale, *others = await blocks_of(town, [people[4], *people[:4], *people[5:]])
    assert set(others) == {stale - 1}
    assert METRICS.batch_recomputed - before == 1


async def test_everybody_goes_again_where_many_are_stale(town: Town) -> None:
    people = await people_of_one_journal(town, 12)
    before = METRICS.batch_recomputed
    replies = await send_while_changing(town, sales_to(town, people), people[:5])
    for reply in replies:
        assert_done(reply)
    assert len(set(await blocks_of(town, people))) == 1
    assert METRICS.batch_recomputed - before == len(people)


async def test_claims_of_a_stale_person_stay_together_and_in_order(town: Town) -> None:
    stale, *others = await people_of_one_journal(town, 12)
    await send_while_changing(town, sales_to(town, [*others, stale, stale]), [stale])
    numbers = [row["setl_id"] for row in await town.rows_of(stale)]
    assert len(numbers) == 2
    assert len(set(await blocks_of(town, others))) == 1


async def test_refusal_that_rests_on_a_stale_settlement_is_decided_again(town: Town) -> None:
    stale, *others = await people_of_one_journal(town, 8)
    sale = town.pharmacy.sale(stale, some(CLASS_A))
    changed = sale.edited({"input.druginfo.acct_used_flag": "0"})
    messages = [sale, changed, *sales_to(town, others)]
    done, refused, *good = await send_while_changing(town, messages, [stale])
    for reply in (done, *good):
        assert_done(reply)
    assert_refused(refused, "MESSAGE_CONFLICT", field="msgid", mentions="单据信息")
