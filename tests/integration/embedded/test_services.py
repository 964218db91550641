"""Database and Redis together: the door that the service and its tools use."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from settlement.embedded.directory import open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.postgres import find_postmaster
from settlement.embedded.processes import wait_until
from settlement.embedded.redis import find_redis
from settlement.embedded.services import Services, open_database, start_services
from tests.services import FreshDatabase, fresh_database

Environment = dict[str, str]


async def test_services_start_and_stop_and_start(path: Path, environment: Environment) -> None:
    for _ in range(2):
        services = await start_services(path, environment)
        assert await Redis.from_url(services.redis_url).ping()
        await services.stop()
        await services.stop()
        directory = open_directory(path, environment)
        assert (find_postmaster(directory), find_redis(directory)) == (None, None)


async def test_second_service_on_one_directory_is_refused(
    path: Path, environment: Environment
) -> None:
    services = await start_services(path, environment)
    with pytest.raises(ServiceError, match="in use by process"):
        await start_services(path, environment)
    assert services.postgres is not None and services.postgres.is_alive()
    await services.stop()


async def test_dead_servers_are_started_again(path: Path, environment: Environment) -> None:
    services = await start_services(path, environment)
    assert services.postgres is not None and services.redis is not None
    dead = _pids(services)
    watch = asyncio.create_task(services.watch(interval_seconds=0.01))
    for pid in dead:
        os.kill(pid, signal.SIGKILL)
    assert await wait_until(lambda: not set(dead) & set(_pids(services)), 90)
    watch.cancel()
    assert await Redis.from_url(services.redis_url).ping()
    connection = await asyncpg.connect(services.app_dsn)
    await connection.close()
    await services.stop()


async def test_postgres_that_lost_a_process_is_started_anew_and_not_by_itself(
    path: Path, environment: Environment
) -> None:
    """It would begin anew in any state of the disk, and could hang there."""
    services = await start_services(path, environment)
    assert services.postgres is not None
    before = services.postgres
    connection = await asyncpg.connect(services.app_dsn)
    watch = asyncio.create_task(services.watch(interval_seconds=0.01))
    os.kill(await connection.fetchval("select pg_backend_pid()"), signal.SIGKILL)
    assert await wait_until(lambda: services.postgres is not before, 90)
    assert not before.is_alive()
    connection.terminate()
    again = await asyncpg.connect(services.app_dsn)
    assert await again.fetchval("select 1") == 1
    await again.close()
    watch.cancel()
    await services.stop()


def _pids(services: Services) -> list[int]:
    return [server.pid for server in (services.postgres, services.redis) if server is not None]


async def test_redis_is_a_soft_cache_without_a_port(path: Path, environment: Environment) -> None:
    services = await start_services(path, environment)
    redis = Redis.from_url(services.redis_url)
    settings = await redis.config_get("*")
    await redis.aclose()
    await services.stop()
    expected = {
        "port": "0",
        "save": "",
        "appendonly": "no",
        "maxmemory": str(256 * 2**20),
        "maxmemory-policy": "volatile-ttl",
        "hash-max-ziplist-entries": "512",
    }
    assert {name: settings[name] for name in expected} == expected


async def test_running_redis_is_adopted(path: Path, environment: Environment) -> None:
    first = await start_services(path, environment)
    assert first.redis is not None
    first.directory().unlock()
    second = await start_services(path, environment)
    assert second.redis is not None
    assert (second.redis.pid, second.redis.process.adopted) == (first.redis.pid, True)
    await second.stop()
    assert not first.redis.is_alive()


async def test_hanging_redis_is_replaced(path: Path, environment: Environment) -> None:
    first = await start_services(path, environment)
    assert first.redis is not None
    first.directory().unlock()
    first.redis.process.send(signal.SIGSTOP)
    second = await start_services(path, environment)
    assert second.redis is not None and second.redis.pid != first.redis.pid
    assert await Redis.from_url(second.redis_url).ping()
    await second.stop()


async def test_tool_reads_beside_a_running_service_and_without_it(
    path: Path, environment: Environment
) -> None:
    services = await start_services(path, environment)
    async with open_database(path, environment) as database:
        assert database.app_dsn == services.app_dsn
    assert services.postgres is not None and services.postgres.is_alive()
    await services.stop()
    async with open_database(path, environment) as database:
        connection = await asyncpg.connect(database.app_dsn)
        await connection.close()
    assert find_postmaster(open_directory(path, environment)) is None


async def test_external_servers_need_no_data_directory(
    services: Services, database: FreshDatabase, path: Path
) -> None:
    environment = {
        "SETTLEMENT_DATABASE_URL": database.owner_dsn,
        "SETTLEMENT_APP_DATABASE_URL": database.app_dsn,
        "SETTLEMENT_REDIS_URL": services.redis_url,
    }
    external = await start_services(path, environment)
    assert external.owner_dsn == database.owner_dsn
    assert external.app_dsn == database.app_dsn
    assert external.redis_url == services.redis_url
    await external.stop()
    assert path.name not in os.listdir(path.parent)
    assert await Redis.from_url(services.redis_url).ping()


async def test_fresh_databases_are_apart_and_vanish(
    services: Services, database: FreshDatabase
) -> None:
    with fresh_database(services) as other:
        assert other.name != database.name
        held = await asyncpg.connect(other.app_dsn)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(other.app_dsn)
    held.terminate()


def test_pgbench_of_the_wheel_works(services: Services, database: FreshDatabase) -> None:
    if services.postgres is None:
        pytest.skip("the site's own server is measured with its own pgbench")
    pgbench = services.binaries().postgres_program("pgbench")
    subprocess.run([pgbench, "-i", "-q", database.owner_dsn], check=True, capture_output=True)
    run = [pgbench, "-c", "2", "-t", "50", database.owner_dsn]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    assert "number of failed transactions: 0" in done.stdout
