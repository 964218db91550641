"""Several processes at once about somebody insured elsewhere: one case, one effect, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from loadtest.simulators.insured_region import Fault, Someone
from protocol.hub.messages import Kind
from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import PLAIN, some
from tests.kit.reply import Reply, assert_done
from tests.kit.strangers import (
    CHANGSHA,
    Elsewhere,
    Naming,
    look_up,
    patient,
    reversal_of,
    somebody,
)
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASKET = (some(PLAIN[5], 10),)
ROUNDS = 12


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(town: Town) -> AsyncIterator[Elsewhere]:
    """Another region; in the end both books say the same."""
    there = Elsewhere(town, CHANGSHA)
    await there.open()
    yield there
    await there.resolve(seconds=3600)
    await there.resolve(seconds=3600)
    assert await there.pending() == 0
    assert await there.owed_fen() == there.region.owes_fen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(town: Town, there: Elsewhere) -> list[Service]:
    """Three processes with a line to the region."""
    more = [await town.start_service(hub=there.region) for _ in range(2)]
    return [there.service, *more]


async def everywhere(three: list[Service], *messages: Message) -> list[Reply]:
    """Each message to each process, all at once."""
    return await asyncio.gather(
        *(one.to(Naming(each, CHANGSHA)) for one in messages for each in three)
    )


def standing(there: Elsewhere, one: Someone) -> int:
    """How many of the person's cases stand at home."""
    return len([e for e in there.region.standing if e.person_no == one.person_no])


async def test_somebody_new_at_three_counters_is_one_person(
    there: Elsewhere, three: list[Service]
) -> None:
    for _ in range(ROUNDS):
        one = there.region.move_in(somebody(CHANGSHA))
        replies = await everywhere(three, look_up(there.pharmacy, one))
        assert {reply.infcode for reply in replies} == {0}
        assert_done(await there.pharmacy.sell(patient(one), *BASKET))


async def test_same_message_through_three_processes_settles_once(
    there: Elsewhere, three: list[Service]
) -> None:
    for _ in range(ROUNDS):
        one, shown = await there.arrives()
        message = there.pharmacy.sale(shown, *BASKET)
        replies = await everywhere(three, message)
        settled = [reply for reply in replies if reply.infcode == 0]
        assert settled
        assert {reply.err_code for reply in replies if reply.infcode} <= {"REGION_UNCLEAR"}
        again = await everywhere(three, message)
        assert len({str(reply.output) for reply in (*settled, *again)}) == 1
        assert len(await there.rows_of(one)) == standing(there, one) == 1


async def test_two_claims_at_once_are_one_undertaking_after_the_other(
    there: Elsewhere, three: list[Service]
) -> None:
    for n in range(ROUNDS):
        one, shown = await there.arrives()
        messages = [there.pharmacy.sale(shown, some(PLAIN[n + k])) for k in range(2)]
        replies = await everywhere(three[:1], *messages)
        refused = {reply.err_code for reply in replies if reply.infcode}
        assert refused <= {"UNDERTAKING_OPEN"}
        for message in messages:
            assert_done(await there.pharmacy.send(message))
        assert len(await there.rows_of(one)) == standing(there, one) == 2


async def test_settling_and_giving_up_at_once_end_alike_on_both_sides(
    there: Elsewhere, three: list[Service], rng: Random
) -> None:
    for _ in range(ROUNDS):
        one, shown = await there.arrives()
        message = there.pharmacy.sale(shown, *BASKET)
        reversal = reversal_of(there.pharmacy, message, one)
        if rng.random() < 0.5:
            there.region.fail(Kind.SETTLE, rng.choice([Fault.LOST, Fault.ANSWER_LOST]))
        first, second = rng.sample([message, reversal], 2)
        await everywhere(three, first, second)
        done = await there.pharmacy.send(reversal)
        assert done.infcode == 0, done
        there.region.mend()
        assert standing(there, one) == 0
        assert sum(1 if row["kind"] == 1 else -1 for row in await there.rows_of(one)) == 0
        assert (await there.pharmacy.send(message)).err_code == "MESSAGE_REVERSED"


async def test_cancel_through_three_processes_takes_back_once(
    there: Elsewhere, three: list[Service]
) -> None:
    for _ in range(ROUNDS):
        one, shown = await there.arrives()
        sold = await there.pharmacy.sell(shown, *BASKET)
        cancel = there.pharmacy.cancel(sold)
        replies = await everywhere(three, cancel, there.pharmacy.cancel(sold))
        said = {reply.err_code for reply in replies if reply.infcode}
        assert said <= {"UNDERTAKING_OPEN", "ALREADY_CANCELLED", "REGION_UNCLEAR"}
        assert [row["kind"] for row in await there.rows_of(one)] == [1, 2]
        assert standing(there, one) == 0


async def test_resolver_of_another_process_and_the_counter_do_not_book_twice(
    there: Elsewhere, three: list[Service]
) -> None:
    for fault in (Fault.LOST, Fault.ANSWER_LOST) * 3:
        one, shown = await there.arrives()
        message = there.pharmacy.sale(shown, *BASKET)
        there.region.fail(Kind.SETTLE, fault)
        assert (await there.pharmacy.send(message)).err_code == "REGION_UNCLEAR"
        await asyncio.gather(
            there.resolve(seconds=20, by=three[1]), there.resolve(seconds=20, by=three[2]),
            there.pharmacy.send(message),
        )  # fmt: skip
        assert_done(await there.pharmacy.send(message))
        assert len(await there.rows_of(one)) == standing(there, one) == 1
