"""The leader of three PostgreSQL nodes is killed while claims are in flight; another takes over.

What was answered is booked once and stays; what was not is sent again and then is booked once, too.
Nothing of ours is started anew: queues reconnect, a background loop goes on under its lease. At
length, and with other faults, this is `make drill-ha`. It needs Debian's packages
(tools/failover.py).
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from loadtest.drills.ha_cluster import (
    DATABASE,
    OWNER,
    Cluster,
    ClusterError,
    find_programs,
    running_cluster,
)
from settlement.gateway import Unavailable
from settlement.serve.service import Service
from settlement.storage.lease import PlainConnection
from settlement.workers.registry import Loop
from settlement.workers.runner import run_loops
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, some
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town, a_town
from tests.kit.waiting import until
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMS = 60
BEFORE = 20
"""Answered before the leader is killed."""
APP = "settlement_app"
LEASE = 34


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    """Three nodes and the door to them. Their ports are chosen before they are taken, and another
    test may be quicker: then once more, with others."""
    programs = find_programs()
    if programs is None:
        pytest.skip("patroni, etcd and haproxy are not installed")
    async with AsyncExitStack() as held:
        try:
            base = held.enter_context(temporary_directory())
            cluster = await held.enter_async_context(running_cluster(Path(base), programs))
        except ClusterError as exc:
            warnings.warn(f"a cluster of other ports is started: {exc}", stacklevel=1)
            base = held.enter_context(temporary_directory())
            cluster = await held.enter_async_context(running_cluster(Path(base), programs))
        yield cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(cluster: Cluster) -> AsyncIterator[Town]:
    """A town whose database has three nodes."""
    owner_dsn = await cluster.make_database()
    await _make_application(cluster)
    database = FreshDatabase(
        name=DATABASE, owner_dsn=owner_dsn, app_dsn=cluster.dsn(user=APP, database=DATABASE)
    )
    async with a_town(database, employees=CLAIMS + 10) as town:
        yield town


async def _make_application(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.dsn(user=OWNER, database=DATABASE))
    await connection.execute(f"create role {APP} login password '{cluster.password}'")
    await connection.execute(f"grant connect on database {DATABASE} to {APP}")
    await connection.close()


@asynccontextmanager
async def loop_under_lease(town: Town) -> AsyncIterator[list[int]]:
    """Two nodes offer to run a background loop; by which session each of its steps was made."""
    steps: list[int] = []

    async def step(connection: PlainConnection) -> int:
        steps.append(await connection.fetchval("select pg_backend_pid()"))
        return 1

    stopping = asyncio.Event()
    loop = Loop(name="test", lease=LEASE, every_seconds=0.2, step=step)
    nodes = [asyncio.create_task(run_loops(town.app_dsn, [loop], stopping)) for _ in range(2)]
    try:
        yield steps
    finally:
        stopping.set()
        await asyncio.gather(*nodes)


async def insist(message: Message, worker: Service) -> Reply:
    """The same message until it is answered."""
    while True:
        try:
            return await message.to(worker)
        except Unavailable:
            continue


async def test_another_takes_over_and_nothing_answered_is_lost(
    town: Town, cluster: Cluster
) -> None:
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    first = [await insist(message, town.service) for message in messages[:BEFORE]]
    leader = await cluster.leader()
    async with loop_under_lease(town) as steps:
        held_by = await until(lambda: _latest(town, steps))
        rest = [asyncio.create_task(insist(m, town.service)) for m in messages[BEFORE:]]
        cluster.kill_node(leader)
        assert await cluster.leads_other_than(leader) != leader
        heard = [*first, *await asyncio.gather(*rest)]
        town.owner = await asyncpg.connect(town.owner_dsn)
        await until(lambda: _latest(town, steps, other_than=held_by))
    for citizen, message, reply in zip(people, messages, heard, strict=True):
        assert_done(reply)
        assert (await insist(message, town.service)).setl_id == reply.setl_id
        [row] = await town.rows_of(citizen)
        assert str(row["setl_id"]) == reply.setl_id
    assert town.service.readiness().ready


async def _latest(town: Town, steps: list[int], *, other_than: int = 0) -> int:
    """The session of the latest step, 0 where it is the one that is known."""
    await town.owner.fetchval("select 1")
    return steps[-1] if steps and steps[-1] != other_than else 0
