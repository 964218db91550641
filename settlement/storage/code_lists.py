"""Lists of codes (编码目录) in the database: reference data that no process keeps in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

import msgspec
from asyncpg import Connection, Record

from settlement.code_list import Entry, KeptEntry
from settlement.storage.queries import REFERENCE

PIECE = 250
"""Rows read in one go: some milliseconds, where each of them has two dozen columns."""
AT_ONCE = 5_000
_DECODE = msgspec.json.Decoder(dict[str, str]).decode
_ENCODE = msgspec.json.Encoder().encode


async def version(connection: Connection[Record]) -> int:
    """The version of all lists together; 0 before the first import."""
    found: int | None = await connection.fetchval(REFERENCE["lists_version"])
    return found or 0


async def pieces(connection: Connection[Record], list_no: str) -> AsyncIterator[list[KeptEntry]]:
    """A list, piece by piece; in the caller's transaction, which makes it one moment's."""
    cursor = await connection.cursor(REFERENCE["list_entries"], list_no)
    while rows := await cursor.fetch(PIECE):
        yield [
            KeptEntry(
                Entry(list_no=list_no, key=key, values=_DECODE(columns), valid=valid),
                created_at, updated_at,
            )
            for key, columns, valid, created_at, updated_at in rows
        ]  # fmt: skip


async def entries_of(
    connection: Connection[Record], lists: Iterable[str]
) -> dict[tuple[str, str], Entry]:
    """Every row of some lists, by list and key."""
    found = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for list_no in lists:
            async for piece in pieces(connection, list_no):
                found.update({(list_no, kept.entry.key): kept.entry for kept in piece})
    return found


async def keep(connection: Connection[Record], entries: Sequence[Entry], at: datetime) -> None:
    """Write rows, new and changed, and make a new version; in the caller's transaction."""
    for first in range(0, len(entries), AT_ONCE):
        some = entries[first : first + AT_ONCE]
        await connection.execute(
            REFERENCE["keep_list_entries"],
            at,
            [entry.list_no for entry in some],
            [entry.key for entry in some],
            [entry.valid for entry in some],
            [_ENCODE(entry.values).decode() for entry in some],
        )
    if entries:
        await connection.execute(REFERENCE["bump"], "lists")
