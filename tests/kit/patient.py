"""A deployment that is well, with servers of its own, and what can be made wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
from msgspec import Struct

from settlement.backup import desk as backup_desk
from settlement.clock import system_clock
from settlement.doctor.desk import examined
from settlement.doctor.findings import Examination, Report
from settlement.doctor.patient import Patient
from settlement.doctor.thresholds import USUAL, Thresholds
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.postgres import PostgresServer
from settlement.embedded.services import Services, start_services
from settlement.keyring import Keyring
from settlement.serve.operations import prepare
from settlement.serve.supervisor import ServeSettings
from settlement.storage.keyfile import load_keyring
from tests.kit.waiting import until
from tests.services import embedded_environment, replace_database

ACCESS_KEY = "test-H44190099001"
RELOADED = "select count(*) from pg_settings where name = $1 and setting = $2"


class Look(Struct, kw_only=True):
    """How a deployment is looked at: what a scene changes of it."""

    environment: dict[str, str]
    data_dir: Path
    thresholds: Thresholds = USUAL
    workers: int = 2
    time_source: str = ""
    ahead: timedelta = timedelta(0)
    """how far our clock is ahead of the machine's"""

    def clock(self) -> datetime:
        """Our clock."""
        return system_clock() + self.ahead

    async def report(self) -> Report:
        """What is found."""
        return await examined(
            Patient(
                data_dir=self.data_dir, environment=self.environment, workers=self.workers,
                time_source=self.time_source, thresholds=self.thresholds, clock=self.clock,
                examination=Examination(),
            )
        )  # fmt: skip


class Deployment:
    """Running servers with our schema, a credential, and backups."""

    def __init__(self, services: Services, base: Path) -> None:
        self.services = services
        self.base = base
        self.data_dir = base / "data"
        self.environment = embedded_environment()
        self.keyring: Keyring = load_keyring(self.data_dir / "secrets" / "keys.json")

    @property
    def server(self) -> PostgresServer:
        """The database server, which is ours."""
        assert self.services.postgres is not None
        return self.services.postgres

    @property
    def superuser_dsn(self) -> str:
        """Of the superuser, in our database."""
        return replace_database(self.server.superuser_dsn, "settlement")

    def look(self) -> Look:
        """As an operator looks."""
        return Look(environment=dict(self.environment), data_dir=self.data_dir)

    def as_site(self, **given: str) -> dict[str, str]:
        """The environment of a site that has this server as its own; `owner` and `app` differ from
        what they are."""
        return {
            **self.environment, OWNER_VARIABLE: given.get("owner", self.services.owner_dsn),
            APP_VARIABLE: given.get("app", self.services.app_dsn),
        }  # fmt: skip

    async def run(self, *statements: str) -> None:
        """As the superuser."""
        await execute(self.superuser_dsn, *statements)

    @asynccontextmanager
    async def undone(self, do: str, undo: str) -> AsyncIterator[None]:
        """A statement, taken back afterwards."""
        await self.run(do)
        try:
            yield
        finally:
            await self.run(undo)

    @asynccontextmanager
    async def setting(self, name: str, value: str) -> AsyncIterator[None]:
        """A setting of the server that a reload changes."""
        before = await self.value("select setting from pg_settings where name = $1", name)
        await self.run(f"alter system set {name} = '{value}'", "select pg_reload_conf()")
        await self._holds(name, value)
        try:
            yield
        finally:
            await self.run(f"alter system reset {name}", "select pg_reload_conf()")
            await self._holds(name, str(before))

    async def _holds(self, name: str, value: str) -> None:
        async def look() -> bool:
            connection = await asyncpg.connect(self.superuser_dsn)
            try:
                return bool(await connection.fetchval(RELOADED, name, value))
            finally:
                await connection.close()

        await until(look)

    async def value(self, query: str, *arguments: str) -> object:
        """What a query says, as the superuser."""
        connection = await asyncpg.connect(self.superuser_dsn)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()


async def execute(dsn: str, *statements: str) -> None:
    """One after the other, on a connection of their own."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def a_deployment(base: Path) -> AsyncIterator[Deployment]:
    """One that is well."""
    environment = embedded_environment()
    services = await start_services(base / "data", environment)
    try:
        settings = ServeSettings(host="127.0.0.1", port=0, workers=1, data_dir=base / "data")
        await prepare(services, settings)
        deployment = Deployment(services, base)
        await _keep_credential(deployment)
        await _back_up(deployment)
        yield deployment
    finally:
        await services.stop()


async def _keep_credential(deployment: Deployment) -> None:
    keyring = deployment.keyring
    sealed = keyring.seal(b"a secret of a test", f"credential/{ACCESS_KEY}".encode())
    connection = await asyncpg.connect(deployment.superuser_dsn)
    try:
        await connection.execute(
            "insert into settlement.credential (access_key, institution, key_version, secret)"
            " values ($1, 'H44190099001', $2, $3)", ACCESS_KEY, keyring.version, sealed,
        )  # fmt: skip
    finally:
        await connection.close()


async def _back_up(deployment: Deployment) -> None:
    store, data = deployment.base / "store", deployment.data_dir
    for said in (
        await asyncio.to_thread(backup_desk.enable, data, store),
        await asyncio.to_thread(backup_desk.base, data),
        await asyncio.to_thread(backup_desk.mark, data),
    ):
        assert said.status == 0, said.text

