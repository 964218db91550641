"""The WAL of a server goes into an archive, file by file, for as long as a place is named.

The place is kept in the data directory (`backup.json`), not in a variable: whoever starts the
server, a service or a tool, archives into it, so that no file is ever missing in between. Changing
it takes a reload and no restart, because the archiver always runs and does nothing where no place
is named.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from pathlib import Path

import asyncpg
import msgspec
from msgspec import Struct

from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import ServiceError
from settlement.embedded.files import write_durably
from settlement.embedded.identity import ServiceUser
from settlement.embedded.postgres_settings import ARCHIVE_FILE, render_archive
from settlement.embedded.processes import wait_until
from settlement.embedded.sqlfile import blocks

PLACE_FILE = "backup.json"
ARCHIVE_SCRIPT = "archive_wal.sh"
FETCH_SCRIPT = "fetch_wal.sh"
RELOAD_SECONDS = 15.0
ARCHIVED_SECONDS = 120.0
CONNECT_SECONDS = 10.0


class Place(Struct, frozen=True, kw_only=True):
    """Where a data directory's backups go."""

    format: int = 1
    store: str


class Archived(Struct, frozen=True, kw_only=True):
    """What a server says of its archiver."""

    mode: str
    command: str
    failed_count: int
    last_archived_wal: str | None
    last_failed_wal: str | None


def read_place(root: Path) -> Place | None:
    """Where the backups of a data directory go; None where nobody has said."""
    try:
        return msgspec.json.decode((root / PLACE_FILE).read_bytes(), type=Place)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as exc:
        raise ServiceError(f"{root / PLACE_FILE} cannot be used: {exc}.") from exc


def keep_place(directory: DataDirectory, place: Place | None, *, settings: bool = True) -> None:
    """From the next start or reload on, WAL goes there; None ends it. The settings of a site's own
    server are not ours."""
    path = directory.root / PLACE_FILE
    if place is None:
        path.unlink(missing_ok=True)
    else:
        write_durably(path, msgspec.json.encode(place).decode() + "\n")
    if settings:
        write_archive_settings(directory)


def write_archive_settings(directory: DataDirectory) -> None:
    """Bring the server's own settings in line with the place."""
    place = read_place(directory.root)
    command = None
    if place is not None:
        script = install_script(ARCHIVE_SCRIPT, directory.postgres, directory.user)
        command = archive_command(script, Path(place.store) / "wal")
    write_durably(
        directory.postgres / ARCHIVE_FILE, render_archive(command), owner=directory.user
    )


def install_script(name: str, folder: Path, user: ServiceUser) -> Path:
    """A copy of one of our scripts that the servers' user can read, wherever we are installed."""
    path = folder / name
    write_durably(path, (Path(__file__).parent / name).read_text(), owner=user)
    return path


def archive_command(script: Path, wal: Path) -> str:
    """What PostgreSQL runs for each file of WAL."""
    words = shlex.join(["sh", str(script)]) + " %p %f " + shlex.quote(str(wal))
    return f"nice -n 10 {words}"


def restore_command(script: Path, wal: Path) -> str:
    """What PostgreSQL runs to get one back."""
    return shlex.join(["sh", str(script)]) + " %f %p " + shlex.quote(str(wal))


async def reload(postmaster_pid: int, dsn: str) -> None:
    """Let a running server read its settings again, and wait until it uses them."""
    before = await _loaded_at(dsn)
    os.kill(postmaster_pid, signal.SIGHUP)
    deadline = asyncio.get_running_loop().time() + RELOAD_SECONDS
    while await _loaded_at(dsn) == before:
        if asyncio.get_running_loop().time() > deadline:
            raise ServiceError("the server does not read its settings again; restart it.")


async def archived(dsn: str) -> Archived:
    """What the server's archiver does."""
    row = await _ask(dsn, "archiver")
    return Archived(**dict(row))


async def system_identifier(dsn: str) -> str:
    """Which server's data it is."""
    row = await _ask(dsn, "system_identifier")
    return str(row[0])


async def finish_segment(dsn: str, wal: Path) -> str:
    """End the segment that is being written and wait until it is in the archive; its name.

    Whoever logs in must be a superuser, or be allowed to execute pg_switch_wal.
    """
    row = await _ask(dsn, "switch_wal")
    name = str(row["name"])
    if not await wait_until(lambda: (wal / f"{name}.gz").exists(), ARCHIVED_SECONDS):
        seen = await archived(dsn)
        raise ServiceError(
            f"the WAL {name} was not archived within {ARCHIVED_SECONDS:.0f} s (failures: "
            f"{seen.failed_count}, the last of {seen.last_failed_wal}). Look at the server's log "
            f"and at {wal}."
        )
    return name


async def _loaded_at(dsn: str) -> object:
    return (await _ask(dsn, "settings_loaded_at"))[0]


async def _ask(dsn: str, name: str) -> asyncpg.Record:
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
        try:
            row = await connection.fetchrow(blocks("archiving")[name])
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as exc:
        raise ServiceError(f"the server refused to be asked for its backup: {exc}.") from exc
    if row is None:
        raise ServiceError(f"the server says nothing of its {name}.")
    return row
