"""A process of a real server is killed while it answers: another comes, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.postgres import find_postmaster
from settlement.embedded.redis import find_redis
from settlement.gateway import Unavailable
from settlement.rows import MoveKind
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, DEAR, Citizen, some
from tests.kit.reply import Reply, assert_done
from tests.kit.served import ServedTown, a_served_town
from tests.kit.waiting import until
from tests.services import embedded_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMS = 300
FAMILIES = 30
LEFT_SECONDS_MAX = 120.0
"""ADR 0023 says 25; others use this machine, too."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town() -> AsyncIterator[ServedTown]:
    """One server for the module."""
    async with a_served_town(employees=2 * CLAIMS + 2 * FAMILIES + 120) as town:
        yield town


async def answered(town: ServedTown, message: Message) -> Reply | Unavailable:
    """The answer, or the broken connection."""
    try:
        return await town.pharmacy.send(message)
    except Unavailable as heard:
        return heard


async def resolved(town: ServedTown, message: Message) -> Reply:
    """The answer to a message sent again until there is one."""

    async def ask() -> Reply | None:
        heard = await answered(town, message)
        return heard if isinstance(heard, Reply) else None

    return await until(ask)


async def assert_each_is_booked_once_in_the_end(
    town: ServedTown, people: list[Citizen], claims: list[asyncio.Task[Reply | Unavailable]],
    messages: list[Message],
) -> None:  # fmt: skip
    """Resend what was not answered; then everybody has exactly one row, the one answered."""
    heard = await asyncio.gather(*claims)
    replies = [
        first if isinstance(first, Reply) else await resolved(town, message)
        for message, first in zip(messages, heard, strict=True)
    ]
    await until(town.reconnected)
    for citizen, reply in zip(people, replies, strict=True):
        assert_done(reply)
        [row] = await town.rows_of(citizen)
        assert str(row["setl_id"]) == reply.setl_id


async def test_killed_worker_loses_and_doubles_nothing(town: ServedTown) -> None:
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = [asyncio.create_task(answered(town, message)) for message in messages]
    await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
    victim = town.worker_pids()[0]
    os.kill(victim, signal.SIGKILL)
    await assert_each_is_booked_once_in_the_end(town, people, claims, messages)

    async def is_replaced() -> bool:
        pids = town.worker_pids()
        return len(pids) == 2 and victim not in pids and await town.is_ready()

    await until(is_replaced)


async def test_killed_worker_leaves_relatives_to_the_background(town: ServedTown) -> None:
    patients, donors = town.people(FAMILIES), town.people(FAMILIES)
    for patient, donor in zip(patients, donors, strict=True):
        await town.bind(patient, donor)
    messages = [
        town.pharmacy.sale(patient, some(DEAR, 4)).edited({"input.druginfo.acct_used_flag": "2"})
        for patient in patients
    ]
    claims = [asyncio.create_task(answered(town, message)) for message in messages]
    await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
    os.kill(town.worker_pids()[0], signal.SIGKILL)
    await asyncio.gather(*claims)

    async def settled(message: Message) -> Reply | None:
        heard = await answered(town, message)
        return heard if isinstance(heard, Reply) and not heard.infcode else None

    for message in messages:
        await until(lambda message=message: settled(message), seconds=LEFT_SECONDS_MAX)
    for patient, donor in zip(patients, donors, strict=True):
        await until(lambda donor=donor: paid(town, donor), seconds=LEFT_SECONDS_MAX)
        assert [await town.balance_fen(one) for one in (patient, donor)] == [0, 0]
        assert len(await town.rows_of(patient)) == 1
        assert await town.under_way(patient) is None


async def paid(town: ServedTown, donor: Citizen) -> bool:
    """Whether the account has paid in the end."""
    return [kind for kind, _ in await town.moves_of(donor)][-1] == MoveKind.PAID


async def test_killed_database_comes_back_under_the_server(town: ServedTown) -> None:
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = [asyncio.create_task(answered(town, message)) for message in messages]
    await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
    directory = open_directory(town.data, embedded_environment(), create=False)
    postmaster = find_postmaster(directory)
    assert postmaster is not None
    postmaster.send(signal.SIGKILL)
    await assert_each_is_booked_once_in_the_end(town, people, claims, messages)
    await until(town.is_ready)


async def test_killed_redis_costs_no_answer(town: ServedTown) -> None:
    directory = open_directory(town.data, embedded_environment(), create=False)
    redis = find_redis(directory)
    assert redis is not None
    people = town.people(50)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = [asyncio.create_task(answered(town, message)) for message in messages]
    redis.send(signal.SIGKILL)
    heard = await asyncio.gather(*claims)
    assert all(isinstance(reply, Reply) and reply.infcode == 0 for reply in heard)
    assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
    await until(lambda: another_redis(directory, redis.pid))


async def another_redis(directory: DataDirectory, old: int) -> bool:
    """Whether the supervisor has brought another one."""
    await asyncio.sleep(0)
    found = find_redis(directory)
    return found is not None and found.pid != old
