"""Files of other regions and the hub that people brought, as kept. Their bytes lie where those of
bills do (settlement/storage/bills.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.numbers import lane_in
from settlement.storage.bills import Content
from settlement.storage.queries import REGIONAL, SCATTER


class RegionFile(Struct, frozen=True, kw_only=True):
    """A file that was taken."""

    lane: int
    """of the other region's code"""
    file_no: int
    received_at: datetime
    size_bytes: int
    day: date
    """the day of a list; else the first of the month"""
    region: str
    kind: str
    """day, statement, answer or notice"""
    told_by: str
    """a region's code, or `hub`"""
    name: str
    actor: str
    sha256: bytes


async def keep_file(
    connection: Connection[Record], file: RegionFile, content: bytes
) -> bool:
    """Keep a file with its bytes, in one transaction; False where these very bytes came before.
    `sha256` and `size_bytes` are those of the content."""
    kept = Content()
    try:
        kept.read(BytesIO(content))
        async with connection.transaction():
            new = await connection.fetchval(
                REGIONAL["keep_region_file"], file.lane, file.file_no, file.received_at,
                kept.size_bytes, file.day, file.region, file.kind, file.told_by, file.name,
                file.actor, kept.sha256,
            )  # fmt: skip
            if new is not None:
                await kept.write(connection, file.lane)
    finally:
        kept.close()
    return new is not None


async def file_of(connection: Connection[Record], number: int) -> RegionFile | None:
    """A file by its number."""
    row = await connection.fetchrow(REGIONAL["region_file"], lane_in(number), number)
    return None if row is None else RegionFile(**dict(row))


async def files_of(
    connection: Connection[Record], first: date, last: date, *, limit: int, skip: int = 0
) -> tuple[Sequence[RegionFile], int]:
    """Files about some days, or the months that begin on them, the newest first; and how many there
    are in all, 0 where none is left behind those that were skipped."""
    rows = [
        dict(row)
        for row in await connection.fetch(SCATTER["region_files"], first, last, limit, skip)
    ]
    in_all = rows[0]["in_all"] if rows else 0
    return [RegionFile(**{k: v for k, v in row.items() if k != "in_all"}) for row in rows], in_all
