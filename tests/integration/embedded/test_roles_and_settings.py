"""Who may do what in the embedded database, and the settings a ledger depends on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import pytest

from settlement.embedded.errors import ServiceError, explain_log
from settlement.embedded.external import ServerFacts, replace_user, unfit
from settlement.embedded.machine import tells_sync_errors
from settlement.embedded.postgres_settings import (
    GIB,
    MIB,
    Machine,
    PostgresSettings,
    choose_settings,
    render,
)
from settlement.embedded.services import Services
from tests.services import FreshDatabase

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

LEDGER_SETTINGS = {
    "synchronous_commit": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "data_checksums": "on",
    "max_wal_size": "1900MB",
    "checkpoint_timeout": "15min",
    "wal_init_zero": "off",
    "restart_after_crash": "off",
    "jit": "off",
    "listen_addresses": "",
    "server_encoding": "UTF8",
    "TimeZone": "Asia/Shanghai",
    "log_parameter_max_length": "0",
    "password_encryption": "scram-sha-256",
}
APP_SETTINGS = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "10s",
    "plan_cache_mode": "force_generic_plan",
    "synchronous_commit": "on",
}
FORBIDDEN_TO_APP = (
    "create table theft (fen bigint)",
    "create schema theft",
    "create temporary table theft (fen bigint)",
    "create role thief",
    "create database theft",
    "alter system set fsync = 'off'",
    "alter table booked add column fen bigint",
    "drop table booked",
    "insert into booked values (1)",
    "set role {owner}",
    "copy (values (1)) to program 'true'",
)


@pytest.fixture
async def app(services: Services) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(services.app_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def booked(database: FreshDatabase) -> AsyncIterator[None]:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("create table booked (id bigint)")
    yield
    await owner.execute("drop table booked")
    await owner.close()


async def test_settings_are_those_of_a_ledger(services: Services, app: Connection) -> None:
    if services.postgres is None:
        pytest.skip("a site's own server has its own settings")
    shown = {name: await app.fetchval(f"show {name}") for name in LEDGER_SETTINGS}
    assert shown == LEDGER_SETTINGS


async def test_application_is_limited_by_its_role(app: Connection) -> None:
    shown = {name: await app.fetchval(f"show {name}") for name in APP_SETTINGS}
    assert shown == APP_SETTINGS


@pytest.mark.parametrize("statement", FORBIDDEN_TO_APP)
async def test_application_may_not(database: FreshDatabase, booked: None, statement: str) -> None:
    app = await asyncpg.connect(database.app_dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement.format(owner=urlsplit(database.owner_dsn).username))
    await app.close()


async def test_owner_is_no_superuser_but_makes_the_schema(services: Services) -> None:
    owner = await asyncpg.connect(services.owner_dsn)
    await owner.execute("create schema tried")
    await owner.execute("drop schema tried")
    for statement in ("create role thief", "alter system set fsync = 'off'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(statement)
    await owner.close()


async def test_nobody_is_trusted_without_the_password(services: Services) -> None:
    if services.postgres is None:
        pytest.skip("a site's own server has its own rules")
    for role in ("settlement_app", "settlement_owner", "postgres_admin"):
        for password in ("", "guess"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(replace_user(services.app_dsn, role, password))


#   memory      cpus  /dev/shm     shared_buffers  dynamic  parallel
MACHINES = [
    (GIB,        1,   64 * MIB,    "128MB",        "mmap",  1),
    (2 * GIB,    2,   GIB,         "512MB",        "posix", 1),
    (6 * GIB,    4,   0,           "768MB",        "mmap",  2),
    (64 * GIB,   32,  32 * GIB,    "1024MB",       "posix", 4),
]  # fmt: skip


@pytest.mark.parametrize(("ram", "cpus", "disk", "buffers", "dynamic", "parallel"), MACHINES)
def test_settings_follow_the_machine(
    ram: int, cpus: int, disk: int, buffers: str, dynamic: str, parallel: int
) -> None:
    machine = Machine(ram_bytes=ram, cpu_count=cpus, shared_memory_disk_bytes=disk)
    settings = choose_settings(machine, {})
    chosen = (
        settings.shared_buffers,
        settings.dynamic_shared_memory_type,
        settings.parallel_workers,
    )
    assert chosen == (buffers, dynamic, parallel)


@pytest.mark.parametrize(
    ("system", "release", "method"),
    [
        ("Linux", "6.1.0-9-amd64", "syncfs"),
        ("Linux", "5.8", "syncfs"),
        ("Linux", "5.4.0-150-generic", "fsync"),
        ("Linux", "unknown", "fsync"),
        ("Darwin", "23.1.0", "fsync"),
    ],
)
def test_file_system_is_synced_as_a_whole_only_where_errors_are_told(
    system: str, release: str, method: str
) -> None:
    machine = Machine(
        ram_bytes=GIB, cpu_count=2, shared_memory_disk_bytes=GIB,
        tells_sync_errors=tells_sync_errors(system, release),
    )  # fmt: skip
    settings = choose_settings(machine, {})
    text = render(settings, cluster_name="x", socket_directory="/x", log_directory="/x")
    assert f"recovery_init_sync_method = '{method}'" in text


@pytest.mark.parametrize("text", ["many", "9", "-1", "6.5"])
def test_number_of_connections_is_checked(text: str) -> None:
    machine = Machine(ram_bytes=GIB, cpu_count=2, shared_memory_disk_bytes=GIB)
    with pytest.raises(ServiceError, match="whole number"):
        choose_settings(machine, {"SETTLEMENT_POSTGRES_MAX_CONNECTIONS": text})


def test_values_are_quoted_and_cannot_span_lines() -> None:
    settings = PostgresSettings(
        shared_buffers="64MB'\nfsync = 'off",
        effective_cache_size="1GB",
        dynamic_shared_memory_type="posix",
        parallel_workers=1,
    )
    with pytest.raises(ServiceError, match="span lines"):
        render(settings, cluster_name="x", socket_directory="/x", log_directory="/x")


LOGS = [
    ('PANIC:  could not write to file "pg_wal/x": No space left on device', "disk is full"),
    ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "memory limit"),
    ("FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use", "killed server"),
    ("FATAL:  database files are incompatible with server", "another version"),
    ("PANIC:  could not locate a valid checkpoint record", "restore a backup"),
    ('FATAL:  could not open file "global/1": Permission denied', "owner of the data directory"),
]


@pytest.mark.parametrize(("log", "sentence"), LOGS)
def test_log_is_explained(log: str, sentence: str) -> None:
    assert sentence in (explain_log(log) or "")


def test_ordinary_log_has_no_explanation() -> None:
    assert explain_log("LOG:  database system is ready to accept connections") is None


#   version  encoding     fsync  full pages  reason
FACTS = [
    (180004, "UTF8",      "on",  "on",       None),
    (150000, "UTF8",      "on",  "on",       None),
    (140022, "UTF8",      "on",  "on",       "PostgreSQL 14 is too old"),
    (180004, "SQL_ASCII", "on",  "on",       "encoded in SQL_ASCII"),
    (180004, "UTF8",      "off", "on",       "power cut"),
    (180004, "UTF8",      "on",  "off",      "power cut"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "encoding", "fsync", "pages", "reason"), FACTS)
def test_unfit_servers_are_told_apart(
    version: int, encoding: str, fsync: str, pages: str, reason: str | None
) -> None:
    facts = ServerFacts(
        server_version_num=version,
        server_encoding=encoding,
        fsync=fsync,
        full_page_writes=pages,
        is_superuser=False,
        can_create_roles=False,
        app_exists=False,
    )
    found = unfit(facts)
    assert found is None if reason is None else reason in (found or "")
