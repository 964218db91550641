"""Runs tests on the PostgreSQL and Redis that the distribution installed: `make test-external`.

A site brings servers of its own. These are as different from the embedded ones as a site's may be:
the lowest version that we support (or what is installed), TCP with passwords, Chinese collation, an
owner with no more rights than the tests need, and the distribution's settings. They live in a
temporary directory for as long as the tests take, reachable from this machine only.

What the tests are is not known here: paths are handed to pytest.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from settlement.embedded.directory import open_directory
from settlement.embedded.external import (
    APP_VARIABLE,
    OWNER_VARIABLE,
    prepare_external,
    replace_user,
)
from settlement.embedded.files import write_durably
from settlement.embedded.identity import ServiceUser, choose_user
from settlement.embedded.processes import ServerProcess, spawn
from settlement.embedded.services import REDIS_VARIABLE
from tests.kit.waiting import until
from tests.services import replace_database, temporary_directory

FULL = ("contract", "integration", "concurrency", "adversity", "acceptance")
BRIEF = (
    "contract",
    "concurrency/test_racing_duplicates.py",
    "concurrency/test_payments.py",
    "concurrency/test_races.py",
    "integration/web/test_nonces.py",
    "adversity/test_broken_line.py",
    "acceptance/test_over_http.py",
    "acceptance/test_visit.py",
)
"""What depends on the server: its SQL, its locks, its way to break, the whole way once."""

HERE = Path(__file__).resolve().parent
POSTGRES_ROOT = Path("/usr/lib/postgresql")
MAJOR_MIN = 15
LOOPBACK = "127.0.0.1"
STOP_SECONDS = 90.0
NOT_INSTALLED = 2
COMMANDS_OF_A_LOOK = 10
"""Looking at Redis, and logging in for it, takes fewer."""


class Programs(Struct, frozen=True, kw_only=True):
    """What the distribution installed."""

    postgres_bin: Path
    redis_server: Path


class Site(Struct, frozen=True, kw_only=True):
    """Running servers, and the variables by which a program is told of them."""

    postgres_dsn: str
    redis_url: str
    variables: Mapping[str, str]


Answers = Callable[[], Awaitable[bool]]


class StartError(Exception):
    """A server does not start here; the text holds what it said."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run pytest against such servers; pytest's exit status, or 2 where nothing is installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.debian", description=__doc__)
    parser.add_argument("--brief", action="store_true", help="a minute's worth, for make test")
    parser.add_argument(
        "--if-installed", action="store_true", help="succeed where nothing is installed"
    )
    parser.add_argument("pytest", nargs="*", help="more for pytest, after --")
    chosen = parser.parse_args(arguments)
    programs = find_programs(POSTGRES_ROOT)
    if programs is None:
        print(
            f"tests on the distribution's servers: skipped, PostgreSQL ({MAJOR_MIN} or later, "
            f"below {POSTGRES_ROOT}) or redis-server is not installed"
        )
        return 0 if chosen.if_installed else NOT_INSTALLED
    paths = [str(HERE / path) for path in (BRIEF if chosen.brief else FULL)]
    with temporary_directory() as base:
        try:
            return asyncio.run(run_tests(programs, base, [*paths, *chosen.pytest]))
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM


def find_programs(root: Path) -> Programs | None:
    """The newest PostgreSQL that we support and Redis, None where one of them is missing."""
    redis = shutil.which("redis-server")
    versions = [
        int(folder.name)
        for folder in (root.iterdir() if root.is_dir() else ())
        if folder.name.isdecimal() and (folder / "bin" / "initdb").exists()
    ]
    newest = max(versions, default=0)
    if redis is None or newest < MAJOR_MIN:
        return None
    return Programs(postgres_bin=root / str(newest) / "bin", redis_server=Path(redis))


