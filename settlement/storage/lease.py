"""A connection that holds a lease: one holder in the whole system, however many nodes ask.

A lease is a session advisory lock of PostgreSQL: it ends with its connection, so a killed node
frees it by itself. What is done under a lease is not known here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from asyncpg import Connection, Record

from ledger.postgres.queries import load
from settlement.storage.connect import connect_plain
from settlement.storage.errors import translate
from settlement.storage.queries import SQL_DIRECTORY

PlainConnection: TypeAlias = "Connection[Record]"

LEASE_CLASS = 0x5E771E
"""The first half of the keys of our advisory locks."""

_QUERIES = load(SQL_DIRECTORY / "admin.sql")


@asynccontextmanager
async def connection_for(dsn: str, name: str) -> AsyncIterator[PlainConnection]:
    """A connection of one's own; driver exceptions leave as storage errors."""
    try:
        connection = await connect_plain(dsn, name=name)
        try:
            yield connection
        finally:
            await connection.close(timeout=1.0)
    except Exception as exc:
        raise translate(exc) or exc from exc


async def take_lease(connection: PlainConnection, lease: int) -> bool:
    """Take the lease for as long as the connection lives; False where another holds it."""
    taken: bool = await connection.fetchval(_QUERIES["take_lease"], LEASE_CLASS, lease)
    return taken
