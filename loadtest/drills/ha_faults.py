"""What may happen to a cluster, each as a fault that begins and is put right again.

A fault begins at once and says when whoever should take over has. Putting right is what an operator
does afterwards; it ends when the cluster is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from msgspec import Struct

from ledger.postgres.queries import load
from loadtest.drills.ha_cluster import Cluster
from loadtest.drills.ha_nodes import NAMES

PROBE_SECONDS = 3.0
ALONE_SECONDS = 8.0
SETTLED_SECONDS = 2.0
"""How long it is watched that nothing happens where nothing should."""
QUERIES = load(Path(__file__).parents[1] / "sql" / "ha.sql")

Healing = Callable[[], Awaitable[None]]


class Fault(Struct, frozen=True):
    """`begin` does it, waits until somebody leads, and answers how it is put right."""

    name: str
    begin: Callable[[Cluster, list[str]], Awaitable[Healing]]
    """the list takes what must not be: one sentence each"""
    moves: bool = False
    """whether another leads afterwards"""
    silences: float = 0.0
    """for so long nobody may be answered, in seconds"""


async def kill_leader(cluster: Cluster, wrong: list[str]) -> Healing:
    """Power off: Patroni and all of PostgreSQL end at once."""
    leader = await cluster.leader()
    cluster.kill_node(leader)
    await cluster.leads_other_than(leader)
    return _started_again(cluster, leader)


async def freeze_leader(cluster: Cluster, wrong: list[str]) -> Healing:
    """The machine hangs, another takes over, and the old leader wakes up not knowing it."""
    leader = await cluster.leader()
    frozen = cluster.freeze_node(leader)
    try:
        await cluster.leads_other_than(leader)
    finally:
        cluster.thaw(frozen)
    if await was_acknowledged(cluster.dsn(node=leader)):
        wrong.append(f"{leader} acknowledged a write after it had been replaced")
    return cluster.whole


async def crash_leader(cluster: Cluster, wrong: list[str]) -> Healing:
    """PostgreSQL alone is killed; Patroni starts it again, or lets another lead."""
    leader = await cluster.leader()
    cluster.kill_postgres(leader)
    await asyncio.sleep(SETTLED_SECONDS)
    await cluster.leader()
    return cluster.whole


async def kill_sync_standby(cluster: Cluster, wrong: list[str]) -> Healing:
    """Nothing is answered until the third node has taken its place."""
    standby = await cluster.sync_standby()
    cluster.kill_node(standby)
    await cluster.sync_standby_other_than(standby)
    return _started_again(cluster, standby)


async def kill_both_standbys(cluster: Cluster, wrong: list[str]) -> Healing:
    """The leader is alone: what it alone has is not answered, however long that takes."""
    leader = await cluster.leader()
    others = [name for name in NAMES if name != leader]
    for name in others:
        cluster.kill_node(name)
    await asyncio.sleep(ALONE_SECONDS)

    async def heal() -> None:
        for name in others:
            cluster.start_patroni(name)
        await cluster.whole()

    return heal


async def kill_etcd(cluster: Cluster, wrong: list[str]) -> Healing:
    """One of three members of the quorum: nobody should notice."""
    leader = await cluster.leader()
    cluster.kill_etcd(leader)
    await asyncio.sleep(SETTLED_SECONDS)

    async def heal() -> None:
        cluster.start_etcd(leader)
        await cluster.whole()

    return heal


async def switchover(cluster: Cluster, wrong: list[str]) -> Healing:
    """An operator hands over in good order, as before maintenance."""
    leader, standby = await cluster.leader(), await cluster.sync_standby()
    await asyncio.to_thread(
        cluster.patronictl, "switchover", "--master", leader, "--candidate", standby, "--force"
    )
    await cluster.leads_other_than(leader)
    return cluster.whole


FAULTS = (
    Fault("leader killed", kill_leader, moves=True),
    Fault("leader frozen, then woken", freeze_leader, moves=True),
    Fault("leader's PostgreSQL killed", crash_leader),
    Fault("synchronous standby killed", kill_sync_standby),
    Fault("both standbys killed", kill_both_standbys, silences=ALONE_SECONDS),
    Fault("one etcd killed", kill_etcd),
    Fault("switchover", switchover, moves=True),
)


async def was_acknowledged(dsn: str) -> bool:
    """Whether a node takes a write and says that it is done. It may refuse, be gone, or never
    answer; hanging up does not cancel the wait, which would look like success."""
    try:
        connection = await asyncpg.connect(dsn, timeout=PROBE_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    write = asyncio.ensure_future(connection.execute(QUERIES["write_probe"]))
    done, _ = await asyncio.wait({write}, timeout=PROBE_SECONDS)
    connection.terminate()
    outcome = (await asyncio.gather(write, return_exceptions=True))[0]
    return bool(done) and not isinstance(outcome, BaseException)


def _started_again(cluster: Cluster, name: str) -> Healing:
    async def heal() -> None:
        cluster.start_patroni(name)
        await cluster.whole()

    return heal
