"""Several at once want money of one relative: it is spent once, and never below zero."""

from __future__ import annotations

import asyncio
import random

import pytest

from settlement.serve.service import Service
from tests.concurrency.test_races import outcome
from tests.kit.counter import Message
from tests.kit.population import BALANCE_FEN, CLASS_A, DEAR, Citizen, some
from tests.kit.racing import race
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 15
PAID = 2


def shared(town: Town, whom: Citizen, quantity: int = 4) -> Message:
    """A sale that wants more than a relative has."""
    message = town.pharmacy.sale(whom, some(DEAR, quantity))
    return message.edited({"input.druginfo.acct_used_flag": "2"})


async def paid_by(town: Town, donor: Citizen) -> int:
    """What the donor's account has paid for others."""
    return sum(fen for kind, fen in await town.moves_of(donor) if kind == PAID)


async def test_two_patients_share_one_relative(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        one, two, donor = town.people(3)
        await town.bind(one, donor)
        await town.bind(two, donor)
        replies = await race(rng, workers, shared(town, one), shared(town, two))
        shares = [reply.money("acct_mulaid_pay") for reply in replies]
        assert sum(shares) * 100 == BALANCE_FEN == await paid_by(town, donor)
        assert await town.balance_fen(donor) == 0


async def test_relative_buys_while_a_patient_wants_their_money(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        patient, donor = town.people(2)
        await town.bind(patient, donor)
        own = town.pharmacy.sale(donor, some(CLASS_A, 2))
        settled, bought = await race(rng, workers, shared(town, patient), own)
        spent = settled.money("acct_mulaid_pay") + bought.money("acct_pay")
        assert BALANCE_FEN - spent * 100 == await town.balance_fen(donor) == 0


async def test_two_who_are_each_others_relatives(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    """Each spends the own account first; what the other holds meanwhile is not there. Nobody waits
    for anybody."""
    for _ in range(ROUNDS):
        one, two = town.people(2)
        await town.bind(one, two)
        await town.bind(two, one)
        replies = await race(rng, workers, shared(town, one), shared(town, two))
        for reply in replies:
            assert outcome(reply) in {"done", "FAMILY_CLAIM_CHANGED"}
        for citizen in (one, two):
            assert await town.balance_fen(citizen) >= 0
            assert await town.under_way(citizen) is None


async def test_duplicates_take_from_a_relative_once(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        patient, donor = town.people(2)
        await town.bind(patient, donor)
        message = shared(town, patient, 2)
        replies = await race(rng, workers, message, message)
        assert {outcome(reply) for reply in replies} <= {"done", "UNDERTAKING_OPEN"}
        done = [reply for reply in replies if reply.infcode == 0]
        assert done and len({reply.setl_id for reply in done}) == 1
        assert await paid_by(town, donor) == done[0].money("acct_mulaid_pay") * 100
        assert len(await town.rows_of(patient)) == 1


async def test_nothing_else_is_settled_for_a_patient_meanwhile(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        patient, donor = town.people(2)
        await town.bind(patient, donor)
        other = town.pharmacy.sale(patient, some(CLASS_A))
        replies = await race(rng, workers, shared(town, patient), other)
        assert outcome(replies[0]) == "done"
        assert outcome(replies[1]) in {"done", "UNDERTAKING_OPEN"}
        assert len(await town.rows_of(patient)) == [outcome(x) for x in replies].count("done")


async def test_cancel_and_reversal_at_once_give_back_once(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        patient, donor = town.people(2)
        await town.bind(patient, donor)
        message = shared(town, patient, 3)
        settled = await town.pharmacy.send(message)
        assert_done(settled)
        replies = await race(
            rng, workers, town.pharmacy.cancel(settled), town.pharmacy.reversal(message, patient)
        )
        assert [outcome(x) for x in replies].count("done") == 1
        assert await town.balance_fen(donor) == await town.balance_fen(patient) == BALANCE_FEN


async def test_many_patients_of_one_family(town: Town, workers: list[Service]) -> None:
    """Ten at once want more than two donors have: all are answered, and nothing is left over."""
    *patients, first, second = town.people(12)
    for patient in patients:
        await town.bind(patient, first, second)
    async with asyncio.TaskGroup() as group:
        sent = [
            group.create_task(shared(town, patient).to(workers[n % len(workers)]))
            for n, patient in enumerate(patients)
        ]
    shares = [task.result().money("acct_mulaid_pay") for task in sent]
    assert sum(shares) * 100 == 2 * BALANCE_FEN
    assert [await town.balance_fen(one) for one in (first, second)] == [0, 0]
