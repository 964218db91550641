"""`settlement hub`: our keys for the wire between regions, their certificate, and withdrawals."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from protocol.hub.certificates import (
    CertificateError,
    Withdrawal,
    new_keys,
    read_certificate,
    request_of,
)
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import Keyring, UndecipherableError
from settlement.region.hub_config import HubConfigError, HubSettings, hub_file, read_hub
from settlement.said import UNUSABLE, Said
from settlement.storage import hub as store
from settlement.storage import reference
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection, connection_for

UNUSABLE_FOR = (
    ServiceError, StorageError, KeyFileError, UndecipherableError, HubConfigError, OSError,
)  # fmt: skip


class HubRoom(Struct, frozen=True, kw_only=True):
    """A database that is open for a command, as the schema's owner."""

    connection: PlainConnection
    keyring: Keyring
    region: str
    settings: HubSettings | None


@asynccontextmanager
async def hub_room(data_dir: Path) -> AsyncIterator[HubRoom]:
    """The database of a data directory, with what it takes to read our keys."""
    settings = read_hub(hub_file(data_dir, os.environ))
    async with open_database(data_dir, os.environ) as database:
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        async with connection_for(database.owner_dsn, "settlement-operator") as connection:
            installed = await reference.installation(connection)
            if installed is None:
                raise ServiceError("the database is not prepared: start `settlement serve` first")
            yield HubRoom(
                connection=connection, keyring=keyring, region=installed.region, settings=settings
            )


def new_identity(data_dir: Path, *, actor: str, reason: str) -> Said:
    """Make keys and print the request for their certificate."""

    async def work(room: HubRoom) -> Said:
        keys, at = new_keys(), system_clock()
        await store.keep_identity(
            room.connection, room.keyring, keys, at=at, actor=actor, reason=reason
        )
        return Said(0, request_of(keys, room.region, at=at))

    return _done(data_dir, work)


def certify(data_dir: Path, file: Path, *, actor: str, reason: str) -> Said:
    """Put the certificate of keys of ours in force."""
    try:
        content = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        return Said(UNUSABLE, f"settlement: {file}: {exc}")

    async def work(room: HubRoom) -> Said:
        if room.settings is None:
            return Said(UNUSABLE, f"settlement: there is no {hub_file(data_dir, os.environ)}")
        try:
            certificate = read_certificate(content, room.settings.root_key)
        except CertificateError as exc:
            return Said(1, f"证书未通过核对 the certificate is not proved: {exc}")
        if certificate.region != room.region:
            return Said(1, f"证书属于 the certificate belongs to {certificate.region}")
        known = await store.certify_identity(
            room.connection, certificate, content, at=system_clock(), actor=actor, reason=reason
        )
        if not known:
            return Said(1, "证书中的密钥不是本统筹区的 its keys are not ours")
        return Said(0, f"证书 certificate {certificate.serial}，至 until {certificate.not_after}")

    return _done(data_dir, work)


def withdraw(data_dir: Path, serial: str, *, actor: str, reason: str) -> Said:
    """Trust a certificate no more."""

    async def work(room: HubRoom) -> Said:
        told = Withdrawal(serial=serial, withdrawn_at=system_clock(), reason=reason)
        if not await store.withdraw_by_hand(room.connection, told, actor=actor):
            return Said(1, f"证书 certificate {serial} 已撤销 was withdrawn already")
        return Said(0, f"证书 certificate {serial} 已撤销 is withdrawn")

    return _done(data_dir, work)


def _done(data_dir: Path, work: Callable[[HubRoom], Awaitable[Said]]) -> Said:
    async def run() -> Said:
        async with hub_room(data_dir) as room:
            return await work(room)

    try:
        return asyncio.run(run())
    except UNUSABLE_FOR as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
