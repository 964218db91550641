"""Partitions by year, and what was archived, as the database has it (`sql/archive.sql`)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from asyncpg import Connection, LockNotAvailableError, Record
from msgspec import Struct

from settlement.archiving import AHEAD_YEARS, ArchivedYear, bounds_of
from settlement.clock import local_time
from settlement.rows import RowKind, SettlementRow
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.queries import ARCHIVE

PAGE_ROWS = 5_000
_ROW_FIELDS = SettlementRow.__struct_fields__


class ArchivedSettlement(Struct, frozen=True, kw_only=True, gc=False):
    """A settlement with its detail as it lies sealed; without one where `salt` is None."""

    row: SettlementRow
    key_version: int | None
    salt: bytes | None
    payload: bytes | None


class Committed(Struct, frozen=True, kw_only=True, gc=False):
    """What the database says of a settlement."""

    setl_id: int
    commitment: bytes
    is_erased: bool
    """an erasure that was confirmed covers its detail"""


async def keep_partitions(connection: Connection[Record], at: datetime) -> int:
    """Make the partitions of this year and the next ones, where they are missing; how many. On New
    Year's Day it may still be business of the day before."""
    first, year = local_time(at - timedelta(days=1)).year, local_time(at).year
    made: int = await connection.fetchval(ARCHIVE["keep_partitions"], first, year + AHEAD_YEARS)
    return made


async def sample_partitions(connection: Connection[Record]) -> None:
    """Have the planner know how much there is in all partitions together."""
    await connection.execute(ARCHIVE["sample_partitions"])


async def archived_years(connection: Connection[Record]) -> list[ArchivedYear]:
    """The years that were archived."""
    return [
        ArchivedYear(
            year=row["year"], archived_at=row["archived_at"], settlements=row["settlements"],
            details=row["details"], key_versions=tuple(row["key_versions"]),
            manifest=row["manifest"], actor=row["actor"], reason=row["reason"],
        )
        for row in await connection.fetch(ARCHIVE["archived_years"])
    ]  # fmt: skip


async def freeze(connection: Connection[Record], year: int) -> bool:
    """Nobody changes the year's details until the transaction ends; False where none are there."""
    frozen: bool = await connection.fetchval(ARCHIVE["freeze_year"], year)
    return frozen


async def drop_once(connection: Connection[Record], year: int) -> bool:
    """Drop the year's partition, or wait for it no longer than whoever settles may; then False."""
    try:
        async with connection.transaction():
            await connection.execute(ARCHIVE["drop_year"], year)
    except LockNotAvailableError:
        return False
    return True


async def keep_archived(connection: Connection[Record], kept: ArchivedYear) -> None:
    """Write down what was archived, with its row of the audit."""
    await connection.execute(
        ARCHIVE["keep_archived_year"], kept.year, kept.archived_at, kept.settlements, kept.details,
        list(kept.key_versions), kept.manifest, kept.actor, kept.reason,
    )
    await keep_audit(
        connection,
        Audited(
            at=kept.archived_at, actor=kept.actor, action="archive-year",
            subject=f"year {kept.year}", note=kept.note,
        ),
    )  # fmt: skip


async def settlements_page(
    connection: Connection[Record], lane: int, year: int, after: int
) -> list[ArchivedSettlement]:
    """The next settlements of a lane and year."""
    first, before = bounds_of(year)
    rows = await connection.fetch(
        ARCHIVE["archive_page"], lane, max(after, first), before, PAGE_ROWS
    )
    return [
        ArchivedSettlement(
            row=_row(row), key_version=row["key_version"], salt=row["salt"],
            payload=row["payload"],
        )
        for row in rows
    ]  # fmt: skip


def _row(row: Record) -> SettlementRow:
    fields = {name: row[name] for name in _ROW_FIELDS}
    fields["kind"] = RowKind(fields["kind"])
    return SettlementRow(**fields)


async def committed_page(
    connection: Connection[Record], lane: int, year: int, after: int
) -> list[Committed]:
    """What the next settlements of a lane and year commit to."""
    first, before = bounds_of(year)
    rows = await connection.fetch(
        ARCHIVE["committed_page"], lane, max(after, first), before, PAGE_ROWS
    )
    return [
        Committed(
            setl_id=row["setl_id"], commitment=row["committed"], is_erased=row["erased"]
        )
        for row in rows
    ]  # fmt: skip


async def details_of(connection: Connection[Record], year: int) -> int:
    """How many details there are of a year, whether or not their settlements are known."""
    count: int = await connection.fetchval(ARCHIVE["details_between"], *bounds_of(year))
    return count


async def first_settled_on(connection: Connection[Record], year: int) -> date | None:
    """The first business day of the settlements of a year; None where there are none."""
    first: date | None = await connection.fetchval(ARCHIVE["first_settled_on"], *bounds_of(year))
    return first


async def approvals_of(connection: Connection[Record], year: int) -> int:
    """Approvals to cancel settlements of a year that nobody has used."""
    count: int = await connection.fetchval(ARCHIVE["approvals_between"], *bounds_of(year))
    return count


async def unaudited(connection: Connection[Record]) -> int | None:
    """A year that is said to be archived and is not in the audit as it is."""
    year: int | None = await connection.fetchval(ARCHIVE["unaudited_year"])
    return year
