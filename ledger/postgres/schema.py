"""Creates the ledger's schema and changes what only its owner may change: journals and lanes.

All of it is maintenance, run as the schema's owner and seldom, except `close_day`, which the
application's role runs. Whoever locks several heads here locks them in ascending order of their
journals and takes no other lock before; with `append_block`, which locks one, that is the whole
lock order of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from asyncpg import Connection, Record

from ledger.chain import ChainEnd, opening_hash
from ledger.postgres.arrays import arguments_of
from ledger.postgres.queries import load
from ledger.rules import Outcome

_SQL = Path(__file__).parent / "sql"
SCHEMA_SQL = _SQL / "schema.sql"
_QUERIES = load(_SQL / "queries.sql")
_ADMIN = load(_SQL / "admin.sql")


async def install(
    connection: Connection[Record], *, lanes: int, journals: int, opened_at: datetime,
    application_role: str | None = None, verify_role: str | None = None,
) -> None:  # fmt: skip
    """Creates the schema with its lanes and journals in one transaction.

    The roles exist already; they are given together, or neither and the owner keeps all rights.
    """
    if not 1 <= journals <= lanes:
        raise ValueError(f"{journals} journals for {lanes} lanes")
    async with connection.transaction():
        await connection.execute(SCHEMA_SQL.read_text(encoding="utf-8"))
        await _open_journals(connection, range(1, journals + 1), range(lanes), opened_at, ())
        if application_role is not None and verify_role is not None:
            await connection.execute(_ADMIN["grant_rights"], application_role, verify_role)


async def close_day(
    connection: Connection[Record], *, business_day: date, closed_at: datetime
) -> Outcome:
    """Closes a business day: a boundary block without entries in every open journal, then the day.

    DAY_CLOSED, and nothing written, where it was closed before.
    """
    async with connection.transaction():
        ends = await _lock_heads(connection)
        if await connection.fetchval(_ADMIN["day_is_closed"], business_day):
            return Outcome.DAY_CLOSED
        for end in ends:
            boundary = arguments_of(
                journal=end.journal, business_day=business_day, booked_at=closed_at, entries=(),
                changes={},
            )  # fmt: skip
            await connection.execute(_QUERIES["append_block"], *boundary)
        await connection.execute(_ADMIN["close_business_day"], business_day, closed_at)
    return Outcome.OK


async def change_journals(
    connection: Connection[Record], *, journals: int, changed_at: datetime
) -> tuple[int, ...]:
    """Closes every open chain and opens `journals` new ones that cite them; returns their numbers.

    Nobody's rows move: a lane's older entries stay in the journal that ordered them.
    """
    async with connection.transaction():
        ends = await _lock_heads(connection)
        lanes = sorted(row["lane"] for row in await connection.fetch(_ADMIN["lanes"]))
        if not 1 <= journals <= len(lanes):
            raise ValueError(f"{journals} journals for {len(lanes)} lanes")
        for end in ends:
            await connection.execute(_ADMIN["close_journal"], end.journal, changed_at)
        first = await connection.fetchval(_ADMIN["last_journal"]) + 1
        numbers = range(first, first + journals)
        await _open_journals(connection, numbers, lanes, changed_at, ends)
    return tuple(numbers)


async def _lock_heads(connection: Connection[Record]) -> tuple[ChainEnd, ...]:
    ends = []
    for row in await connection.fetch(_ADMIN["open_journals"]):
        head = await connection.fetchrow(_QUERIES["lock_head"], row["journal"])
        ends.append(ChainEnd(journal=row["journal"], **head))
    return tuple(ends)


async def _open_journals(
    connection: Connection[Record], numbers: range, lanes: Sequence[int], opened_at: datetime,
    cited: Sequence[ChainEnd],
) -> None:  # fmt: skip
    cites = " ".join(f"{end.journal}:{end.block_no}" for end in cited)
    for number in numbers:
        first = opening_hash(journal=number, lanes=len(lanes), opened_at=opened_at, cited=cited)
        await connection.execute(_ADMIN["open_journal"], number, opened_at, first, cites)
    dealt = [(lane, numbers[place % len(numbers)]) for place, lane in enumerate(lanes)]
    await connection.executemany(_ADMIN["map_lane"], dealt)
