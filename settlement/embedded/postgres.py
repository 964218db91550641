"""Starts, adopts and stops the embedded PostgreSQL.

The server outlives us when we are killed, and is adopted by the next start; what a killed server
leaves behind (pid file, sockets, orphaned children, an unfinished recovery) is dealt with here.
Nothing in this module knows what is stored.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from msgspec import structs

from settlement.embedded import roles
from settlement.embedded.archiving import write_archive_settings
from settlement.embedded.binaries import Binaries, find_binaries
from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import ServiceError, explain_log, explained, failure
from settlement.embedded.files import LogMark
from settlement.embedded.machine import read_machine
from settlement.embedded.postgres_cluster import (
    SUPERUSER,
    SUPERUSER_SECRET,
    cluster_name,
    disarm_pid_file,
    make_cluster,
    read_pid_file,
    require_startable,
    write_settings,
)
from settlement.embedded.postgres_settings import (
    SHARED_BUFFERS_WHEN_REFUSED,
    PostgresSettings,
    choose_settings,
)
from settlement.embedded.processes import (
    POLL_SECONDS,
    ServerProcess,
    command_line,
    processes_of,
    spawn,
    wait_until,
)

logger = logging.getLogger("settlement.embedded")

PORT = 5432
START_DEADLINE_SECONDS = 900.0
"""Includes crash recovery, which is bounded by max_wal_size; a slow disk may take minutes."""
PROGRESS_SECONDS = 5.0
ORPHANS_GRACE_SECONDS = 5.0
ORPHANS_DEADLINE_SECONDS = 20.0
STOP_DEADLINE_SECONDS = 30.0
STATUS_LINE = 7
LOGS = "postgresql-*.log"

StopMode = Literal["fast", "immediate"]


class PostgresServer:
    """A server that accepts connections. `attached` means: somebody else's, never stopped by us."""

    def __init__(
        self, directory: DataDirectory, process: ServerProcess, *, attached: bool = False
    ) -> None:
        self.directory = directory
        self.process = process
        self.attached = attached

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.process.pid

    @property
    def owner_dsn(self) -> str:
        """The schema's owner: makes and migrates it, is no superuser."""
        return dsn(self.directory, roles.OWNER, roles.OWNER_SECRET, roles.DATABASE)

    @property
    def app_dsn(self) -> str:
        """The application: owns nothing."""
        return dsn(self.directory, roles.APP, roles.APP_SECRET, roles.DATABASE)

    @property
    def app_role(self) -> str:
        """The application's role, which the schema gives its rights."""
        return roles.APP

    @property
    def superuser_dsn(self) -> str:
        """For this package, backups and tests; no gateway ever has it."""
        return dsn(self.directory, SUPERUSER, SUPERUSER_SECRET, "postgres")

    def is_alive(self) -> bool:
        """Whether the postmaster runs."""
        return self.process.is_alive()

    async def stop(
        self, mode: StopMode = "fast", *, deadline_seconds: float = STOP_DEADLINE_SECONDS
    ) -> None:
        """Stop it: `fast` ends the sessions and checkpoints, `immediate` leaves recovery to do.

        A fast stop that passes the deadline becomes an immediate one; nothing committed is lost
        either way. An attached server is left running.
        """
        if self.attached:
            return
        logger.info("stopping PostgreSQL", extra={"event": "postgres.stop.started"})
        if mode == "fast":
            self.process.send(signal.SIGINT)
            if await self.process.wait_end(deadline_seconds):
                logger.info("PostgreSQL stopped", extra={"event": "postgres.stop.completed"})
                return
            logger.warning("fast stop too slow", extra={"event": "postgres.stop.immediate"})
        self.process.send(signal.SIGQUIT)
        if not await self.process.wait_end(deadline_seconds):
            raise ServiceError(
                f"PostgreSQL (process {self.pid}) does not stop; a disk may hang. Its log is in "
                f"{self.directory.logs}."
            )
        logger.info("PostgreSQL stopped", extra={"event": "postgres.stop.completed"})


