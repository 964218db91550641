"""What a backup notes of the books, and what is asked of a restored database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from msgspec import Struct

from ledger.postgres.queries import load
from settlement.backups import Head, NotedBlock, NotedEntry, SealHead
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import SQL_DIRECTORY
from settlement.storage.seals import seal_lists

_BACKUP = load(SQL_DIRECTORY / "backup.sql")


class Facts(Struct, frozen=True, kw_only=True):
    """Which installation a database is of."""

    region: str
    installed_at: datetime
    database: str
    schema_version: int
    postgres_version: int
    role: str
    """whose connection it was: the schema's owner"""


async def facts(connection: PlainConnection) -> Facts:
    """Which installation it is. StorageError where the database is not prepared."""
    row = await connection.fetchrow(_BACKUP["origin"])
    if row is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    return Facts(**dict(row))


async def heads(connection: PlainConnection) -> list[Head]:
    """The end of every chain."""
    return [
        Head(
            journal=row["journal"], block_no=row["block_no"],
            block_hash=row["block_hash"].hex(), booked_at=row["booked_at"],
        )
        for row in await connection.fetch(_BACKUP["heads"])
    ]  # fmt: skip


async def blocks_between(
    connection: PlainConnection, before: Sequence[Head], through: Sequence[Head]
) -> list[NotedBlock]:
    """All blocks from some ends of chains to others, with their entries."""
    known = {head.journal: head.block_no for head in before}
    rows = await connection.fetch(
        _BACKUP["entries_between"], [head.journal for head in through],
        [known.get(head.journal, 0) for head in through], [head.block_no for head in through],
    )  # fmt: skip
    found: dict[tuple[int, int], NotedBlock] = {}
    for row in rows:
        place = (row["journal"], row["block_no"])
        block = found.setdefault(
            place,
            NotedBlock(
                journal=place[0], block_no=place[1], booked_at=row["booked_at"], entries=[]
            ),
        )
        if row["entry_id"] is not None:
            block.entries.append(
                NotedEntry(
                    lane=row["lane"], number=row["entry_id"], code=row["code"],
                    institution=row["institution"],
                )
            )  # fmt: skip
    return list(found.values())


async def hashes_of(
    connection: PlainConnection, places: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """The hashes of some blocks, by journal and number; those that are not there are left out."""
    wanted = sorted(set(places))
    rows = await connection.fetch(
        _BACKUP["block_hashes"], [journal for journal, _ in wanted], [no for _, no in wanted]
    )
    return {(row["journal"], row["block_no"]): row["block_hash"].hex() for row in rows}


async def skip_number_blocks(connection: PlainConnection) -> None:
    """Numbers that were given out in what a restored database lacks are not given out again."""
    await connection.execute(_BACKUP["skip_number_blocks"])


async def seal_heads(
    connection: PlainConnection, since: datetime | None = None
) -> list[SealHead]:
    """What was sealed, since a moment where one is given."""
    return [
        SealHead(
            begins_on=one.span.begins_on, ends_on=one.span.ends_on, sealed_at=one.sealed_at,
            institutions=one.institutions, settlements=one.settlements, digest=one.digest.hex(),
        )
        for one in await seal_lists(connection)
        if since is None or one.sealed_at >= since
    ]  # fmt: skip


def digests(seals: Iterable[SealHead]) -> dict[tuple[date, date], str]:
    """The digest of each span."""
    return {(one.begins_on, one.ends_on): one.digest for one in seals}
