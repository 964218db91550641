"""A service that is stopped answers what it took, or says that the outcome is not known."""

from __future__ import annotations

import asyncio

import pytest

from settlement.gateway import Overloaded, Strain, Unavailable
from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, some
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town, small_limits
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMS = 300


async def answered(message: Message, worker: Service) -> Reply | Unavailable | Overloaded:
    """What a caller hears."""
    try:
        return await message.to(worker)
    except (Unavailable, Overloaded) as heard:
        return heard


async def test_stop_answers_everything_that_was_taken(town: Town) -> None:
    worker = await town.start_service(small_limits(batch_size_max=16))
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = [asyncio.create_task(answered(message, worker)) for message in messages]
    await asyncio.sleep(0)
    await town.stop_service(worker)
    heard = await asyncio.gather(*claims)
    assert all(isinstance(reply, Reply) for reply in heard)
    assert [len(await town.rows_of(who)) for who in people] == [1] * CLAIMS


async def test_stopped_service_takes_no_more(town: Town) -> None:
    worker = await town.start_service()
    await town.stop_service(worker)
    with pytest.raises(Overloaded):
        await town.pharmacy.sale(town.someone(), some(CLASS_A)).to(worker)
    assert not worker.readiness().ready


@pytest.mark.parametrize("fault", list(Fault))
async def test_stop_that_may_not_wait_leaves_what_is_in_flight_in_doubt(
    town: Town, line: DatabaseLine, fault: Fault
) -> None:
    worker = await town.start_service(dsn=line.dsn)
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    line.break_at_next_batch(fault, away=True)
    claim = asyncio.create_task(answered(message, worker))
    await line.broken.wait()
    await town.stop_service(worker, drain_seconds=0.01)
    heard = await claim
    assert isinstance(heard, Unavailable)
    assert heard.retry == "same_msgid"
    await line.open()
    assert_done(await town.pharmacy.send(message))
    assert len(await town.rows_of(citizen)) == 1


async def test_full_queue_says_so_at_once_and_books_nothing(town: Town) -> None:
    worker = await town.start_service(small_limits(batch_size_max=4, queue_length_max=8))
    people = town.people(60)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    heard = await asyncio.gather(*[answered(message, worker) for message in messages])
    turned_away = [isinstance(reply, Overloaded) for reply in heard]
    assert any(turned_away)
    rows = [len(await town.rows_of(citizen)) for citizen in people]
    assert rows == [0 if away else 1 for away in turned_away]


async def test_service_says_how_long_the_first_in_a_queue_has_waited(town: Town) -> None:
    worker = await town.start_service(small_limits(batch_size_max=4, queue_length_max=64))
    assert worker.strain() == Strain()
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in town.people(40)]
    claims = [asyncio.create_task(answered(message, worker)) for message in messages]

    async def is_behind() -> bool:
        return worker.strain().waited_seconds > 0

    await until(is_behind)
    assert worker.strain().waited_seconds < 60
    await asyncio.gather(*claims)
    assert worker.strain() == Strain()
