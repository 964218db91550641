"""Many claims of few persons through several processes: each booked once, sums right."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from decimal import Decimal

import pytest

from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import BALANCE_FEN, CLASS_A, DEAR, PLAIN, Citizen, some
from tests.kit.reply import Reply, assert_adds_up
from tests.kit.town import Town, small_limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAP_FEN = 300_000
POOL = "outpatient.paid.310102"


async def send_all(messages: Iterable[Message], workers: list[Service]) -> list[Reply]:
    """All at once, dealt to the workers in turn."""
    waiting = [m.to(workers[n % len(workers)]) for n, m in enumerate(messages)]
    replies = await asyncio.gather(*waiting)
    for reply in replies:
        assert_adds_up(reply)
    return replies


async def assert_person_adds_up(town: Town, citizen: Citizen, replies: list[Reply]) -> None:
    """Rows, balance and accumulator are what was answered, no more and no less."""
    rows = await town.rows_of(citizen)
    assert {str(row["setl_id"]) for row in rows} == {reply.setl_id for reply in replies}
    account = sum(reply.money("acct_pay") for reply in replies)
    assert await town.balance_fen(citizen) == BALANCE_FEN - int(account * 100)
    fund = sum(reply.money("fund_pay_sumamt") for reply in replies)
    assert (await town.accumulators(citizen))["2026"][POOL] == int(fund * 100)


async def test_fifty_claims_of_one_person_are_each_booked_once(
    town: Town, workers: list[Service]
) -> None:
    citizen = town.someone()
    messages = [town.pharmacy.sale(citizen, some(CLASS_A, n + 1)) for n in range(50)]
    replies = await send_all(messages, workers)
    await assert_person_adds_up(town, citizen, replies)
    assert await town.balance_fen(citizen) == 0


async def test_cap_and_account_are_never_overspent_by_claims_at_the_same_time(
    town: Town, workers: list[Service]
) -> None:
    citizen = town.someone()
    replies = await send_all([town.pharmacy.sale(citizen, some(DEAR)) for _ in range(20)], workers)
    await assert_person_adds_up(town, citizen, replies)
    assert sum(r.money("fund_pay_sumamt") for r in replies) == Decimal(CAP_FEN) / 100
    assert sum(r.money("acct_pay") for r in replies) == Decimal(BALANCE_FEN) / 100


async def test_few_persons_with_many_claims(town: Town, workers: list[Service]) -> None:
    people = town.people(5)
    messages = [town.pharmacy.sale(who, some(PLAIN[n % 50])) for n in range(30) for who in people]
    replies = await send_all(messages, workers)
    for place, citizen in enumerate(people):
        await assert_person_adds_up(town, citizen, replies[place :: len(people)])


async def test_person_in_two_batches_of_one_process(town: Town) -> None:
    worker = await town.start_service(small_limits(batch_size_max=4))
    citizen, others = town.someone(), town.people(20)
    mixed = [who for other in others for who in (citizen, other)]
    messages = [town.pharmacy.sale(who, some(CLASS_A)) for who in mixed]
    replies = await send_all(messages, [worker])
    await assert_person_adds_up(town, citizen, replies[::2])


async def test_journals_do_not_deadlock(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    people = town.people(60)
    buyers = rng.choices(people, k=300)
    replies = await send_all([town.pharmacy.sale(who, some(PLAIN[1])) for who in buyers], workers)
    assert len({reply.setl_id for reply in replies}) == len(replies)
    deadlocks = await town.owner.fetchval(
        "select d.deadlocks from pg_stat_database d where d.datname = current_database()"
    )
    assert deadlocks == 0
    for citizen in set(people) & set(buyers):
        own = [reply for who, reply in zip(buyers, replies, strict=True) if who is citizen]
        await assert_person_adds_up(town, citizen, own)


async def test_settlements_cancels_and_reversals_of_one_person_mixed(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    citizen = town.someone()
    for _ in range(10):
        messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for _ in range(6)]
        undo = [town.pharmacy.reversal(message, citizen) for message in messages[::2]]
        mixed = rng.sample(messages + undo, len(messages) + len(undo))
        await asyncio.gather(*[m.to(workers[n % 3]) for n, m in enumerate(mixed)])
    rows = await town.rows_of(citizen)
    spent = sum(row["account_fen"] for row in rows)
    assert await town.balance_fen(citizen) == BALANCE_FEN - spent
    standing = {row["setl_id"] for row in rows} - {row["undoes_setl_id"] for row in rows}
    fund = sum(row["fund_fen"] for row in rows if row["setl_id"] in standing and row["kind"] == 1)
    assert (await town.accumulators(citizen))["2026"][POOL] == fund
