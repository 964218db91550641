"""Two messages about the same thing at the same time, through different processes.

Each race is run many times; whichever way it ends, it must be one of the ways that make sense, and
the books must show exactly what was answered.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime

import pytest

from settlement.serve.service import Service
from tests.kit.population import BALANCE_FEN, CLASS_A, CLASS_B, Citizen, some
from tests.kit.racing import race, starts
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 40


async def kinds_of(town: Town, citizen: Citizen) -> list[int]:
    """1 settlement, 2 cancel, 3 reversal, as booked."""
    return [row["kind"] for row in await town.rows_of(citizen)]


def outcome(reply: Reply) -> str:
    """`done`, or why not."""
    return "done" if reply.infcode == 0 else reply.err_code


async def test_duplicates_are_booked_once_and_answered_alike(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS):
        message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
        replies = await race(rng, workers, message, message, message)
        assert [reply.output for reply in replies] == [replies[0].output] * 3
        assert [bool(reply.warn_msg) for reply in replies].count(False) == 1
        assert await kinds_of(town, citizen) == [1]
        assert await town.balance_fen(citizen) == BALANCE_FEN - 1000


async def test_original_and_its_reversal_never_both_stand(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    seen: Counter[str] = Counter()
    for citizen, start in zip(town.people(2 * ROUNDS), starts(rng, 2 * ROUNDS), strict=True):
        message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
        reversal = town.pharmacy.reversal(message, citizen)
        sold, reversed_ = await race(rng, workers, message, reversal, start=start)
        assert outcome(reversed_) == "done"
        assert outcome(sold) in {"done", "MESSAGE_REVERSED"}
        assert await kinds_of(town, citizen) == ([1, 3] if outcome(sold) == "done" else [])
        assert await town.balance_fen(citizen) == BALANCE_FEN
        assert outcome(await message.to(workers[0])) == "MESSAGE_REVERSED"
        seen[outcome(sold)] += 1
    assert len(seen) == 2, f"the race went only one way: {seen}"


async def test_two_cancels_of_one_settlement_undo_it_once(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS):
        settled = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
        first, second = (town.pharmacy.cancel(settled) for _ in range(2))
        replies = await race(rng, workers, first, second)
        assert sorted(map(outcome, replies)) == ["ALREADY_CANCELLED", "done"]
        assert await kinds_of(town, citizen) == [1, 2]
        assert await town.balance_fen(citizen) == BALANCE_FEN


async def test_one_claim_under_two_msgids_is_settled_once(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    at = datetime(2026, 11, 23, 8, 0)
    for citizen in town.people(ROUNDS):
        first, second = (town.pharmacy.sale(citizen, some(CLASS_B), at=at) for _ in range(2))
        replies = await race(rng, workers, first, second)
        assert sorted(map(outcome, replies)) == ["CLAIM_ALREADY_SETTLED", "done"]
        assert await kinds_of(town, citizen) == [1]


async def test_settlement_and_cancel_of_one_person_keep_their_order(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS):
        settled = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
        sale = town.other_pharmacy.sale(citizen, some(CLASS_A, 4))
        sold, cancelled = await race(rng, workers, sale, town.pharmacy.cancel(settled))
        assert_done(sold)
        assert outcome(cancelled) in {"done", "LATER_SETTLEMENT_STANDS"}
        spent = 2000 if outcome(cancelled) == "done" else 3000
        assert await town.balance_fen(citizen) == BALANCE_FEN - spent


async def test_settlement_and_withdrawal_of_its_lines_do_not_both_happen(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    for citizen in town.people(ROUNDS // 2):
        visit = await town.hospital.open_visit(citizen, some(CLASS_A))
        quoted = visit.quote(some(CLASS_A))
        message = visit.settlement(quoted, await town.hospital.send(quoted))
        replies = await race(rng, workers, message, visit.withdrawal_of_lines("B1"))
        assert tuple(map(outcome, replies)) in {
            ("done", "BATCH_SETTLED"), ("BATCH_UNKNOWN", "done"),
        }  # fmt: skip
