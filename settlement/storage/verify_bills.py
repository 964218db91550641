"""Verification of what others sent: bills of channels, files of institutions and other regions.

The bytes of each bill must give the hash that it was kept under, and the rows that were read from a
file must add up to what it came to. A single row that was exchanged for another of the same sum is
in the bytes, which can be had again (`settlement bills content`).
"""

from __future__ import annotations

import hashlib
import zlib

from asyncpg import Connection, Pool, Record

from ledger.audit import BadEntry
from ledger.postgres.pace import Pace
from settlement.storage.bills import content_of
from settlement.storage.queries import BILLS


async def bad_bills(pool: Pool[Record], *, hurried: bool) -> BadEntry | None:
    """The first file that is not as it came."""
    async with pool.acquire() as connection:
        pace = Pace(hurried=hurried)
        for row in await connection.fetch(BILLS["files_by_content"]):
            if not await _is_whole(connection, row):
                return _bad(row["lane"], row["file_no"], "bytes are not those that came")
            await pace.rest(connection)
        for name, what in (
            ("stray_bill_rows", "it is gone, and its rows are there"),
            ("wrong_bill_sums", "rows do not come to what the bill came to"),
            ("wrong_institution_sums", "rows do not come to what the institution's file came to"),
        ):
            found = await connection.fetchrow(BILLS[name])
            if found is not None:
                return _bad(found["lane"], found["file_no"], what)
        return None


async def _is_whole(connection: Connection[Record], row: Record) -> bool:
    """Bytes give their hash, in the length that the file had."""
    running, length = hashlib.sha256(), 0
    try:
        async for piece in content_of(connection, row["lane"], row["sha256"]):
            running.update(piece)
            length += len(piece)
    except zlib.error:
        return False
    if not length:
        return bool(row["size_bytes"] == 0)
    return bool(running.digest() == row["sha256"] and length == row["size_bytes"])


def _bad(lane: int, file_no: int, what: str) -> BadEntry:
    return BadEntry(journal=0, lane=lane, what=f"bill or file {file_no}: {what}")
