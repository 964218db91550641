"""A filing and a settlement of one person at the same time, through different processes.

Whichever comes first: a settlement that needs a filing never stands without one, and a filing that
was used today is never taken back.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from settlement.serve.service import Service
from tests.concurrency.test_races import kinds_of, outcome
from tests.kit import registrar
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.racing import race, starts
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 30


async def filed(town: Town, citizen: Citizen) -> Message:
    """The disease is filed; the message that takes the filing back."""
    message = registrar.disease(town.hospital, citizen)
    reply = await town.hospital.send(message)
    assert_done(reply)
    return registrar.withdrawal(town.hospital, citizen, message, reply)


async def settlement(town: Town, citizen: Citizen) -> Message:
    """A 2207 for the disease, quoted while it is filed."""
    visit, quoted = await registrar.treat(town.hospital, citizen, some(CLASS_A, 2))
    quote = await town.hospital.send(quoted)
    return visit.settlement(quoted, quote)


async def test_settlement_stands_or_the_filing_is_taken_back(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    seen: Counter[str] = Counter()
    for citizen, start in zip(town.people(2 * ROUNDS), starts(rng, 2 * ROUNDS), strict=True):
        back = await filed(town, citizen)
        settle = await settlement(town, citizen)
        settled, taken = await race(rng, workers, settle, back, start=start)
        ways = {("done", "FILING_USED"), ("DISEASE_NOT_FILED", "done")}
        assert (outcome(settled), outcome(taken)) in ways
        assert await kinds_of(town, citizen) == ([1] if outcome(settled) == "done" else [])
        seen[outcome(settled)] += 1
    assert len(seen) == 2, f"the race went only one way: {seen}"


async def test_settlement_meets_a_filing_that_is_being_made(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS):
        back = await filed(town, citizen)
        settle = await settlement(town, citizen)
        assert_done(await town.hospital.send(back))
        again = registrar.disease(town.hospital, citizen)
        settled, made = await race(rng, workers, settle, again)
        assert_done(made)
        assert outcome(settled) in {"done", "DISEASE_NOT_FILED"}
        assert_done(await settle.to(workers[0]))
        assert await kinds_of(town, citizen) == [1]


async def test_two_filings_of_one_disease_make_one(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS):
        first, second = (registrar.disease(town.hospital, citizen) for _ in range(2))
        replies = await race(rng, workers, first, second)
        assert sorted(map(outcome, replies)) == ["FILING_OVERLAPS", "done"]


async def test_one_filing_sent_three_times_is_made_once(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS):
        message = registrar.disease(town.hospital, citizen)
        replies = await race(rng, workers, message, message, message)
        assert [reply.output for reply in replies] == [replies[0].output] * 3
        assert [bool(reply.warn_msg) for reply in replies].count(False) == 1
