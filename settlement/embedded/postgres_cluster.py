"""The files of the embedded PostgreSQL: making them once, checking that they are ours to start.

Synchronous file work and one run of initdb; processes and connections are the business of
`postgres`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from settlement.embedded.binaries import POSTGRES_MAJOR, Binaries
from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import ServiceError, explain_log, failure
from settlement.embedded.files import sync_directory, write_durably
from settlement.embedded.identity import owner_of
from settlement.embedded.postgres_settings import PostgresSettings, render
from settlement.embedded.processes import PID_IMPOSSIBLE

SUPERUSER = "postgres_admin"
SUPERUSER_SECRET = "postgres-admin-password"  # noqa: S105 - the name of a file
SETTINGS_FILE = "settlement.conf"
PARTIAL_PREFIX = "postgres.partial-"
HOST_RULES = """\
# Written at every start; changes here are lost. Nobody is ever trusted without a password.
# type  database     user            method
local   all          all             scram-sha-256
local   replication  postgres_admin  scram-sha-256
"""


def cluster_name(directory: DataDirectory) -> str:
    """Names the server in the title of each of its processes. A copied directory has another."""
    key = hashlib.sha256(os.fsencode(directory.postgres)).hexdigest()[:12]
    return f"settlement-{key}"


def require_startable(directory: DataDirectory) -> None:
    """Guards before anything is written: version, owner, password, free disk."""
    data = directory.postgres
    if data.exists():
        _require_version(data)
        _require_owner(directory)
        if directory.secret(SUPERUSER_SECRET) is None:
            raise ServiceError(
                f"{directory.secrets / SUPERUSER_SECRET} is missing, without which nobody can log "
                "in. Restore secrets/ from the backup that goes with this data."
            )
    directory.require_free_space()


def _require_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except OSError as exc:
        raise ServiceError(
            f"{data} is not a complete PostgreSQL data directory ({exc.strerror}: PG_VERSION). "
            "Nothing was changed; restore a backup."
        ) from exc
    if found != POSTGRES_MAJOR:
        raise ServiceError(
            f"{data} was made by PostgreSQL {found}, and this program brings {POSTGRES_MAJOR}. "
            "Nothing was changed. Use the release of this program that made it, or dump there and "
            "restore into a new --data-dir."
        )


def _require_owner(directory: DataDirectory) -> None:
    if directory.postgres.stat().st_uid != directory.user.uid:
        owner = owner_of(directory.postgres)
        raise ServiceError(
            f"{directory.postgres} belongs to {owner!r}, but the servers run as "
            f"{directory.user.name!r}. As root, set SETTLEMENT_SERVICE_USER={owner}; else start "
            "this program as that user."
        )


def make_cluster(directory: DataDirectory, binaries: Binaries) -> None:
    """Run initdb beside the final place and rename, so that a half-made one never counts."""
    for leftover in directory.home.glob(f"{PARTIAL_PREFIX}*"):
        # An initdb whose starter was killed may still write here; what resists goes next time.
        shutil.rmtree(leftover, ignore_errors=True)
    partial = directory.home / f"{PARTIAL_PREFIX}{os.getpid()}"
    partial.mkdir(mode=0o700)
    directory.user.own(partial)
    _initdb(directory, binaries, partial)
    main_file = partial / "postgresql.conf"
    included = f"{main_file.read_text()}\ninclude = '{SETTINGS_FILE}'\n"
    write_durably(main_file, included, owner=directory.user)
    partial.rename(directory.postgres)
    sync_directory(directory.home)


def _initdb(directory: DataDirectory, binaries: Binaries, partial: Path) -> None:
    password_file = directory.home / "initdb-password"
    password = directory.make_secret(SUPERUSER_SECRET)
    write_durably(password_file, password + "\n", owner=directory.user)
    command = [
        binaries.postgres_program("initdb"),
        f"--pgdata={partial}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        # Byte order: the same on every machine, whatever its C library, and the fastest.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
    try:
        answer = directory.user.run(command)
    finally:
        password_file.unlink()
    if answer.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        reason = explain_log(answer.stderr) or "initdb failed"
        message = f"PostgreSQL's data cannot be made: {reason}.\n{answer.stderr.strip()}"
        raise failure(message, log=answer.stderr)


def write_settings(directory: DataDirectory, settings: PostgresSettings) -> None:
    """Bring settings and host rules up to date; called only while the server is down."""
    text = render(
        settings,
        cluster_name=cluster_name(directory),
        socket_directory=str(directory.run),
        log_directory=str(directory.logs),
    )
    write_durably(directory.postgres / SETTINGS_FILE, text, owner=directory.user)
    write_durably(directory.postgres / "pg_hba.conf", HOST_RULES, owner=directory.user)


def read_pid_file(directory: DataDirectory) -> list[str]:
    """The lines of postmaster.pid: pid, data, start, port, sockets, address, memory, status."""
    try:
        return (directory.postgres / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def disarm_pid_file(directory: DataDirectory) -> None:
    """Make a killed server's pid file harmless, without losing what it guards.

    Its pid may be another process's by now (or an uncollected dead one's), which would keep the
    server from starting. Removing the file would also lose the number of the shared memory, by
    which PostgreSQL itself refuses to start beside survivors; so only the pid is replaced.
    """
    lines = read_pid_file(directory)
    if lines:
        text = "\n".join([str(PID_IMPOSSIBLE), *lines[1:]]) + "\n"
        write_durably(directory.postgres / "postmaster.pid", text, owner=directory.user)
    for socket_file in directory.run.glob(".s.PGSQL.*"):
        socket_file.unlink()
