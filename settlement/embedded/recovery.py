"""A PostgreSQL that recovers from a base backup and archived WAL, to a moment or to their end.

It runs apart: with settings of its own and a private socket that nobody else can reach, so that
what the backup says of addresses, passwords and archives does not count; and it archives nothing.
The data it leaves behind is that of an ordinary stopped server. Nothing here knows what is stored.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from msgspec import Struct

from settlement.embedded.archiving import (
    ARCHIVE_SCRIPT,
    FETCH_SCRIPT,
    install_script,
    restore_command,
)
from settlement.embedded.base_backup import (
    DATA_FILE,
    MANIFEST_FILE,
    WAL_FILE,
    first_damaged,
)
from settlement.embedded.errors import ServiceError, explain_log, explained, failure
from settlement.embedded.files import write_durably
from settlement.embedded.identity import ServiceUser
from settlement.embedded.postgres_settings import (
    ARCHIVE_FILE,
    PostgresSettings,
    render_recovery,
)
from settlement.embedded.processes import POLL_SECONDS, ServerProcess, spawn

PORT = 5432
STATUS_LINE = 7
STOP_SECONDS = 120.0
HOST_RULES = "local all all trust\n"
"""Only who may enter the private directory of the socket comes this far."""
NOT_REACHED = "recovery ended before configured recovery target was reached"
TOO_EARLY = "requested recovery stop point is before consistent recovery point"


class Recovered(Struct, frozen=True, kw_only=True):
    """A recovered server that accepts connections, from whoever may enter its directory."""

    run: Path
    pid: int

    def dsn(self, user: str, database: str) -> str:
        """A connection URL; no password is asked."""
        return (
            f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}"
            f"?host={quote(str(self.run), safe='')}&port={PORT}"
        )


class Source(Struct, frozen=True, kw_only=True):
    """What a server is recovered from, and by whom."""

    base: Path
    wal: Path
    programs: Path
    user: ServiceUser
    settings: PostgresSettings


def unpack(source: Source, data: Path) -> None:
    """The files of a base backup, checked one by one against its manifest, owned by the servers'
    user."""
    with explained(f"unpacking {source.base}"):
        data.mkdir(mode=0o700)
        _unpack(source.base / DATA_FILE, data)
        _unpack(source.base / WAL_FILE, data / "pg_wal")
        damaged = first_damaged(source.base / MANIFEST_FILE, data)
        if damaged is not None:
            raise ServiceError(
                f"the base backup {source.base} is damaged ({damaged}). Take an older one."
            )
        for path in (data, *data.rglob("*")):
            source.user.own(path)
    for name in (ARCHIVE_FILE, ARCHIVE_SCRIPT):
        (data / name).unlink(missing_ok=True)


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _require_harmless(member, archive)
                tar.extract(member, folder, set_attrs=False)
    except (tarfile.TarError, EOFError) as exc:
        raise ServiceError(f"{archive} is damaged: {exc}. Take an older base backup.") from exc
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _require_harmless(member: tarfile.TarInfo, archive: Path) -> None:
    """A file of a database is a file or a folder, below the database."""
    parts = PurePosixPath(member.name)
    if not (member.isfile() or member.isdir()) or parts.is_absolute() or ".." in parts.parts:
        raise ServiceError(f"{archive} holds {member.name!r}, which is no file of a database.")


@asynccontextmanager
async def recovered(
    source: Source, data: Path, *, to: datetime | None
) -> AsyncIterator[Recovered]:
    """Recover, promote, and stop at the end. Raises ServiceError; what it says of missing WAL and
    of a moment that is not reached is for people."""
    run = Path(tempfile.mkdtemp(prefix="settlement-restore-"))
    source.user.own(run)
    log = run / "log"
    process = None
    try:
        process = _launch(source, data, run, log, to)
        await _wait_promoted(process, data, log)
        yield Recovered(run=run, pid=process.pid)
    finally:
        if process is not None:
            await _stop(process)
        for name in (FETCH_SCRIPT, "recovery.signal"):
            (data / name).unlink(missing_ok=True)
        shutil.rmtree(run)


def _launch(
    source: Source, data: Path, run: Path, log: Path, to: datetime | None
) -> ServerProcess:
    script = install_script(FETCH_SCRIPT, data, source.user)
    rules, settings = run / "hba.conf", run / "postgresql.conf"
    text = render_recovery(
        source.settings, data=str(data), host_rules=str(rules), socket_directory=str(run),
        restore_command=restore_command(script, source.wal),
        to=None if to is None else to.isoformat(sep=" "),
    )  # fmt: skip
    write_durably(rules, HOST_RULES, owner=source.user)
    write_durably(settings, text, owner=source.user)
    write_durably(data / "recovery.signal", "", owner=source.user)
    command = [str(source.programs / "postgres"), "-D", str(data), f"--config-file={settings}"]
    return spawn(command, user=source.user, said=log)


async def _wait_promoted(process: ServerProcess, data: Path, log: Path) -> None:
    """However long it takes: there may be days of WAL."""
    while _status(process, data) != "ready":
        if not process.is_alive():
            raise _failure(log)
        await asyncio.sleep(POLL_SECONDS)


def _status(process: ServerProcess, data: Path) -> str:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return ""
    if len(lines) <= STATUS_LINE or lines[0] != str(process.pid):
        return ""
    return lines[STATUS_LINE].strip()


def _failure(log: Path) -> ServiceError:
    """Why a recovery ended, in words that help."""
    text = log.read_text(errors="replace")
    said = [line.strip() for line in text.splitlines() if "FATAL" in line or "PANIC" in line]
    if NOT_REACHED in text:
        reached = [line for line in text.splitlines() if "last completed transaction was" in line]
        until = reached[-1].rpartition("log time ")[2] if reached else "unknown"
        return ServiceError(
            f"the archive ends before that moment: its last commit is of {until}. WAL of later is "
            "missing, or nothing was settled since; leave --to-time out to restore all there is."
        )
    if TOO_EARLY in text:
        return ServiceError("that moment is before the base backup was whole.")
    reason = explain_log(text) or "it ended"
    return failure(f"PostgreSQL did not recover: {reason}. It said: {said[-1:]}", log=text)


async def _stop(process: ServerProcess) -> None:
    process.send(signal.SIGINT)
    if not await process.wait_end(STOP_SECONDS):
        raise ServiceError(f"the recovered PostgreSQL (process {process.pid}) does not stop.")
