"""PostgreSQL is killed while claims are in flight: every answer stands, everything else resolves.

An answered claim is booked once. A claim that was not answered is sent again with the same msgid
and then is booked once too; no claim is ever lost or doubled.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

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
