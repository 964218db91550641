"""Processes on one database that call out to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from settlement.storage.lease import connection_for
from settlement.storage.siblings import BYTES_MAX, LOOK_SECONDS, Siblings
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECONDS_MAX = 20 * LOOK_SECONDS


@asynccontextmanager
async def hearing(dsn: str, heard: asyncio.Queue[str]) -> AsyncIterator[Siblings]:
    """A process that hears the others."""
    one = Siblings(dsn)
    listening = asyncio.create_task(one.hear(heard.put_nowait))
    await one.ready.wait()
    try:
        yield one
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        one.close()


async def test_word_is_heard_by_all_others_and_not_by_who_said_it(town: Town) -> None:
    own: asyncio.Queue[str] = asyncio.Queue()
    first: asyncio.Queue[str] = asyncio.Queue()
    second: asyncio.Queue[str] = asyncio.Queue()
    async with (
        hearing(town.app_dsn, own) as one,
        hearing(town.app_dsn, first),
        hearing(town.app_dsn, second) as other,
    ):
        assert await one.tell("一")
        assert await first.get() == await second.get() == "一"
        assert await other.tell("二")
        assert await first.get() == await own.get() == "二"
    assert own.empty()


async def test_word_that_is_too_long_is_not_said(town: Town) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with hearing(town.app_dsn, heard):
        one = Siblings(town.app_dsn)
        assert not await one.tell("长" * BYTES_MAX)
        assert await one.tell("x" * BYTES_MAX)
        assert len(await heard.get()) == BYTES_MAX
        one.close()


async def test_it_hears_again_after_its_connection_broke(town: Town) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with hearing(town.app_dsn, heard) as one:
        one.ready.clear()
        async with connection_for(town.app_dsn, "test") as own:
            await own.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'settlement-siblings' and datname = current_database()"
            )
        async with asyncio.timeout(SECONDS_MAX):
            await one.ready.wait()
        other = Siblings(town.app_dsn)
        assert await other.tell("again")
        assert await heard.get() == "again"
        other.close()


async def test_database_that_is_away_is_said_once_and_nothing_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = Siblings("postgresql://nobody@127.0.0.1:1/nowhere")
    assert not await one.tell("anybody")
    assert not await one.tell("anybody")
    assert [record.event for record in caplog.records if hasattr(record, "event")] == [
        "siblings.lost"
    ]  # fmt: skip
