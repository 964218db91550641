"""Real servers for tests: one PostgreSQL and one Redis a test process, a fresh database a module.

A plugin of tests/conftest.py, so that every tier asks for the same servers. With
SETTLEMENT_DATABASE_URL or SETTLEMENT_REDIS_URL set, those servers are used instead
(`tests/debian.py` starts some and does that). The owner of that database must be allowed to create
databases, and be a member of pg_signal_backend for the sake of tests that leave a connection open;
the application's role is `settlement_app`, at SETTLEMENT_APP_DATABASE_URL unless the owner may
create it. No schema is applied here.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from msgspec import Struct

from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.identity import USER_VARIABLE
from settlement.embedded.postgres_settings import (
    MAX_CONNECTIONS_VARIABLE,
    SHARED_BUFFERS_VARIABLE,
)
from settlement.embedded.services import REDIS_VARIABLE, Services, start_services

SHARED_BUFFERS = "128MB"
"""Tests store little, and several runs may share a small machine."""
MAX_CONNECTIONS = "100"
"""A town in the cluster's shape has a queue, and so a connection, for each of its lanes."""
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 8 << 30
"""Several workers of a run have servers there."""

Result = TypeVar("Result")


class FreshDatabase(Struct, frozen=True, kw_only=True):
    """An empty database, owned by the schema's owner; the application may connect."""

    name: str
    owner_dsn: str
    app_dsn: str


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """The servers of this process of the test run: they share nothing with those of another."""
    with running_services() as running:
        yield running


@contextmanager
def running_services() -> Iterator[Services]:
    """Servers in a directory of their own, for as long as they are needed."""
    with temporary_directory() as base:
        environment = {
            SHARED_BUFFERS_VARIABLE: SHARED_BUFFERS,
            MAX_CONNECTIONS_VARIABLE: MAX_CONNECTIONS,
            **os.environ,
        }
        running = run_apart(lambda: start_services(base / "data", environment))
        try:
            run_apart(lambda: _allow_databases(running))
            yield running
        finally:
            run_apart(running.stop)


@pytest.fixture(scope="module")
def database(services: Services) -> Iterator[FreshDatabase]:
    """An empty database for the tests of one module, dropped afterwards."""
    with fresh_database(services) as fresh:
        yield fresh


@contextmanager
def fresh_database(services: Services) -> Iterator[FreshDatabase]:
    """An empty database, dropped afterwards even where a test left a connection open."""
    name = f"test_{secrets.token_hex(6)}"
    run_apart(lambda: _create(services.owner_dsn, name))
    try:
        yield FreshDatabase(
            name=name,
            owner_dsn=replace_database(services.owner_dsn, name),
            app_dsn=replace_database(services.app_dsn, name),
        )
    finally:
        run_apart(lambda: _execute(_administrator(services), f"drop database {name} with (force)"))


def _room() -> Path:
    """Memory where there is plenty: what a killed process wrote is there as it is on a disk, and
    nobody waits for one. No test cuts the power."""
    try:
        plenty = MEMORY.is_mount() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    except OSError:
        plenty = False
    return MEMORY if plenty and os.access(MEMORY, os.W_OK | os.X_OK) else Path("/tmp")


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A short path that an unprivileged server may enter; pytest's own are private to root."""
    base = Path(tempfile.mkdtemp(prefix="settlement-test-", dir=_room()))
    base.chmod(0o711)
    try:
        yield base
    finally:
        shutil.rmtree(base)


def embedded_environment() -> dict[str, str]:
    """The environment of a process that must have embedded servers, whatever the run uses."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SETTLEMENT_") or name == USER_VARIABLE
    }
    return {**kept, SHARED_BUFFERS_VARIABLE: SHARED_BUFFERS}


def chosen_environment(services: Services, database: FreshDatabase) -> dict[str, str]:
    """The environment of a process that must have what the run uses: embedded servers of its own,
    or a fresh database on the site's."""
    environment = embedded_environment()
    if services.postgres is None:
        environment[OWNER_VARIABLE] = database.owner_dsn
        environment[APP_VARIABLE] = database.app_dsn
    if services.redis is None:
        environment[REDIS_VARIABLE] = services.redis_url
    return environment


def replace_database(dsn: str, name: str) -> str:
    """The same server and user, another database."""
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, parts.fragment))


def run_apart(action: Callable[[], Coroutine[object, object, Result]]) -> Result:
    """Run a coroutine in a thread of its own, away from the event loops of the tests."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(action())).result()


def _administrator(services: Services) -> str:
    """Who may end the sessions of others: the embedded superuser, or the site's owner."""
    return services.owner_dsn if services.postgres is None else services.postgres.superuser_dsn


async def _allow_databases(services: Services) -> None:
    """The embedded owner may not create databases, except for tests."""
    if services.postgres is not None:
        await _execute(services.postgres.superuser_dsn, "alter role settlement_owner createdb")


async def _create(owner_dsn: str, name: str) -> None:
    await _execute(
        owner_dsn,
        f"create database {name} template template0",
        f"revoke all on database {name} from public",
        f"grant connect on database {name} to settlement_app",
    )
    await _execute(replace_database(owner_dsn, name), "revoke create on schema public from public")


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
