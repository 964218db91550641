"""Making a database ours: schema, roles, lanes and journals, the region; and knowing one that is.

Run as the schema's owner, before any gateway starts. A database that holds something else, or a
newer schema, is refused and left as it is.
"""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.schema import install as install_ledger
from settlement.storage import reference
from settlement.storage.queries import SQL_DIRECTORY
from settlement.storage.reference import Installation

SCHEMA_VERSION = 1
LANES = 64
DEFAULT_JOURNALS = 2
_APPEND_ONLY = (
    "settlement", "settlement_detail", "message", "visit", "visit_event", "audit",
)  # fmt: skip
_SMALL = (
    "installation", "institution", "credential", "catalogue_item", "suspension",
    "reference_version", "person", "person_state", "lookup", "token", "sign_in",
)  # fmt: skip


class InstallError(Exception):
    """The database cannot be used; the text says why and what to do."""


class Region(Struct, frozen=True, kw_only=True):
    """What a database is made for."""

    code: str
    demo_seed: int | None = None
    journals: int = DEFAULT_JOURNALS
    lanes: int = LANES


async def ensure_schema(
    connection: Connection[Record], region: Region, *, app_role: str, at: datetime
) -> Installation:
    """The installation of this database, made if the database is empty."""
    found = await reference.installation(connection)
    if found is None:
        await _refuse_foreign(connection)
        await _install(connection, region, app_role=app_role, at=at)
        found = await reference.installation(connection)
    if found is None:
        raise InstallError("the database was prepared but does not say for which region")
    if found.schema_version > SCHEMA_VERSION:
        raise InstallError(
            f"the database has schema {found.schema_version}, this program knows {SCHEMA_VERSION}: "
            "use the newer program; nothing was changed"
        )
    if found.region != region.code:
        raise InstallError(f"the database belongs to region {found.region}, not {region.code}")
    if region.demo_seed is not None and found.demo_seed is None:
        raise InstallError("--demo refuses a database that it did not make; nothing was changed")
    return found


async def _refuse_foreign(connection: Connection[Record]) -> None:
    foreign = await connection.fetchval(
        "select n.nspname from pg_namespace n where n.nspname in ('ledger', 'settlement') limit 1"
    )
    if foreign is not None:
        raise InstallError(
            f"the database has a schema {foreign} that is not ours; nothing was changed"
        )


async def _install(
    connection: Connection[Record], region: Region, *, app_role: str, at: datetime
) -> None:
    async with connection.transaction():
        await install_ledger(
            connection, lanes=region.lanes, journals=region.journals, opened_at=at,
            application_role=app_role, verify_role=app_role,
        )  # fmt: skip
        await connection.execute((SQL_DIRECTORY / "schema.sql").read_text())
        for statement in _grants(app_role):
            await connection.execute(statement)
        await connection.execute(
            "insert into settlement.installation"
            " (schema_version, lanes, region, demo_seed, installed_at) values ($1, $2, $3, $4, $5)",
            SCHEMA_VERSION, region.lanes, region.code, region.demo_seed, at,
        )  # fmt: skip


def _grants(role: str) -> list[str]:
    """Rights of the application: it owns nothing and never edits what was booked (DESIGN D5)."""
    quoted = '"' + role.replace('"', '""') + '"'
    tables = ", ".join(f"settlement.{name}" for name in (*_APPEND_ONLY, *_SMALL))
    appended = ", ".join(f"settlement.{name}" for name in _APPEND_ONLY)
    changed = "settlement.person_state"
    return [
        f"grant usage on schema settlement to {quoted}",
        f"grant select on {tables} to {quoted}",
        f"grant insert on {appended}, settlement.sign_in, settlement.token to {quoted}",
        f"grant update (version, accumulators, latest_row, latest_visit) on {changed} to {quoted}",
        f"grant update (signed_out_at) on settlement.sign_in to {quoted}",
        f"grant insert, delete, update (reason) on settlement.suspension to {quoted}",
        f"grant insert, update (version) on settlement.reference_version to {quoted}",
        f"grant usage on sequence settlement.number_block to {quoted}",
        f"grant execute on all functions in schema settlement to {quoted}",
    ]