async def start_postgres(
    directory: DataDirectory,
    environment: Mapping[str, str],
    *,
    deadline_seconds: float = START_DEADLINE_SECONDS,
) -> PostgresServer:
    """Start the server of a locked directory, or adopt it where it still runs.

    Raises ServiceError where it cannot run. A recovery that passes the deadline goes on without us
    and is adopted by the next start.
    """
    if not directory.locked:
        raise ServiceError(f"{directory.root} must be locked before its servers are started.")
    binaries = await asyncio.to_thread(find_binaries, directory.user, environment)
    started_at = time.monotonic()
    process = await _adopt(directory, deadline_seconds)
    if process is None:
        await _clear_orphans(directory)
        settings = choose_settings(read_machine(), environment)
        with explained("starting PostgreSQL"):
            process = await _start(directory, binaries, settings, deadline_seconds)
    try:
        await roles.ensure(
            directory,
            host=str(directory.run),
            port=PORT,
            superuser=SUPERUSER,
            password=directory.make_secret(SUPERUSER_SECRET),
        )
    except BaseException:
        if not process.adopted:
            process.send(signal.SIGINT)
        raise
    logger.info(
        "PostgreSQL accepts connections",
        extra={
            "event": "postgres.start.completed",
            "pid": process.pid,
            "adopted": process.adopted,
            "duration_seconds": round(time.monotonic() - started_at, 3),
        },
    )
    return PostgresServer(directory, process)


async def attach_or_start(
    directory: DataDirectory,
    environment: Mapping[str, str],
    *,
    deadline_seconds: float = START_DEADLINE_SECONDS,
) -> PostgresServer:
    """For a tool beside the service: use the running server, or start a stopped one.

    `stop` of the result stops only what was started here. The directory is locked in that case, so
    that no service starts meanwhile; the caller unlocks it.
    """
    if not directory.postgres.exists():
        raise ServiceError(f"there is no database in {directory.root}. Check --data-dir.")
    if directory.try_lock():
        found = find_postmaster(directory) is not None
        server = await start_postgres(directory, environment, deadline_seconds=deadline_seconds)
        server.attached = found
        return server
    if not await wait_until(lambda: _is_ready(directory), deadline_seconds):
        raise ServiceError(
            f"the server of {directory.root} is not ready. Its logs: {directory.logs}"
        )
    process = find_postmaster(directory)
    if process is None:
        raise ServiceError(f"the server of {directory.root} has just stopped. Try again.")
    return PostgresServer(directory, process, attached=True)


def dsn(directory: DataDirectory, user: str, secret: str, database: str) -> str:
    """A connection URL over the private socket."""
    password = directory.secret(secret)
    if password is None:
        raise ServiceError(f"{directory.secrets / secret} is missing; start the service once.")
    host = quote(str(directory.run), safe="")
    return f"postgresql://{user}:{quote(password, safe='')}@/{database}?host={host}&port={PORT}"


def find_postmaster(directory: DataDirectory) -> ServerProcess | None:
    """The running server of this directory, whoever started it."""
    lines = read_pid_file(directory)
    named = [int(lines[0])] if lines and lines[0].isdigit() else []
    mine = processes_of(directory.user)
    for pid in [*(pid for pid in named if pid in mine), *mine]:
        if _is_postmaster(pid, directory.postgres):
            return ServerProcess(pid)
    return None


def find_orphans(directory: DataDirectory) -> list[int]:
    """Processes of this directory's server whose postmaster was killed."""
    title = f"postgres: {cluster_name(directory)}: "
    return [
        pid
        for pid in processes_of(directory.user)
        if "".join(command_line(pid)[:1]).startswith(title)
    ]


def _is_postmaster(pid: int, data: Path) -> bool:
    arguments = command_line(pid)
    return (
        len(arguments) >= 3
        and Path(arguments[0]).name == "postgres"
        and arguments[1:3] == ["-D", str(data)]
    )


def _is_ready(directory: DataDirectory) -> bool:
    process = find_postmaster(directory)
    return process is not None and _status(directory, process) == "ready"


def _status(directory: DataDirectory, process: ServerProcess) -> str:
    """What this server says of itself; a killed predecessor's last words do not count."""
    lines = read_pid_file(directory)
    if len(lines) <= STATUS_LINE or lines[0] != str(process.pid):
        return ""
    return lines[STATUS_LINE].strip()


async def _adopt(directory: DataDirectory, deadline_seconds: float) -> ServerProcess | None:
    """The server that an earlier owner left running, None when there is none (any more)."""
    process = find_postmaster(directory)
    if process is None:
        return None
    mark = LogMark(directory.logs, LOGS)
    if _status(directory, process) != "stopping":
        try:
            await _wait_ready(directory, process, mark, deadline_seconds)
        except ServiceError:
            if process.is_alive() and _status(directory, process) != "stopping":
                raise
        else:
            logger.info(
                "PostgreSQL is running already and is adopted",
                extra={"event": "postgres.adopt.completed", "pid": process.pid},
            )
            return process
    if not await process.wait_end(deadline_seconds):
        raise ServiceError(f"PostgreSQL (process {process.pid}) is stopping, but does not end.")
    return None