async def run_tests(programs: Programs, base: Path, arguments: Sequence[str]) -> int:
    """Start, test, stop; pytest's exit status, or 1 where no test came to one of the servers."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with running_site(programs, base) as site:
        before = await used(site)
        print(f"tests on {programs.postgres_bin} and {programs.redis_server}", flush=True)
        status = await _pytest(arguments, {**os.environ, **site.variables})
        transactions, commands = (
            now - then for now, then in zip(await used(site), before, strict=True)
        )
    print(f"these servers wrote {transactions} transactions and answered {commands} commands")
    if status == 0 and (transactions == 0 or commands <= COMMANDS_OF_A_LOOK):
        print("no test came to one of them", file=sys.stderr)
        return 1
    return status


async def _pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run it in a process group of its own, so that an interrupt reaches it once, through us."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", *arguments,
        cwd=HERE.parent, env=environment, process_group=0,
    )  # fmt: skip
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()


@asynccontextmanager
async def running_site(programs: Programs, base: Path) -> AsyncIterator[Site]:
    """Both servers, ready to be used; they are stopped whatever happens."""
    user = choose_user(os.environ)
    password = secrets.token_urlsafe(12)
    async with (
        _postgres(programs, base, user, password) as superuser_dsn,
        _redis(programs, base, user, password) as redis_url,
    ):
        variables = await _prepare(superuser_dsn, base / "client", password)
        yield Site(
            postgres_dsn=superuser_dsn,
            redis_url=redis_url,
            variables={**variables, REDIS_VARIABLE: redis_url},
        )


async def used(site: Site) -> tuple[int, int]:
    """How many transactions were begun to write, and how many commands came to Redis."""
    connection = await asyncpg.connect(site.postgres_dsn)
    redis = Redis.from_url(site.redis_url)
    try:
        transactions = await connection.fetchval(
            "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )
        commands = (await redis.info("stats"))["total_commands_processed"]
    finally:
        await redis.aclose()
        await connection.close()
    return transactions, commands


@asynccontextmanager
async def _postgres(
    programs: Programs, base: Path, user: ServiceUser, password: str
) -> AsyncIterator[str]:
    data, password_file, port = base / "postgres", base / "password", _free_port()
    data.mkdir(mode=0o700)
    user.own(data)
    write_durably(password_file, password + "\n", owner=user)
    made = user.run([
        str(programs.postgres_bin / "initdb"), f"--pgdata={data}", "--username=postgres",
        f"--pwfile={password_file}", "--auth=scram-sha-256", "--encoding=UTF8",
        "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh-Hans-CN",
    ])  # fmt: skip
    if made.returncode != 0:
        raise StartError(f"initdb: {made.stderr}")
    command = [
        str(programs.postgres_bin / "postgres"), "-D", str(data), "-p", str(port),
        "-c", f"listen_addresses={LOOPBACK}", "-c", f"unix_socket_directories={data}",
    ]  # fmt: skip
    dsn = f"postgresql://postgres:{password}@{LOOPBACK}:{port}/postgres"

    async def answers() -> bool:
        try:
            await (await asyncpg.connect(dsn)).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    async with _started(command, user, base / "postgres.log", answers, signal.SIGINT):
        yield dsn


@asynccontextmanager
async def _redis(
    programs: Programs, base: Path, user: ServiceUser, password: str
) -> AsyncIterator[str]:
    port, settings = _free_port(), base / "redis.conf"
    text = f'bind {LOOPBACK}\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\n'
    write_durably(settings, text, owner=user)
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"

    async def answers() -> bool:
        redis = Redis.from_url(url)
        try:
            return bool(await redis.ping())
        except RedisError:
            return False
        finally:
            await redis.aclose()

    command = [str(programs.redis_server), str(settings)]
    async with _started(command, user, base / "redis.log", answers, signal.SIGTERM):
        yield url


@asynccontextmanager
async def _started(
    command: list[str], user: ServiceUser, log: Path, answers: Answers, stop: signal.Signals
) -> AsyncIterator[ServerProcess]:
    """A server from where it answers until it has ended."""
    process = spawn(command, user=user, said=log)

    async def ended_or_answers() -> bool:
        return not process.is_alive() or await answers()

    try:
        await until(ended_or_answers)
        if not process.is_alive():
            said = await asyncio.to_thread(log.read_text)
            raise StartError(f"{command[0]} ended at once: {said}")
        yield process
    finally:
        process.send(stop)
        if not await process.wait_end(STOP_SECONDS):
            process.send(signal.SIGKILL)
            await process.wait_end(STOP_SECONDS)


async def _prepare(superuser_dsn: str, client: Path, password: str) -> dict[str, str]:
    """An owner and a database as a site makes them; the application's role is made by our code,
    and the right to make roles is taken back then."""
    await _execute(
        superuser_dsn,
        f"create role ledger_owner login createdb createrole password '{password}'",
        "grant pg_signal_backend to ledger_owner",
        "create database ledger owner ledger_owner",
        "revoke all on database ledger from public",
    )
    owner_dsn = replace_database(replace_user(superuser_dsn, "ledger_owner", password), "ledger")
    environment = {**os.environ, OWNER_VARIABLE: owner_dsn}
    environment.pop(APP_VARIABLE, None)
    prepared = await prepare_external(environment, lambda: open_directory(client, environment))
    await _execute(superuser_dsn, "alter role ledger_owner nocreaterole")
    return {OWNER_VARIABLE: prepared.owner_dsn, APP_VARIABLE: prepared.app_dsn}


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
