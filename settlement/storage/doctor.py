"""What a database says of itself to somebody who looks whether it is well (`sql/doctor.sql`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from ledger.postgres.queries import load
from settlement.keyring import Keyring, UndecipherableError
from settlement.storage.connect import SETTLE_PATH_NAME, SIDE_NAME
from settlement.storage.lease import LEASE_CLASS, PlainConnection
from settlement.storage.queries import REFERENCE, SQL_DIRECTORY
from settlement.storage.reference import credential_record

GATEWAY_NAMES = [SETTLE_PATH_NAME, SIDE_NAME]
_DOCTOR = load(SQL_DIRECTORY / "doctor.sql")


class Server(Struct, frozen=True, kw_only=True):
    """A server, as the schema's owner sees it. Settings as PostgreSQL writes them."""

    version_num: int
    version: str
    encoding: str
    fsync: str
    full_page_writes: str
    data_checksums: str
    wal_level: str
    autovacuum: str
    standbys: str
    role: str
    is_superuser: bool


class Application(Struct, frozen=True, kw_only=True):
    """The application's role."""

    role: str
    is_superuser: bool
    is_owner: bool
    synchronous_commit: str


class Waiting(Struct, frozen=True, kw_only=True):
    """Commits that wait for a standby."""

    count: int
    since: datetime | None


class Lease(Struct, frozen=True, kw_only=True):
    """A lease that is held; `since` is when its holder connected, where this role is told."""

    lease: int
    holder: str
    since: datetime | None


class Right(Struct, frozen=True, kw_only=True, order=True):
    """A privilege on a relation, or on one column of it."""

    relation: str
    column_name: str
    privilege: str
    grantee: str


class Partition(Struct, frozen=True, kw_only=True):
    """A partition's bounds as PostgreSQL writes them; None where a table has none at all."""

    parent: str
    bounds: str | None


async def clock(connection: PlainConnection) -> datetime:
    """What time the database's machine has."""
    at: datetime = await connection.fetchval(_DOCTOR["clock"])
    return at


async def server(connection: PlainConnection) -> Server:
    """See the class."""
    [row] = await connection.fetch(_DOCTOR["server_described"])
    return Server(**dict(row))


async def settings_pending(connection: PlainConnection) -> list[str]:
    """Settings that wait for a restart."""
    return [row["name"] for row in await connection.fetch(_DOCTOR["settings_pending"])]


async def application(connection: PlainConnection) -> Application:
    """Whose connection it is."""
    [row] = await connection.fetch(_DOCTOR["application_described"])
    return Application(**dict(row))


async def commits_waiting(connection: PlainConnection, by: datetime) -> Waiting:
    """Commits of this role that have waited since `by`."""
    [row] = await connection.fetch(_DOCTOR["commits_waiting"], by)
    return Waiting(**dict(row))


async def gateways_connected(connection: PlainConnection) -> int:
    """How many sessions of gateways there are."""
    found: int = await connection.fetchval(_DOCTOR["sessions_of_gateways"], GATEWAY_NAMES)
    return found


async def leases(connection: PlainConnection) -> list[Lease]:
    """All that are held."""
    rows = await connection.fetch(_DOCTOR["leases_held"], LEASE_CLASS)
    return [Lease(**dict(row)) for row in rows]


async def rights(connection: PlainConnection) -> list[Right]:
    """What anybody but the owner may do to our tables."""
    return [Right(**dict(row)) for row in await connection.fetch(_DOCTOR["rights_held"])]


async def partitions(connection: PlainConnection) -> list[Partition]:
    """All of our partitioned tables."""
    return [Partition(**dict(row)) for row in await connection.fetch(_DOCTOR["partitions"])]


async def sealed_with_other_keys(connection: PlainConnection, keyring: Keyring) -> Sequence[str]:
    """The first credential that our keys do not open; empty where they open what there is. At most
    one is tried: a key file is right or of another database."""
    for access_key, _, version, sealed, _ in await connection.fetch(REFERENCE["credentials"]):
        try:
            keyring.open(sealed, credential_record(access_key), version)
        except UndecipherableError:
            return [access_key]
        return []
    return []
