"""Files of institutions: kept for some days in the lane of the institution, read by their owner."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import QUERIES, SCATTER


class KeptFile(Struct, frozen=True, kw_only=True):
    """A file as it is kept."""

    lane: int
    file_no: int
    institution: str
    name: str
    content: bytes
    stored_at: datetime
    expires_at: datetime


async def keep_file(
    connection: Connection[Record], file: KeptFile, *, files_max: int, bytes_max: int
) -> bool:
    """Keep a file; False where the institution has too many, or too large ones, already."""
    count, size = await connection.fetchrow(
        QUERIES["file_space"], file.lane, file.institution, file.stored_at
    )
    if count >= files_max or size + len(file.content) > bytes_max:
        return False
    await connection.execute(
        QUERIES["keep_file"], file.lane, file.file_no, file.stored_at, file.expires_at,
        file.institution, file.name, file.content,
    )  # fmt: skip
    return True


async def read_file(
    connection: Connection[Record], *, lane: int, file_no: int, institution: str, at: datetime
) -> bytes | None:
    """The content of an institution's own file; None where it has no such file (any more)."""
    row = await connection.fetchrow(QUERIES["read_file"], lane, file_no, institution, at)
    return None if row is None else row["content"]


async def drop_expired(connection: Connection[Record], at: datetime) -> int:
    """Files whose time is over go; how many."""
    status: str = await connection.execute(SCATTER["drop_expired_files"], at)
    return int(status.rsplit(" ", 1)[-1])
