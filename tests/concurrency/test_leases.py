"""Background loops and the sessions that hold their leases."""

from __future__ import annotations

import asyncio

import pytest

from settlement.storage.lease import LEASE_CLASS, PlainConnection, connection_for
from settlement.workers import runner
from settlement.workers.registry import Loop
from settlement.workers.runner import run_loops
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEASE = 33
OWN = (
    "select pid from pg_locks where locktype = 'advisory' and classid = $1 and objid = $2"
    " and granted and database = (select oid from pg_database where datname = current_database())"
)


async def test_lease_that_went_with_its_session_is_taken_again_long_before_the_next_step(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step asks the database nothing, and the next one is an hour away."""
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.01)
    steps, stopping = list[int](), asyncio.Event()

    async def step(_connection: PlainConnection) -> int:
        steps.append(1)
        return 1

    loop = Loop(name="seldom", lease=LEASE, every_seconds=3_600.0, step=step)
    running = asyncio.create_task(run_loops(town.app_dsn, [loop], stopping))
    async with connection_for(town.app_dsn, "test") as own:

        async def held_by_another_than(pid: int) -> int | None:
            now: int | None = await own.fetchval(OWN, LEASE_CLASS, LEASE)
            return None if now == pid else now

        first = await until(lambda: held_by_another_than(0))
        await own.fetchval("select pg_terminate_backend($1)", first)
        await until(lambda: held_by_another_than(first))
    stopping.set()
    await running
    assert len(steps) == 2
