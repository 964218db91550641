"""`settlement doctor`: looks at everything in turn. What stands in the way of one look is said, and
the next is taken all the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from settlement.backup.site import COPIER_VARIABLE
from settlement.doctor import files, keys, server, work
from settlement.doctor.findings import Code, Examination, Report, as_json, as_text, report_of
from settlement.doctor.patient import Patient
from settlement.doctor.words import words
from settlement.embedded.directory import open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.external import (
    APP,
    APP_SECRET,
    APP_VARIABLE,
    OWNER_VARIABLE,
    replace_user,
)
from settlement.embedded.postgres import PostgresServer
from settlement.embedded.redis import SOCKET, find_redis
from settlement.embedded.services import REDIS_VARIABLE, open_database
from settlement.said import UNUSABLE, Said
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import key_file
from settlement.storage.lease import PlainConnection, connection_for

OWNER_NAME, APP_NAME = "settlement-doctor", "settlement-doctor-app"


class Logins(Struct, frozen=True, kw_only=True):
    """Where the database is, for each who asks it. Empty where it is not known."""

    owner: str
    application: str
    copier: str


def examine(
    data_dir: Path, *, workers: int, time_source: str, json: bool
) -> Said:
    """Look at a deployment; 0: nothing is wrong, 1: warnings, 2: faults."""
    patient = Patient(
        data_dir=data_dir.expanduser().resolve(), environment=dict(os.environ), workers=workers,
        time_source=time_source, examination=Examination(),
    )  # fmt: skip
    try:
        report = asyncio.run(examined(patient))
    except PermissionError as exc:
        return Said(
            UNUSABLE,
            f"settlement: {exc.filename} 无权读取，请以运行服务的用户或 root 运行 | it may not be "
            "read: run this as the user who runs the server, or as root",
        )
    return Said(report.status, as_json(report) if json else as_text(report))


async def examined(patient: Patient) -> Report:
    """The whole report."""
    if files.examine_directory(patient):
        files.examine_disks(patient)
        keys.examine_keys(patient)
        keys.examine_channels(patient)
        keys.examine_tls(patient)
        root = keys.examine_hub_file(patient)
        try:
            async with _logins(patient) as logins:
                await _examine_database(patient, logins, root)
                await work.examine_backups(patient, logins.copier)
        except (ServiceError, StorageError) as exc:
            patient.examination.found(Code.DATABASE_UNREACHABLE, reason=str(exc))
            await server.examine_clock(patient, None)
            patient.examination.left_out(
                "库内各项与备份 what is in the database, and backups",
                "数据库未能使用 the database could not be used",
            )
        await _examine_redis(patient)
    return report_of(patient.examination, words, patient.clock())


@asynccontextmanager
async def _logins(patient: Patient) -> AsyncIterator[Logins]:
    """The database of a deployment: a site's own as it is, for nothing is made there; an embedded
    one is attached to, or started for the time of the look."""
    environment = patient.environment
    owner = environment.get(OWNER_VARIABLE)
    if owner is not None:
        application = environment.get(APP_VARIABLE, "")
        kept = patient.data_dir / files.SECRETS / APP_SECRET
        if not application and kept.exists():
            application = replace_user(owner, APP, kept.read_text().strip())
        yield Logins(
            owner=owner, application=application, copier=environment.get(COPIER_VARIABLE, owner)
        )
        return
    async with open_database(patient.data_dir, environment) as database:
        copier = database.superuser_dsn if isinstance(database, PostgresServer) else ""
        yield Logins(owner=database.owner_dsn, application=database.app_dsn, copier=copier)


async def _examine_database(patient: Patient, logins: Logins, root: bytes | None) -> None:
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(connection_for(logins.owner, OWNER_NAME))
        await server.examine_clock(patient, owner)
        await server.examine_server(patient, owner)
        is_ours = await server.examine_schema(patient, owner)
        if is_ours:
            await server.examine_connections(patient, owner)
            await server.examine_partitions(patient, owner)
            await work.examine_lists(patient, owner)
            path = key_file(patient.data_dir / files.SECRETS, patient.environment)
            await work.examine_key_fit(patient, owner, str(path))
            if root is not None:
                await work.examine_hub(patient, owner, root)
        await _examine_application(patient, logins, owner if is_ours else None)


async def _examine_application(
    patient: Patient, logins: Logins, owner: PlainConnection | None
) -> None:
    """As the application, and its rights as the owner knows them where there is our schema."""
    if not logins.application:
        patient.examination.found(
            Code.APP_LOGIN_FAILED, reason=f"{APP_VARIABLE} 未设 is not set"
        )
        return
    try:
        async with connection_for(logins.application, APP_NAME) as application:
            role = await server.examine_application(patient, application)
            await work.examine_leases(patient, application)
    except StorageError as exc:
        patient.examination.found(Code.APP_LOGIN_FAILED, reason=str(exc))
        return
    if owner is not None:
        await server.examine_rights(patient, owner, role)


async def _examine_redis(patient: Patient) -> None:
    url = patient.environment.get(REDIS_VARIABLE)
    if url is None:
        try:
            directory = open_directory(patient.data_dir, patient.environment, create=False)
        except ServiceError as exc:
            patient.examination.left_out("Redis", str(exc))
            return
        if find_redis(directory) is None:
            patient.examination.left_out("Redis", "内置，未运行 the embedded one does not run")
            return
        url = f"unix://{directory.run / SOCKET}?db=0"
    await work.examine_redis(patient, url)
