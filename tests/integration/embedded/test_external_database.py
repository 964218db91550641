"""A PostgreSQL of the site's own, played by an embedded one that knows nothing of us yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.external import (
    APP_VARIABLE,
    OWNER_VARIABLE,
    ExternalDatabase,
    prepare_external,
    replace_user,
)
from settlement.embedded.postgres import PostgresServer, start_postgres
from settlement.embedded.services import start_services
from settlement.serve.operations import prepare
from settlement.serve.supervisor import ServeSettings
from settlement.storage.install import SCHEMA_VERSION
from tests.services import replace_database

Environment = dict[str, str]


@pytest.fixture
async def site(directory: DataDirectory, environment: Environment) -> AsyncIterator[PostgresServer]:
    """A server with an ordinary owner and without the application's role."""
    server = await start_postgres(directory, environment)
    await _administer(server, "drop owned by settlement_app", database="settlement")
    await _administer(server, "drop role settlement_app")
    yield server
    await server.stop()


async def _administer(
    server: PostgresServer, statement: str, *, database: str = "postgres"
) -> None:
    connection = await asyncpg.connect(replace_database(server.superuser_dsn, database))
    await connection.execute(statement)
    await connection.close()


async def _prepare(
    base: Path, environment: Environment, *, owner: str, app: str | None = None
) -> ExternalDatabase:
    given = {**environment, "SETTLEMENT_DATABASE_URL": owner}
    if app is not None:
        given["SETTLEMENT_APP_DATABASE_URL"] = app
    return await prepare_external(given, lambda: open_directory(base / "client", given))


async def test_owner_who_may_create_roles_gets_an_application(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    await _administer(site, "alter role settlement_owner createrole")
    first = await _prepare(base, environment, owner=site.owner_dsn)
    second = await _prepare(base, environment, owner=site.owner_dsn)
    assert first == second
    connection = await asyncpg.connect(first.app_dsn)
    assert await connection.fetchval("select current_user") == "settlement_app"
    assert await connection.fetchval("show statement_timeout") == "30s"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table theft (fen bigint)")
    await connection.close()


async def test_owner_who_may_not_is_told_the_statements(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    with pytest.raises(ServiceError, match=r"create role settlement_app login"):
        await _prepare(base, environment, owner=site.owner_dsn)


async def test_existing_application_keeps_its_password(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    await _administer(site, "create role settlement_app login password 'theirs'")
    await _administer(site, "grant connect on database settlement to settlement_app")
    with pytest.raises(ServiceError, match="Set SETTLEMENT_APP_DATABASE_URL"):
        await _prepare(base, environment, owner=site.owner_dsn)
    app = replace_user(site.owner_dsn, "settlement_app", "theirs")
    prepared = await _prepare(base, environment, owner=site.owner_dsn, app=app)
    assert prepared.app_dsn == app


async def test_owner_as_application_is_refused(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    with pytest.raises(ServiceError, match="neither superuser nor owner"):
        await _prepare(base, environment, owner=site.owner_dsn, app=site.owner_dsn)


async def test_application_of_another_name_is_given_its_rights(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    await _administer(site, "create role cashier login password 'theirs'")
    await _administer(site, "grant connect on database settlement to cashier")
    app = replace_user(site.owner_dsn, "cashier", "theirs")
    given = {**environment, OWNER_VARIABLE: site.owner_dsn, APP_VARIABLE: app}
    services = await start_services(base / "client", given)
    try:
        told = ServeSettings(host="127.0.0.1", port=0, workers=1, data_dir=base / "client")
        await prepare(services, told)
    finally:
        await services.stop()
    connection = await asyncpg.connect(app)
    version = await connection.fetchval("select schema_version from settlement.installation")
    assert version == SCHEMA_VERSION
    await connection.close()


async def test_application_whose_commits_may_be_lost_is_refused(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    await _administer(site, "create role settlement_app login password 'theirs'")
    await _administer(site, "grant connect on database settlement to settlement_app")
    app = replace_user(site.owner_dsn, "settlement_app", "theirs")
    for lax in ("off", "local", "remote_write"):
        await _administer(site, f"alter database settlement set synchronous_commit = '{lax}'")
        with pytest.raises(ServiceError, match=f"synchronous_commit is {lax} for settlement_app"):
            await _prepare(base, environment, owner=site.owner_dsn, app=app)
    await _administer(site, "alter role settlement_app set synchronous_commit = 'on'")
    await _prepare(base, environment, owner=site.owner_dsn, app=app)


async def test_wrong_addresses_are_explained(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    wrong_password = replace_user(site.owner_dsn, "settlement_owner", "wrong")
    with pytest.raises(ServiceError, match="user or password of SETTLEMENT_DATABASE_URL"):
        await _prepare(base, environment, owner=wrong_password)
    with pytest.raises(ServiceError, match="does not exist"):
        await _prepare(base, environment, owner=replace_database(site.owner_dsn, "nowhere"))
    with pytest.raises(ServiceError, match="cannot be reached"):
        await _prepare(base, environment, owner="postgresql://a:b@127.0.0.1:1/c")
    with pytest.raises(ServiceError, match="cannot be reached"):
        await _prepare(base, environment, owner="not a url")
    await _administer(site, "alter role settlement_owner set default_transaction_read_only = on")
    with pytest.raises(ServiceError, match="SETTLEMENT_DATABASE_URL is a standby"):
        await _prepare(base, environment, owner=site.owner_dsn)


async def test_server_that_may_lose_money_is_refused(
    site: PostgresServer, base: Path, environment: Environment
) -> None:
    await _administer(site, "alter system set full_page_writes = 'off'")
    await _administer(site, "select pg_reload_conf()")
    connection = await asyncpg.connect(site.owner_dsn)
    while await connection.fetchval("show full_page_writes") == "on":
        pass
    await connection.close()
    with pytest.raises(ServiceError, match="power cut"):
        await _prepare(base, environment, owner=site.owner_dsn)
