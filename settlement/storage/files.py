"""Files of institutions: kept for some days in the lane of the institution, read by their owner."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import QUERIES, SCATTER


class FileMessage(Struct, frozen=True, kw_only=True):
    """The message that makes a file: sent again with the same content, it makes no other."""

    infno: str
    msgid: str
    fingerprint: bytes


class FoundFile(Struct, frozen=True, kw_only=True):
    """The file that a message made before."""

    file_no: int
    name: str
    expires_at: datetime
    fingerprint: bytes


class KeptFile(Struct, frozen=True, kw_only=True):
    """A file as it is kept."""

    lane: int
    file_no: int
    institution: str
    name: str
    content: bytes
    stored_at: datetime
    expires_at: datetime
    message: FileMessage | None = None


async def keep_file(
    connection: Connection[Record], file: KeptFile, *, files_max: int, bytes_max: int
) -> bool:
    """Keep a file; False where the institution has too many, or too large ones, already. A second
    one of the same message is refused by the database."""
    await connection.execute(
        QUERIES["drop_own_expired"], file.lane, file.institution, file.stored_at
    )
    count, size = await connection.fetchrow(
        QUERIES["file_space"], file.lane, file.institution, file.stored_at
    )
    if count >= files_max or size + len(file.content) > bytes_max:
        return False
    made_by = file.message
    await connection.execute(
        QUERIES["keep_file"], file.lane, file.file_no, file.stored_at, file.expires_at,
        file.institution, file.name, file.content, made_by and made_by.infno,
        made_by and made_by.msgid, made_by and made_by.fingerprint,
    )  # fmt: skip
    return True


async def file_of_message(
    connection: Connection[Record], message: FileMessage, *, lane: int, institution: str,
    at: datetime,
) -> FoundFile | None:  # fmt: skip
    """The file that this message made, if it came before and the file is still kept."""
    row = await connection.fetchrow(
        QUERIES["file_of_message"], lane, institution, message.infno, message.msgid, at
    )
    return None if row is None else FoundFile(**dict(row))


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
