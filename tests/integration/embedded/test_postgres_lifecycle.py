"""The embedded PostgreSQL is started, killed, adopted and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from settlement.embedded import postgres
from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.postgres import (
    PostgresServer,
    attach_or_start,
    find_orphans,
    find_postmaster,
    start_postgres,
)
from settlement.embedded.postgres_cluster import read_pid_file
from settlement.embedded.postgres_settings import SHARED_BUFFERS_VARIABLE
from settlement.embedded.processes import ServerProcess, spawn, wait_until
from tests.services import embedded_environment

Environment = dict[str, str]

START_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from settlement.embedded.services import start_services

async def main():
    services = await start_services(Path(sys.argv[1]), os.environ)
    print(services.postgres.pid, services.redis.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def _note(server: PostgresServer, text: str) -> None:
    connection = await asyncpg.connect(server.owner_dsn)
    try:
        await connection.execute("create table if not exists note (text text)")
        await connection.execute("insert into note values ($1)", text)
    finally:
        await connection.close()


async def _notes(server: PostgresServer) -> list[str]:
    connection = await asyncpg.connect(server.owner_dsn)
    try:
        return [row["text"] for row in await connection.fetch("select text from note")]
    finally:
        await connection.close()


async def _kill(server: PostgresServer) -> None:
    server.process.send(signal.SIGKILL)
    assert await server.process.wait_end(10)


async def test_stopped_server_starts_again_with_its_data(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await _note(server, "kept")
    await server.stop()
    assert find_postmaster(directory) is None
    server = await start_postgres(directory, environment)
    assert await _notes(server) == ["kept"]
    await server.stop()


async def test_killed_server_recovers_what_was_committed(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await _note(server, "committed")
    await _kill(server)
    assert not server.is_alive()
    server = await start_postgres(directory, environment)
    assert await _notes(server) == ["committed"]


async def test_pid_file_naming_another_live_process_does_not_stop_the_start(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await _note(server, "kept")
    await _kill(server)
    stranger = spawn(["sleep", "60"], user=directory.user, said=directory.logs / "sleep.txt")
    try:
        lines = read_pid_file(directory)
        text = "\n".join([str(stranger.pid), *lines[1:]]) + "\n"
        (directory.postgres / "postmaster.pid").write_text(text)
        server = await start_postgres(directory, environment)
        assert await _notes(server) == ["kept"]
        assert stranger.is_alive()
    finally:
        stranger.send(signal.SIGKILL)
        assert await stranger.wait_end(10)


async def test_orphans_of_a_killed_server_are_ended_before_the_next_start(
    directory: DataDirectory, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "ORPHANS_GRACE_SECONDS", 0.2)
    server = await start_postgres(directory, environment)
    await _note(server, "kept")
    connection = await asyncpg.connect(server.owner_dsn)
    orphan = ServerProcess(await connection.fetchval("select pg_backend_pid()"))
    busy = asyncio.create_task(connection.execute("do $$ begin loop end loop; end $$"))
    watcher = await asyncpg.connect(server.superuser_dsn)
    is_busy = "select state = 'active' from pg_stat_activity where pid = $1"
    while not await watcher.fetchval(is_busy, orphan.pid):
        pass
    watcher.terminate()
    await _kill(server)
    assert await wait_until(lambda: orphan.pid in find_orphans(directory), 60)
    server = await start_postgres(directory, environment)
    assert not orphan.is_alive()
    assert await _notes(server) == ["kept"]
    with pytest.raises(asyncpg.PostgresConnectionError):
        await busy


async def test_running_server_is_adopted(
    directory: DataDirectory, environment: Environment
) -> None:
    first = await start_postgres(directory, environment)
    await _note(first, "kept")
    second = await start_postgres(directory, environment)
    assert (second.pid, second.process.adopted) == (first.pid, True)
    assert await _notes(second) == ["kept"]
    await second.stop()
    assert not first.is_alive()


async def test_servers_outlive_a_killed_starter_and_are_adopted(
    path: Path, environment: Environment
) -> None:
    environment = {**embedded_environment(), **environment}
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START_AND_DIE, str(path), env=environment, stdout=subprocess.PIPE
    )
    said, _ = await starter.communicate()
    pids = [int(pid) for pid in said.split()]
    assert starter.returncode == -signal.SIGKILL
    directory = open_directory(path, environment)
    directory.lock()
    server = await start_postgres(directory, environment)
    assert server.pid == pids[0]
    directory.unlock()


async def test_server_has_a_session_of_its_own(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    assert os.getsid(server.pid) == server.pid
    assert os.getsid(0) != server.pid


async def test_deadline_leaves_the_server_to_the_next_start(
    directory: DataDirectory, environment: Environment
) -> None:
    with pytest.raises(ServiceError, match="Start again to wait longer"):
        await start_postgres(directory, environment, deadline_seconds=0)
    server = await start_postgres(directory, environment)
    assert server.process.adopted


async def test_cancelled_start_takes_the_server_down(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await server.stop()
    start = asyncio.create_task(start_postgres(directory, environment))
    # Every turn of the loop is looked at, so that the start is caught half way.
    while find_postmaster(directory) is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    gone = await wait_until(lambda: find_postmaster(directory) is None, 60)
    assert gone, "\n".join(path.read_text() for path in sorted(directory.logs.iterdir()))


async def test_immediate_stop_loses_nothing(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await _note(server, "kept")
    await server.stop("immediate")
    server = await start_postgres(directory, environment)
    assert await _notes(server) == ["kept"]


async def test_half_made_data_is_made_again(
    empty_directory: DataDirectory, environment: Environment
) -> None:
    leftover = empty_directory.home / "postgres.partial-1"
    leftover.mkdir()
    (leftover / "PG_VERSION").write_text("18\n")
    server = await start_postgres(empty_directory, environment)
    await _note(server, "works")
    assert not leftover.exists()


async def test_memory_that_is_refused_is_asked_for_smaller(
    directory: DataDirectory, environment: Environment
) -> None:
    ram_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    environment[SHARED_BUFFERS_VARIABLE] = f"{8 * ram_bytes // 2**20}MB"
    server = await start_postgres(directory, environment)
    connection = await asyncpg.connect(server.app_dsn)
    assert await connection.fetchval("show shared_buffers") == "64MB"
    await connection.close()


async def test_setting_that_is_not_understood_is_explained(
    directory: DataDirectory, environment: Environment
) -> None:
    environment["SETTLEMENT_POSTGRES_IO_METHOD"] = "telepathy"
    with pytest.raises(ServiceError, match=r"Check the SETTLEMENT_POSTGRES_"):
        await start_postgres(directory, environment)


async def test_tool_attaches_to_a_running_server_and_leaves_it(
    directory: DataDirectory, path: Path, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await _note(server, "seen")
    tool = await attach_or_start(open_directory(path, environment), environment)
    assert await _notes(tool) == ["seen"]
    await tool.stop()
    assert server.is_alive()


async def test_tool_starts_a_stopped_server_and_stops_it(
    directory: DataDirectory, environment: Environment
) -> None:
    server = await start_postgres(directory, environment)
    await _note(server, "seen")
    await server.stop()
    directory.unlock()
    tool = await attach_or_start(directory, environment)
    assert await _notes(tool) == ["seen"]
    await tool.stop()
    assert find_postmaster(directory) is None


async def test_tool_refuses_where_there_is_no_database(
    empty_directory: DataDirectory, environment: Environment
) -> None:
    with pytest.raises(ServiceError, match="no database"):
        await attach_or_start(empty_directory, environment)
