"""PostgreSQL is killed while claims are in flight: every answer stands, everything else resolves.

An answered claim is booked once. A claim that was not answered is sent again with the same msgid
and then is booked once too; no claim is ever lost or doubled.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from settlement.embedded.postgres import start_postgres
from settlement.embedded.postgres_settings import SHARED_BUFFERS_VARIABLE
from settlement.embedded.services import Services, start_services
from settlement.gateway import Unavailable
from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town, a_town, small_limits
from tests.kit.waiting import until
from tests.services import fresh_database, run_apart, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMS = 200
KILLS = 5
STOP_SECONDS = 60.0


@pytest.fixture(scope="module")
def own_services() -> Iterator[Services]:
    """Servers of this module's own: it kills them."""
    with temporary_directory() as base:
        environment = {SHARED_BUFFERS_VARIABLE: "64MB"}
        running = run_apart(lambda: start_services(base / "data", environment))
        try:
            run_apart(lambda: _let_owner_make_databases(running))
            yield running
        finally:
            run_apart(running.stop)


async def _let_owner_make_databases(services: Services) -> None:
    assert services.postgres is not None
    connection = await asyncpg.connect(services.postgres.superuser_dsn)
    await connection.execute("alter role settlement_owner createdb")
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(own_services: Services) -> AsyncIterator[Town]:
    """A town on servers that may be killed."""
    with fresh_database(own_services) as database:
        async with a_town(database, employees=2 * CLAIMS + 50) as town:
            yield town


async def answered(message: Message, worker: Service) -> Reply | Unavailable:
    """The answer, or the honest lack of one."""
    try:
        return await message.to(worker)
    except Unavailable as heard:
        return heard


async def assert_each_is_booked_once_in_the_end(
    town: Town, people: list[Citizen], messages: list[Message], heard: list[Reply | Unavailable]
) -> None:
    """Resend what was not answered; then everybody has exactly one row, the one answered."""
    for citizen, message, first in zip(people, messages, heard, strict=True):
        reply = first if isinstance(first, Reply) else await town.pharmacy.send(message)
        assert_done(reply)
        [row] = await town.rows_of(citizen)
        assert str(row["setl_id"]) == reply.setl_id


async def test_sessions_killed_in_mid_batch_lose_and_double_nothing(
    town: Town, own_services: Services
) -> None:
    assert own_services.postgres is not None
    killer = await asyncpg.connect(own_services.postgres.superuser_dsn)
    # Small batches, so that there is always one to be met.
    workers = [await town.start_service(small_limits(batch_size_max=8)) for _ in range(2)]
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = asyncio.gather(*[answered(m, workers[n % 2]) for n, m in enumerate(messages)])
    killed = 0

    async def kill() -> bool:
        nonlocal killed
        killed += await killer.fetchval(_KILL_BUSY_SESSIONS)
        return claims.done() or killed >= KILLS

    await until(kill)
    heard = await claims
    await killer.close()
    assert killed
    await assert_each_is_booked_once_in_the_end(town, people, messages, heard)


@asynccontextmanager
async def second_server_missing(services: Services) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection while every commit waits for a standby that does not exist."""
    assert services.postgres is not None
    admin = await asyncpg.connect(services.postgres.superuser_dsn)
    probe = await asyncpg.connect(services.postgres.superuser_dsn)
    await admin.execute("alter system set synchronous_standby_names = 'absent'")
    await admin.execute("select pg_reload_conf()")
    commits = [asyncio.create_task(probe.execute(_COMMIT))]

    async def commits_wait() -> bool:
        if commits[-1].done():
            commits.append(asyncio.create_task(probe.execute(_COMMIT)))
        return bool(await admin.fetchval(_WAITS, probe.get_server_pid()))

    try:
        await until(commits_wait)
        yield admin
    finally:
        await admin.execute("alter system reset synchronous_standby_names")
        await admin.execute("select pg_reload_conf()")
        await asyncio.gather(*commits)
        await probe.close()
        await admin.close()


@pytest.mark.parametrize("ended_by", ["pg_terminate_backend", "pg_cancel_backend"])
async def test_what_no_second_server_has_is_not_told_as_done(
    town: Town, own_services: Services, ended_by: str
) -> None:
    [citizen] = town.people(1)
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    async with second_server_missing(own_services) as admin:
        claim = asyncio.create_task(answered(message, town.service))
        first = await until(lambda: admin.fetchval(_WAITING_GATEWAY, 0))
        # Whoever ends the wait makes the row visible, on one disk; a cancel even reports success.
        await admin.execute(f"select {ended_by}({first})")
        await until(lambda: admin.fetchval(_WAITING_GATEWAY, first))
        assert not claim.done()
        [row] = await town.rows_of(citizen)
    heard = await claim
    assert isinstance(heard, Reply)
    assert_done(heard)
    assert heard.setl_id == str(row["setl_id"])
    assert len(await town.rows_of(citizen)) == 1


async def test_resend_is_answered_when_a_second_server_has_the_first(
    town: Town, own_services: Services
) -> None:
    [citizen] = town.people(1)
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    first = await message.to(town.service)
    async with second_server_missing(own_services) as admin:
        again = asyncio.create_task(answered(message, town.service))
        await until(lambda: admin.fetchval(_WAITING_GATEWAY, 0))
        assert not again.done()
    heard = await again
    assert isinstance(heard, Reply)
    assert heard.setl_id == first.setl_id


async def test_killed_server_comes_back_and_every_claim_is_resolved(
    town: Town, own_services: Services
) -> None:
    assert own_services.postgres is not None
    people = town.people(CLAIMS)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people]
    claims = [asyncio.create_task(answered(m, town.service)) for m in messages]
    await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
    own_services.postgres.process.send(signal.SIGKILL)
    assert await own_services.postgres.process.wait_end(STOP_SECONDS)
    own_services.postgres = await start_postgres(own_services.directory(), own_services.environment)
    heard = await asyncio.gather(*claims)
    town.owner = await asyncpg.connect(town.owner_dsn)
    await assert_each_is_booked_once_in_the_end(town, people, messages, heard)
    assert town.service.readiness().ready


_KILL_BUSY_SESSIONS = """
select count(pg_terminate_backend(a.pid))
from pg_stat_activity a
where a.application_name = 'settlement-gateway' and a.state <> 'idle'
"""

_COMMIT = "select pg_logical_emit_message(true, 'test', ''::text)"
_WAITS = "select wait_event = 'SyncRep' from pg_stat_activity where pid = $1"
_WAITING_GATEWAY = """
select a.pid
from pg_stat_activity a
where a.application_name = 'settlement-gateway' and a.wait_event = 'SyncRep' and a.pid <> $1
limit 1
"""
