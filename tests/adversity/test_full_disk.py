"""The disk fills up under a running server: honest 503s, nothing lost, and no restart afterwards.

A claim that was answered is booked. One that was not is sent again, unchanged, once there is space
again, and then is booked once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from settlement.embedded.directory import open_directory
from settlement.embedded.postgres import dsn, find_postmaster
from settlement.embedded.postgres_cluster import SUPERUSER, SUPERUSER_SECRET
from settlement.gateway import Unavailable
from tests.kit.command import refusal, settlement
from tests.kit.counter import Message
from tests.kit.disk import SmallDisk, small_disk
from tests.kit.population import CLASS_A, some
from tests.kit.reply import Reply, assert_done
from tests.kit.served import ServedTown, a_served_town
from tests.kit.waiting import until
from tests.services import embedded_environment, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMS = 40
BACK_SECONDS_MAX = 120.0


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    """One disk for the module."""
    with temporary_directory() as base, small_disk(base / "disk") as disk:
        yield disk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(disk: SmallDisk) -> AsyncIterator[ServedTown]:
    """One server on the disk, whose books are checked at its end."""
    async with a_served_town(disk=disk.path, employees=20 * CLAIMS) as town:
        yield town
        disk.free()  # which the last test filled under this server too
        await until(town.is_ready, seconds=BACK_SECONDS_MAX)
        await until(town.reconnected, seconds=BACK_SECONDS_MAX)


async def answered(town: ServedTown, message: Message) -> Reply | Unavailable:
    """The answer, or the honest lack of one; everything else is an error of the test."""
    try:
        return await town.pharmacy.send(message)
    except Unavailable as heard:
        return heard


async def claims_until_one_is_not_answered(
    town: ServedTown,
) -> tuple[list[Message], list[Reply | Unavailable]]:
    """Sales, some at a time, until the server says that it cannot: all of them, what was heard."""
    messages: list[Message] = []
    heard: list[Reply | Unavailable] = []
    while not any(isinstance(each, Unavailable) for each in heard):
        batch = [town.pharmacy.sale(each, some(CLASS_A)) for each in town.people(CLAIMS)]
        heard += await asyncio.gather(*[answered(town, message) for message in batch])
        messages += batch
    return messages, heard


async def assert_resolved(
    town: ServedTown, messages: list[Message], heard: list[Reply | Unavailable]
) -> None:
    """Every answer is done and stands; every other claim is done when it is sent again."""
    await until(town.is_ready, seconds=BACK_SECONDS_MAX)
    await until(town.reconnected, seconds=BACK_SECONDS_MAX)
    for message, first in zip(messages, heard, strict=True):
        again = await town.pharmacy.send(message)
        assert_done(again)
        if isinstance(first, Reply):
            assert_done(first)
            assert again.setl_id == first.setl_id
    booked = await town.owner.fetchval(
        "select count(*) from settlement.settlement t where t.msgid = any($1)",
        [message.msgid for message in messages],
    )
    assert booked == len(messages)
    assert town.process.poll() is None


async def test_tables_that_cannot_grow_cost_no_claim(town: ServedTown, disk: SmallDisk) -> None:
    disk.fill()
    messages, heard = await claims_until_one_is_not_answered(town)
    disk.free()
    await assert_resolved(town, messages, heard)


async def test_database_that_fell_comes_back_when_there_is_space(
    town: ServedTown, disk: SmallDisk
) -> None:
    """Without a place for its redo log PostgreSQL panics, and cannot start again either."""
    directory = open_directory(town.data, embedded_environment(), create=False)
    administrator = await asyncpg.connect(dsn(directory, SUPERUSER, SUPERUSER_SECRET, "postgres"))

    async def has_fallen() -> bool:
        if find_postmaster(directory) is None:
            return True
        disk.fill()
        try:
            await administrator.execute("select pg_switch_wal()")
            await administrator.execute(
                "select pg_logical_emit_message(true, 'filler', repeat('x', 100000))"
            )  # as often as it takes; a table would be written once
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return False

    await until(has_fallen, seconds=BACK_SECONDS_MAX)
    administrator.terminate()
    messages, heard = await claims_until_one_is_not_answered(town)
    assert all(isinstance(each, Unavailable) for each in heard)
    disk.free()
    await assert_resolved(town, messages, heard)


async def test_start_on_a_full_disk_names_it_and_the_ledger_verifies_afterwards(
    disk: SmallDisk,
) -> None:
    data = disk.path / "second"
    data.mkdir()
    async with a_served_town(disk=data, employees=CLAIMS) as town:
        assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
    disk.fill()
    serve = ["serve", "--port", "0", "--data-dir", str(town.data)]
    said = refusal(await asyncio.to_thread(settlement, serve))
    assert f"MB are free on the disk of {town.data}" in said and "Free some space" in said
    disk.free()
    verify = ["verify", "--json", "--data-dir", str(town.data)]
    verified = await asyncio.to_thread(settlement, verify)
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["ok"] is True
    assert json.loads(verified.stdout)["entries"] > 0
