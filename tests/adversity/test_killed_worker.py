"""A gateway process is killed while it answers: the supervisor brings another, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from settlement.gateway import Unavailable
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, some
from tests.kit.reply import Reply, assert_done
from tests.kit.served import ServedTown, a_served_town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMS = 300


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town() -> AsyncIterator[ServedTown]:
    """One server for the module."""
    async with a_served_town(employees=CLAIMS + 50) as town:
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


async def test_killed_worker_loses_and_doubles_nothing(town: ServedTown) -> None:
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = [asyncio.create_task(answered(town, message)) for message in messages]
    await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
    victim = town.worker_pids()[0]
    os.kill(victim, signal.SIGKILL)
    heard = await asyncio.gather(*claims)
    for citizen, message, first in zip(people, messages, heard, strict=True):
        reply = first if isinstance(first, Reply) else await resolved(town, message)
        assert_done(reply)
        [row] = await town.rows_of(citizen)
        assert str(row["setl_id"]) == reply.setl_id

    async def is_replaced() -> bool:
        pids = town.worker_pids()
        return len(pids) == 2 and victim not in pids and await town.is_ready()

    await until(is_replaced)
