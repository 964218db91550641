"""Making a database ours: schema, roles, lanes and journals, the region; and knowing one that is.

Run as the schema's owner, before any gateway starts. A database that holds something else, or a
another schema than ours, is refused and left as it is.
"""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.schema import install as install_ledger
from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape, shaped
from settlement.storage import reference
from settlement.storage.archive import keep_partitions
from settlement.storage.queries import ADMIN, schema_text
from settlement.storage.reference import Installation

SCHEMA_VERSION = 11
"""Before the first release a new one means a new database; after it, a migration."""
LANES = 64
DEFAULT_JOURNALS = 1
"""A small machine's choice: much of a batch's cost does not depend on its size."""


class InstallError(Exception):
    """The database cannot be used; the text says why and what to do."""


class Region(Struct, frozen=True, kw_only=True):
    """What a database is made for."""

    code: str
    demo_seed: int | None = None
    journals: int | None = None
    """None: DEFAULT_JOURNALS on one machine, as many as lanes on a cluster"""
    lanes: int = LANES
    shape: Shape | None = None
    """None: whatever the database has; a new one is for one machine"""


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
    if found.schema_version < SCHEMA_VERSION:
        raise InstallError(
            f"the database has schema {found.schema_version} of an earlier development version, "
            f"this program needs {SCHEMA_VERSION} and cannot change it: use the earlier program, "
            "or a new data directory; nothing was changed"
        )
    if found.region != region.code:
        raise InstallError(f"the database belongs to region {found.region}, not {region.code}")
    if region.demo_seed is not None and found.demo_seed is None:
        raise InstallError("--demo refuses a database that it did not make; nothing was changed")
    present = await installed_shape(connection)
    if region.shape not in (None, present):
        raise InstallError(
            f"the database has the shape {present}, not {region.shape}: a database keeps the shape "
            "it was made in; nothing was changed"
        )
    await keep_partitions(connection, at)
    return found


async def _refuse_foreign(connection: Connection[Record]) -> None:
    foreign = await connection.fetchval(ADMIN["foreign_schema"])
    if foreign is not None:
        raise InstallError(
            f"the database has a schema {foreign} that is not ours; nothing was changed"
        )


async def _install(
    connection: Connection[Record], region: Region, *, app_role: str, at: datetime
) -> None:
    shape = region.shape or Shape.ONE_MACHINE
    journals = region.journals
    if journals is None:
        journals = region.lanes if shape is Shape.CLUSTER else DEFAULT_JOURNALS
    if shape is Shape.CLUSTER and journals != region.lanes:
        raise InstallError(
            f"in the shape cluster every lane has a journal: {region.lanes}, not {journals}"
        )
    schema = shaped(schema_text(), shape, lane="p_lane")
    async with connection.transaction():
        await install_ledger(
            connection, lanes=region.lanes, journals=journals, opened_at=at,
            application_role=app_role, verify_role=app_role, shape=shape,
        )  # fmt: skip
        await connection.execute(schema)
        await connection.execute(ADMIN["grant_rights"], app_role)
        await connection.execute(
            ADMIN["installed"], SCHEMA_VERSION, region.lanes, region.code, region.demo_seed, at
        )