async def _clear_orphans(directory: DataDirectory) -> None:
    """Wait for the children of a killed postmaster; they still write to the same memory."""
    if await wait_until(lambda: not find_orphans(directory), ORPHANS_GRACE_SECONDS):
        return
    orphans = find_orphans(directory)
    logger.warning(
        "ending processes of a killed PostgreSQL: %s",
        orphans,
        extra={"event": "postgres.orphans.ended"},
    )
    for pid in orphans:
        ServerProcess(pid).send(signal.SIGQUIT)
    if not await wait_until(lambda: not find_orphans(directory), ORPHANS_DEADLINE_SECONDS):
        raise ServiceError(
            f"processes of a killed PostgreSQL do not end: {find_orphans(directory)}. End them "
            "(kill -9) and start again."
        )


async def _start(
    directory: DataDirectory,
    binaries: Binaries,
    settings: PostgresSettings,
    deadline_seconds: float,
) -> ServerProcess:
    await asyncio.to_thread(_prepare, directory, binaries)
    mark = LogMark(directory.logs, LOGS)
    try:
        return await _launch(directory, binaries, settings, mark, deadline_seconds)
    except ServiceError:
        refused = "shared memory" in mark.text()
        if not refused or settings.shared_buffers == SHARED_BUFFERS_WHEN_REFUSED:
            raise
    logger.warning(
        "the machine refuses %s of shared memory; trying %s",
        settings.shared_buffers,
        SHARED_BUFFERS_WHEN_REFUSED,
        extra={"event": "postgres.memory.reduced"},
    )
    smaller = structs.replace(settings, shared_buffers=SHARED_BUFFERS_WHEN_REFUSED)
    fresh_mark = LogMark(directory.logs, LOGS)
    return await _launch(directory, binaries, smaller, fresh_mark, deadline_seconds)


def _prepare(directory: DataDirectory, binaries: Binaries) -> None:
    require_startable(directory)
    directory.prepare_run()
    if not directory.postgres.exists():
        logger.info("making PostgreSQL's data", extra={"event": "postgres.init.started"})
        make_cluster(directory, binaries)
        logger.info("PostgreSQL's data made", extra={"event": "postgres.init.completed"})


async def _launch(
    directory: DataDirectory,
    binaries: Binaries,
    settings: PostgresSettings,
    mark: LogMark,
    deadline_seconds: float,
) -> ServerProcess:
    """Start the postmaster and wait until it is ready; cancelled meanwhile, take it down again."""
    disarm_pid_file(directory)
    write_settings(directory, settings)
    write_archive_settings(directory)
    command = [binaries.postgres_program("postgres"), "-D", str(directory.postgres)]
    process = spawn(command, user=directory.user, said=directory.logs / "postgresql-start.log")
    try:
        await _wait_ready(directory, process, mark, deadline_seconds)
    except asyncio.CancelledError:
        process.send(signal.SIGINT)
        # Where we were started with SIGINT ignored (a shell's background job), so is it there until
        # the postmaster has handlers. One that is already stopping takes no notice of the second.
        process.send(signal.SIGTERM)
        raise
    return process


async def _wait_ready(
    directory: DataDirectory, process: ServerProcess, mark: LogMark, deadline_seconds: float
) -> None:
    """Wait through a recovery and tell its progress; the server's pid file holds its state."""
    deadline = time.monotonic() + deadline_seconds
    progress_at = time.monotonic() + PROGRESS_SECONDS
    while _status(directory, process) != "ready":
        if not process.is_alive():
            raise failure(_why_not_started(directory, mark), log=mark.text())
        now = time.monotonic()
        if now >= deadline:
            raise ServiceError(
                f"PostgreSQL was not ready after {deadline_seconds:.0f} s, and goes on without us "
                f"({mark.last_line()}). Start again to wait longer."
            )
        if now >= progress_at:
            progress_at = now + PROGRESS_SECONDS
            logger.info(
                "PostgreSQL is recovering: %s",
                mark.last_line(),
                extra={"event": "postgres.recovery.progressed"},
            )
        await asyncio.sleep(POLL_SECONDS)


def _why_not_started(directory: DataDirectory, mark: LogMark) -> str:
    text = mark.text()
    reason = explain_log(text) or "it ended at once"
    last = mark.last_line(("FATAL", "PANIC", "ERROR")) or mark.last_line()
    return f"PostgreSQL did not start: {reason}. It said: {last!r}. Its logs: {directory.logs}"
