"""Starts, adopts and stops the embedded Redis: a soft cache that may be lost at any moment.

Nothing is stored on disk. No password: the socket lies in a directory that only the servers' user
(and root) can enter, and there is no port. `Services.watch` starts it again when it dies.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path

from settlement.embedded.binaries import Binaries, find_binaries
from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import ServiceError, explain_log, explained
from settlement.embedded.files import LogMark, write_durably
from settlement.embedded.processes import (
    POLL_SECONDS,
    ServerProcess,
    command_line,
    processes_of,
    spawn,
)

logger = logging.getLogger("settlement.embedded")

SOCKET = "redis.sock"
LOGS = "redis*.log"
START_DEADLINE_SECONDS = 10.0
STOP_DEADLINE_SECONDS = 5.0
PING_SECONDS = 1.0
SETTINGS = """\
# Written at every start; changes here are lost.
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{directory}"
logfile "{log}"
daemonize no
supervised no
databases 16
maxclients 1000

# Soft by design: PostgreSQL holds the only copy that counts.
appendonly no
save ""

# When full, the key nearest its end goes first, because little of its worth is left. With the
# usual allkeys-lru it would be the nonces, written once and never read, which guard the replay
# window. So every key of ours has a time to live; a key without one is never dropped.
maxmemory 256mb
maxmemory-policy volatile-ttl
lazyfree-lazy-eviction yes
lazyfree-lazy-expire yes

# One flat string per small hash: a tenth of the memory. (Redis 7 reads this name too.)
hash-max-ziplist-entries 512
hash-max-ziplist-value 128
"""


class RedisServer:
    """A Redis that answers."""

    def __init__(self, directory: DataDirectory, process: ServerProcess) -> None:
        self.directory = directory
        self.process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def url(self) -> str:
        """How redis-py is told where it is."""
        return f"unix://{self.directory.run / SOCKET}?db=0"

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.is_alive()

    async def stop(self, *, deadline_seconds: float = STOP_DEADLINE_SECONDS) -> None:
        """Stop it; one that hangs is killed, for there is nothing to lose."""
        self.process.send(signal.SIGTERM)
        if not await self.process.wait_end(deadline_seconds):
            self.process.send(signal.SIGKILL)
            await self.process.wait_end(deadline_seconds)
        logger.info("Redis stopped", extra={"event": "redis.stop.completed"})


async def start_redis(
    directory: DataDirectory,
    environment: Mapping[str, str],
    *,
    deadline_seconds: float = START_DEADLINE_SECONDS,
) -> RedisServer:
    """Start the Redis of a locked directory, or adopt it where it still runs and answers."""
    if not directory.locked:
        raise ServiceError(f"{directory.root} must be locked before its servers are started.")
    running = find_redis(directory)
    if running is not None and await _answers(directory):
        logger.info("Redis adopted", extra={"event": "redis.adopt.completed", "pid": running.pid})
        return RedisServer(directory, running)
    if running is not None:
        # It hangs, and holds nothing worth a polite word.
        running.send(signal.SIGKILL)
        await running.wait_end(STOP_DEADLINE_SECONDS)
    binaries = await asyncio.to_thread(find_binaries, directory.user, environment)
    with explained("starting Redis"):
        process = await _launch(directory, binaries, deadline_seconds)
    logger.info("Redis answers", extra={"event": "redis.start.completed", "pid": process.pid})
    return RedisServer(directory, process)


def find_redis(directory: DataDirectory) -> ServerProcess | None:
    """The running Redis of this directory, whoever started it, recognised by its title."""
    title = f" unixsocket:{directory.run / SOCKET}"
    settings = str(_settings_path(directory))
    for pid in processes_of(directory.user):
        arguments = command_line(pid)
        if not arguments or "redis-server" not in arguments[0]:
            continue
        if arguments[0].endswith(title) or arguments[1:2] == [settings]:
            return ServerProcess(pid)
    return None


def _settings_path(directory: DataDirectory) -> Path:
    return directory.redis / "redis.conf"


def _write_settings(directory: DataDirectory) -> None:
    run = directory.prepare_run()
    (run / SOCKET).unlink(missing_ok=True)
    text = SETTINGS.format(
        socket=run / SOCKET, directory=directory.redis, log=directory.logs / "redis.log"
    )
    write_durably(_settings_path(directory), text, owner=directory.user)


async def _launch(
    directory: DataDirectory, binaries: Binaries, deadline_seconds: float
) -> ServerProcess:
    _write_settings(directory)
    mark = LogMark(directory.logs, LOGS)
    command = [str(binaries.redis_server), str(_settings_path(directory))]
    process = spawn(command, user=directory.user, said=directory.logs / "redis-start.log")
    try:
        async with asyncio.timeout(deadline_seconds):
            while not await _answers(directory):
                if not process.is_alive():
                    raise ServiceError(_why_not_started(directory, mark))
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as exc:
        process.send(signal.SIGKILL)
        raise ServiceError(
            f"Redis did not answer within {deadline_seconds:.0f} s. Its logs: {directory.logs}"
        ) from exc
    except asyncio.CancelledError:
        process.send(signal.SIGTERM)
        raise
    return process


async def _answers(directory: DataDirectory) -> bool:
    """One PING over the socket."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            reader, writer = await asyncio.open_unix_connection(directory.run / SOCKET)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _why_not_started(directory: DataDirectory, mark: LogMark) -> str:
    reason = explain_log(mark.text()) or "it ended at once"
    return (
        f"Redis did not start: {reason}. It said: {mark.last_line()!r}. Its logs: {directory.logs}"
    )
