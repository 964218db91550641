"""The door of this package: `start_services` gives a database and a Redis, whoever runs them.

Without configuration both are embedded under the data directory; `SETTLEMENT_DATABASE_URL` and
`SETTLEMENT_REDIS_URL` put servers of the site's own in their place, one by one. The caller knows
URLs only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from settlement.embedded.binaries import Binaries, find_binaries
from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.errors import DiskFullError, ServiceError
from settlement.embedded.external import (
    OWNER_VARIABLE,
    ExternalDatabase,
    prepare_external,
)
from settlement.embedded.postgres import (
    START_DEADLINE_SECONDS,
    PostgresServer,
    attach_or_start,
    start_postgres,
)
from settlement.embedded.redis import RedisServer, start_redis

logger = logging.getLogger("settlement.embedded")

REDIS_VARIABLE = "SETTLEMENT_REDIS_URL"
WATCH_SECONDS = 0.2
"""Between two looks, which cost a system call each; on average half of it is added to an outage."""

FAILED_PAUSE_SECONDS = 1.0
"""Before a Redis that could not be started is tried again."""


class Services:
    """Running servers. `stop` stops those that are ours; a site's own are left alone."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.postgres: PostgresServer | None = None
        self.redis: RedisServer | None = None
        self._path = path
        self._directory: DataDirectory | None = None
        self._external: ExternalDatabase | None = None
        self._waits_for_space = False

    @property
    def owner_dsn(self) -> str:
        """The schema owner's database URL: migrations and nothing else."""
        return self._database().owner_dsn

    @property
    def app_dsn(self) -> str:
        """The application's database URL."""
        return self._database().app_dsn

    @property
    def app_role(self) -> str:
        """The application's role in the database, which the schema gives its rights."""
        return self._database().app_role

    @property
    def redis_url(self) -> str:
        """Where Redis is."""
        url = self.environment.get(REDIS_VARIABLE)
        if self.redis is not None:
            url = self.redis.url
        if url is None:
            raise ServiceError("Redis is not running.")
        return url

    def binaries(self) -> Binaries:
        """The embedded programs, for pgbench and backups."""
        return find_binaries(self.directory().user, self.environment)

    def directory(self) -> DataDirectory:
        """The data directory, opened when first needed."""
        if self._directory is None:
            self._directory = open_directory(self._path, self.environment)
        return self._directory

    async def start(self, *, deadline_seconds: float) -> None:
        """Start or find both servers; on any failure nothing of ours keeps running."""
        try:
            if OWNER_VARIABLE in self.environment:
                self._external = await prepare_external(self.environment, self.directory)
            else:
                self.directory().lock()
                self.postgres = await start_postgres(
                    self.directory(), self.environment, deadline_seconds=deadline_seconds
                )
            if REDIS_VARIABLE not in self.environment:
                self.directory().lock()
                self.redis = await start_redis(self.directory(), self.environment)
        except BaseException:
            await self.stop()
            raise

    async def watch(self, interval_seconds: float = WATCH_SECONDS) -> None:
        """Start again whichever server of ours has died; runs until cancelled.

        A Redis that cannot be started is tried again at the next look, for it may be missed; so is
        a PostgreSQL that waits for space on the disk. One that cannot start for another reason is
        the end, and raises ServiceError.
        """
        while True:
            await asyncio.sleep(interval_seconds)
            if self.postgres is not None and not self.postgres.is_alive():
                await self._restart_postgres()
            if self.redis is not None and not self.redis.is_alive():
                logger.error("Redis has died", extra={"event": "redis.died"})
                await self._restart_redis()

    async def _restart_postgres(self) -> None:
        if not self._waits_for_space:
            logger.error("PostgreSQL has died", extra={"event": "postgres.died"})
        try:
            self.directory().require_free_space()
            self.postgres = await start_postgres(self.directory(), self.environment)
        except DiskFullError as exc:
            if not self._waits_for_space:
                logger.error("PostgreSQL waits: %s", exc, extra={"event": "postgres.disk.full"})
            self._waits_for_space = True
            return
        self._waits_for_space = False

    async def _restart_redis(self) -> None:
        try:
            self.redis = await start_redis(self.directory(), self.environment)
        except ServiceError as exc:
            logger.error("Redis stays away: %s", exc, extra={"event": "redis.start.failed"})
            await asyncio.sleep(FAILED_PAUSE_SECONDS)

    async def stop(self) -> None:
        """Stop what is ours and let go of the data directory. May be called twice."""
        try:
            if self.redis is not None:
                await self.redis.stop()
            if self.postgres is not None:
                await self.postgres.stop()
        finally:
            self.redis = None
            self.postgres = None
            if self._directory is not None:
                self._directory.unlock()

    def _database(self) -> PostgresServer | ExternalDatabase:
        database = self.postgres or self._external
        if database is None:
            raise ServiceError("the database is not running.")
        return database


async def start_services(
    path: Path,
    environment: Mapping[str, str],
    *,
    deadline_seconds: float = START_DEADLINE_SECONDS,
) -> Services:
    """Database and Redis under the data directory `path`, or those that the environment names.

    Raises ServiceError. `deadline_seconds` bounds PostgreSQL's start with its recovery.
    """
    services = Services(path, environment)
    await services.start(deadline_seconds=deadline_seconds)
    return services


@asynccontextmanager
async def open_database(
    path: Path,
    environment: Mapping[str, str],
    *,
    deadline_seconds: float = START_DEADLINE_SECONDS,
) -> AsyncIterator[PostgresServer | ExternalDatabase]:
    """The database alone, for a tool: attached to where it runs, started and stopped where not."""
    if OWNER_VARIABLE in environment:
        yield await prepare_external(
            environment, lambda: open_directory(path, environment, create=False)
        )
        return
    directory = open_directory(path, environment, create=False)
    try:
        server = await attach_or_start(directory, environment, deadline_seconds=deadline_seconds)
        try:
            yield server
        finally:
            await server.stop()
    finally:
        directory.unlock()
