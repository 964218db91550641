"""Connections to PostgreSQL, set up for what they are for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from asyncpg import Connection, Pool, PostgresLogMessage, Record

from ledger.postgres.shape import Shape
from settlement.clock import monotonic
from settlement.storage.errors import translate
from settlement.telemetry.metrics import METRICS

SETTLE_PATH_NAME = "settlement-gateway"
LOOKUP_NAME = "settlement-lookup"
SIDE_NAME = "settlement-side"
"""Of a gateway, beside its queues: connected from its start; those are from their first batch."""
_SETTLE_PATH = {
    "application_name": SETTLE_PATH_NAME,
    "jit": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_material": "off",
    "timezone": "UTC",
}
"""Every statement is a handful of index look-ups for each element of an array. The planner
knows nothing of the arrays' lengths and, on a small database, would rather scan."""
_PLANS = {Shape.ONE_MACHINE: "force_generic_plan", Shape.CLUSTER: "auto"}
"""A plan for any lane is no plan for one shard: a cluster delegates a call only where it knows the
lane when it plans, and makes a generic plan look dear enough not to be taken (ADR 0015)."""


LEADER = "read-write"
"""A session is of use only where one may write: after a failover an address may lead to a standby
for a moment. Asked of every server at login, without a round trip of its own."""
_GAVE_UP_WAITING = "SyncRepWaitForLSN"
"""Where in PostgreSQL a commit says that it waits for no standby any more (in any language)."""


async def connect_settle_path(dsn: str, *, seconds: float, shape: Shape) -> Connection[Record]:
    """A connection for one journal's batches. A statement may take `seconds`. Where a commit is
    reported done although no standby has it, the connection is closed before anybody reads so."""
    connection = await asyncpg.connect(
        dsn, timeout=seconds, command_timeout=seconds, statement_cache_size=64,
        target_session_attrs=LEADER,
        server_settings={**_SETTLE_PATH, "plan_cache_mode": _PLANS[shape]},
    )  # fmt: skip
    connection.add_log_listener(_hang_up_when_alone)
    return connection


def _hang_up_when_alone(connection: Connection[Record], message: PostgresLogMessage) -> None:
    """Somebody cancelled the wait for the standby: the commit is on one disk, and says success."""
    if getattr(message, "server_source_function", None) == _GAVE_UP_WAITING:
        connection.terminate()


_NOT_WAITING = {"synchronous_commit": "off"}


async def connect_plain(
    dsn: str, *, name: str, seconds: float = 30.0, waits_for_disk: bool = True,
    statement_seconds: float | None = None,
) -> Connection[Record]:  # fmt: skip
    """A connection for everything else: reference data, reports, verification. Without waiting for
    the disk, what it writes lasts once anything lasts that was written after it. A statement may
    take `statement_seconds`, or what the role allows; where that is said, each is planned for what
    it asks, because people ask few and of all kinds."""
    settings = {"application_name": name, "jit": "off", "timezone": "UTC"}
    if statement_seconds is not None:
        settings["statement_timeout"] = f"{int(statement_seconds * 1000)}ms"
        settings["plan_cache_mode"] = "force_custom_plan"
    return await asyncpg.connect(
        dsn, timeout=seconds, command_timeout=None, target_session_attrs=LEADER,
        server_settings=settings if waits_for_disk else settings | _NOT_WAITING,
    )  # fmt: skip


class Reconnecting:
    """One plain connection, opened when needed and opened again when lost; one user at a time."""

    def __init__(
        self, dsn: str, name: str, *, waits_for_disk: bool = True,
        statement_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self._dsn = dsn
        self._name = name
        self._waits_for_disk = waits_for_disk
        self._statement_seconds = statement_seconds
        self._connection: Connection[Record] | None = None
        self._turn = asyncio.Lock()
        self._pool = METRICS.pool(name)
        self._pool.size += 1

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection[Record]]:
        """The connection, when it is one's turn; driver exceptions leave as storage errors."""
        came = monotonic()
        async with self._turn:
            pool = self._pool
            pool.waited_seconds += monotonic() - came
            pool.uses += 1
            pool.busy += 1
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect_plain(
                        self._dsn, name=self._name, seconds=5.0,
                        waits_for_disk=self._waits_for_disk,
                        statement_seconds=self._statement_seconds,
                    )  # fmt: skip
                yield self._connection
            except Exception as exc:
                raise translate(exc) or exc from exc
            finally:
                pool.busy -= 1

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class Several:
    """Some of them, for look-ups that many wait for at the same time: whoever comes gets one that
    is free, the one that was used last first."""

    def __init__(
        self, dsn: str, name: str, *, count: int, waits_for_disk: bool = True,
        statement_seconds: float | None = None,
    ) -> None:  # fmt: skip
        self._all = [
            Reconnecting(
                dsn, name, waits_for_disk=waits_for_disk, statement_seconds=statement_seconds
            )
            for _ in range(count)
        ]
        self._pool = METRICS.pool(name)
        self._free: asyncio.LifoQueue[Reconnecting] = asyncio.LifoQueue()
        for one in self._all:
            self._free.put_nowait(one)

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Connection[Record]]:
        """As `Reconnecting.use`."""
        came = monotonic()
        one = await self._free.get()
        self._pool.waited_seconds += monotonic() - came
        try:
            async with one.use() as connection:
                yield connection
        finally:
            self._free.put_nowait(one)

    def close(self) -> None:
        """Drop the connections."""
        for one in self._all:
            one.close()


@asynccontextmanager
async def verify_pool(dsn: str) -> AsyncIterator[Pool[Record]]:
    """Connections for a verification: a few, without a statement limit."""
    pool = await asyncpg.create_pool(
        dsn, min_size=1, max_size=3, command_timeout=None,
        server_settings={
            "application_name": "settlement-verify", "jit": "off", "timezone": "UTC",
            "statement_timeout": "0",
        },
    )  # fmt: skip
    try:
        yield pool
    finally:
        await pool.close()
