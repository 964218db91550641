"""What is backed up: a data directory's database, embedded or a site's own, and who may copy it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from settlement.backup.store import Store, open_store, require_origin
from settlement.backups import Origin
from settlement.clock import Clock, system_clock
from settlement.embedded.archiving import read_place, system_identifier
from settlement.embedded.binaries import find_binaries
from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.external import OWNER_VARIABLE
from settlement.embedded.postgres import PostgresServer
from settlement.embedded.services import open_database
from settlement.storage import backups
from settlement.storage.connect import connect_plain
from settlement.storage.lease import PlainConnection

COPIER_VARIABLE = "SETTLEMENT_BACKUP_URL"
"""A login of a site's own server that may copy it: replication, and pg_switch_wal."""


class Site(Struct, frozen=True, kw_only=True):
    """An opened database with what a backup needs to know of it."""

    directory: DataDirectory
    connection: PlainConnection
    """the schema owner's"""
    app_role: str
    facts: backups.Facts
    origin: Origin
    copier_dsn: str
    postmaster_pid: int | None
    """None where the server is a site's own"""
    clock: Clock = system_clock

    @property
    def is_embedded(self) -> bool:
        """Whether its server is ours."""
        return self.postmaster_pid is not None

    def store(self) -> Store:
        """Where its backups go. ServiceError where nobody has said, or it is another's."""
        place = read_place(self.directory.root)
        if place is None:
            raise ServiceError(
                "it is not said where backups go: settlement backup enable --to FOLDER"
            )
        store = open_store(Path(place.store))
        require_origin(store, self.origin)
        return store


@asynccontextmanager
async def open_site(
    data_dir: Path, environment: Mapping[str, str], *, clock: Clock = system_clock
) -> AsyncIterator[Site]:
    """Attach to the database of a data directory, or start it where it is stopped."""
    async with open_database(data_dir, environment) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-backup")
        try:
            facts = await backups.facts(connection)
            if isinstance(database, PostgresServer):
                directory, copier = database.directory, database.superuser_dsn
                pid = database.pid
            else:
                directory = open_directory(data_dir, environment, create=False)
                copier = environment.get(COPIER_VARIABLE, environment[OWNER_VARIABLE])
                pid = None
            origin = Origin(
                region=facts.region, installed_at=facts.installed_at, database=facts.database,
                system_identifier=await system_identifier(copier),
            )  # fmt: skip
            yield Site(
                directory=directory, connection=connection, app_role=database.app_role,
                facts=facts, origin=origin, copier_dsn=copier, postmaster_pid=pid, clock=clock,
            )  # fmt: skip
        finally:
            await connection.close()


def programs(
    directory: DataDirectory, given: Path | None, environment: Mapping[str, str] = os.environ
) -> Path:
    """The folder of PostgreSQL's programs: those that somebody named, or ours."""
    if given is None:
        return find_binaries(directory.user, environment).postgres_bin
    if not (given / "pg_basebackup").exists():
        raise ServiceError(f"{given} holds no pg_basebackup; name a folder of PostgreSQL's bin.")
    return given.resolve()
