"""Where a drill of faults does its harm: the processes of one server and the sockets between them.

It finds them by what they are, not by what they are called in a log, and ends or stops only those
of its own server.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import StrEnum
from pathlib import Path

import asyncpg

from loadtest import attach
from loadtest.drills.simulators import mend, set_faults
from loadtest.drills.socket_tap import SocketTap, tapped
from loadtest.server import Server, ServerError
from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.postgres import PORT, dsn, find_postmaster
from settlement.embedded.postgres_cluster import SUPERUSER, SUPERUSER_SECRET
from settlement.embedded.processes import command_line
from settlement.embedded.redis import SOCKET, find_redis
from settlement.storage.connect import SETTLE_PATH_NAME

LOOK_SECONDS = 0.1
CONNECT_SECONDS_MAX = 10.0
RESTART_SECONDS_MAX = 60.0
LISTENS = "0A"
"""The state of a socket in /proc/net/tcp."""
POSTGRES_SOCKET = f".s.PGSQL.{PORT}"


class Part(StrEnum):
    """A process, or a kind of processes."""

    GATEWAY = "gateway"
    BACKGROUND = "background"
    IMPORTER = "importer"
    CONSOLE = "console"
    SIMULATORS = "simulators"
    SUPERVISOR = "supervisor"
    POSTGRES = "PostgreSQL"
    BACKEND = "backend"
    """one process of PostgreSQL that works for a gateway"""
    REDIS = "Redis"


MODULES = {
    Part.GATEWAY: "settlement.serve.worker",
    Part.BACKGROUND: "settlement.serve.background",
    Part.IMPORTER: "settlement.serve.importer",
    Part.CONSOLE: "settlement.serve.console",
    Part.SIMULATORS: "settlement.demo.channels",
}


class Scene:
    """One running server."""

    def __init__(self, server: Server, *, workers: int, seed: int) -> None:
        self.server = server
        self._workers = workers
        self._seed = seed
        self._directory: DataDirectory | None = None
        self.hurt_at = 0.0
        """when the last harm was done, by `time.monotonic`"""

    @property
    def directory(self) -> DataDirectory:
        """The data directory of the server."""
        if self._directory is None:
            self._directory = open_directory(self.server.data_dir, os.environ, create=False)
        return self._directory

    async def pids(self, part: Part) -> list[int]:
        """Its processes, as they are now; empty where it is gone. One of them for a gateway and a
        backend, all of PostgreSQL for PostgreSQL."""
        match part:
            case Part.SUPERVISOR:
                return [self.server.pid]
            case Part.POSTGRES:
                postmaster = find_postmaster(self.directory)
                if postmaster is None:
                    return []
                return [postmaster.pid, *_children(postmaster.pid)]
            case Part.REDIS:
                redis = find_redis(self.directory)
                return [] if redis is None else [redis.pid]
            case Part.BACKEND:
                return await self._backends()
            case _:
                return self._of_module(MODULES[part])[:1]

    def is_whole(self) -> bool:
        """Whether every process is there again, and every gateway listens."""
        return (
            all(self._of_module(module) for module in MODULES.values())
            and _listening(self.server.address[1]) >= self._workers
            and find_postmaster(self.directory) is not None
            and find_redis(self.directory) is not None
        )

    async def send(self, part: Part, number: signal.Signals) -> list[int]:
        """A signal to a part; to whom it went. Raises LookupError where there is nobody."""
        pids = await self.pids(part)
        if not pids:
            raise LookupError(f"there is no {part} to be found")
        if part is Part.POSTGRES and number in (signal.SIGKILL, signal.SIGQUIT):
            pids = pids[:1]  # the postmaster; what it had started must end by itself
        for pid in pids:
            os.kill(pid, number)
        self.hurt_at = time.monotonic()
        return pids

    @contextmanager
    def let_go_afterwards(self, pids: Sequence[int]) -> Iterator[None]:
        """Processes that are stopped go on when this is left, those that are still there."""
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    async def kill_supervisor(self) -> None:
        """kill -9; whoever started the server starts it again, until it stays."""
        self.server.kill()
        self.hurt_at = time.monotonic()
        until = time.monotonic() + RESTART_SECONDS_MAX
        while True:
            try:
                await asyncio.to_thread(self.server.__enter__)
                return
            except ServerError:
                # Its children have not all gone yet: the port is taken, or the directory.
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(LOOK_SECONDS)

    @asynccontextmanager
    async def line_to_postgres(self) -> AsyncIterator[SocketTap]:
        """Whoever speaks to PostgreSQL speaks over the tap: sessions that were there are ended."""
        async with tapped(self.directory.run / POSTGRES_SOCKET) as tap:
            await self._end_sessions()
            self.hurt_at = time.monotonic()
            yield tap

    @asynccontextmanager
    async def line_to_redis(self) -> AsyncIterator[SocketTap]:
        """The same with Redis."""
        async with tapped(self.directory.run / SOCKET) as tap:
            _, writer = await asyncio.open_unix_connection(tap.aside)
            writer.write(b"CLIENT KILL TYPE normal SKIPME yes\r\n")
            await writer.drain()
            writer.close()
            self.hurt_at = time.monotonic()
            yield tap

    @asynccontextmanager
    async def failing_channels(self, names: Sequence[str]) -> AsyncIterator[None]:
        """Every call of these channels meets a fault."""
        urls = {name: self.server.simulators[name] for name in names}
        await asyncio.to_thread(set_faults, urls, seed=self._seed, share_ppm=1_000_000)
        self.hurt_at = time.monotonic()
        try:
            yield
        finally:
            await asyncio.to_thread(mend, urls)

    async def _backends(self) -> list[int]:
        async with self._superuser() as connection:
            pids = await connection.fetch(
                attach.statement("sessions_of"), SETTLE_PATH_NAME
            )
        return [row["pid"] for row in pids][:1]

    async def _end_sessions(self) -> None:
        async with self._superuser() as connection:
            await connection.execute(attach.statement("end_sessions"))

    @asynccontextmanager
    async def _superuser(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await asyncpg.connect(
            dsn(self.directory, SUPERUSER, SUPERUSER_SECRET, "postgres"),
            timeout=CONNECT_SECONDS_MAX,
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=CONNECT_SECONDS_MAX)

    def _of_module(self, module: str) -> list[int]:
        return [pid for pid in _children(self.server.pid) if module in command_line(pid)]


def _listening(port: int) -> int:
    """Sockets that listen on a port of this machine: one a gateway, for they share it."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = (line.split() for line in lines)
    return sum(one[3] == LISTENS and int(one[1].rpartition(":")[2], 16) == port for one in fields)


def _children(pid: int) -> list[int]:
    """Of a process, all its threads' children; none where it is gone."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        return []
    return sorted(found)
