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
from ledger.postgres.arrays import arguments_of, for_shape
from ledger.postgres.queries import load_shapes
from ledger.postgres.shape import Shape, shaped
from ledger.rules import Outcome

_SQL = Path(__file__).parent / "sql"
SCHEMA_SQL = _SQL / "schema.sql"
SHAPED = load_shapes(_SQL / "shaped.sql")
"""The statements that append and look up, by shape."""
_ADMIN_SHAPED = load_shapes(_SQL / "admin.sql")
_ADMIN = _ADMIN_SHAPED[Shape.ONE_MACHINE]


async def install(
    connection: Connection[Record], *, lanes: int, journals: int, opened_at: datetime,
    application_role: str | None = None, verify_role: str | None = None,
    shape: Shape = Shape.ONE_MACHINE,
) -> None:  # fmt: skip
    """Creates the schema with its lanes and journals in one transaction.

    The roles exist already; they are given together, or neither and the owner keeps all rights.
    """
    _check_count(shape, journals=journals, lanes=lanes)
    schema = shaped(SCHEMA_SQL.read_text(encoding="utf-8"), shape, lane="p_lane")
    async with connection.transaction():
        await connection.execute(schema)
        numbers = range(1, journals + 1)
        await _open_journals(connection, shape, numbers, range(lanes), opened_at, ())
        if application_role is not None and verify_role is not None:
            await connection.execute(_ADMIN["grant_rights"], application_role, verify_role)


async def installed_shape(connection: Connection[Record]) -> Shape:
    """The shape of the ledger in this database."""
    one_lane = await connection.fetchval(_ADMIN["takes_one_lane"])
    return Shape.CLUSTER if one_lane else Shape.ONE_MACHINE


async def close_day(
    connection: Connection[Record], *, business_day: date, closed_at: datetime
) -> Outcome:
    """Closes a business day: a boundary block without entries in every open journal, then the day.

    DAY_CLOSED, and nothing written, where it was closed before.
    """
    shape = await installed_shape(connection)
    async with connection.transaction():
        ends = await _lock_heads(connection, shape)
        if await connection.fetchval(_ADMIN["day_is_closed"], business_day):
            return Outcome.DAY_CLOSED
        for end, lane in ends:
            boundary = arguments_of(
                journal=end.journal, business_day=business_day, booked_at=closed_at, entries=(),
                changes={},
            )  # fmt: skip
            arguments = for_shape(boundary, shape, lane)
            await connection.execute(SHAPED[shape]["append_block"], *arguments)
        await connection.execute(_ADMIN["close_business_day"], business_day, closed_at)
    return Outcome.OK


async def change_journals(
    connection: Connection[Record], *, journals: int, changed_at: datetime
) -> tuple[int, ...]:
    """Closes every open chain and opens `journals` new ones that cite them; returns their numbers.

    Nobody's rows move: a lane's older entries stay in the journal that ordered them.
    """
    shape = await installed_shape(connection)
    async with connection.transaction():
        ends = [end for end, _ in await _lock_heads(connection, shape)]
        lanes = sorted(row["lane"] for row in await connection.fetch(_ADMIN["lanes"]))
        _check_count(shape, journals=journals, lanes=len(lanes))
        for end in ends:
            await connection.execute(_ADMIN["close_journal"], end.journal, changed_at)
        first = await connection.fetchval(_ADMIN["last_journal"]) + 1
        numbers = range(first, first + journals)
        await _open_journals(connection, shape, numbers, lanes, changed_at, ends)
    return tuple(numbers)


def _check_count(shape: Shape, *, journals: int, lanes: int) -> None:
    least = lanes if shape is Shape.CLUSTER else 1
    if not least <= journals <= lanes:
        raise ValueError(f"{journals} journals for {lanes} lanes in the shape {shape}")


async def _lock_heads(
    connection: Connection[Record], shape: Shape
) -> tuple[tuple[ChainEnd, int], ...]:
    # Each with the lane of its journal; on one machine, where that has several, 0.
    ends = []
    for row in await connection.fetch(_ADMIN_SHAPED[shape]["open_journals"]):
        one = shape is Shape.CLUSTER
        key = (row["journal"], row["lane"]) if one else (row["journal"],)
        head = await connection.fetchrow(SHAPED[shape]["lock_head"], *key)
        ends.append((ChainEnd(journal=row["journal"], **head), row["lane"] if one else 0))
    return tuple(ends)


async def _open_journals(
    connection: Connection[Record], shape: Shape, numbers: range, lanes: Sequence[int],
    opened_at: datetime, cited: Sequence[ChainEnd],
) -> None:  # fmt: skip
    cites = " ".join(f"{end.journal}:{end.block_no}" for end in cited)
    for number, lane in zip(numbers, lanes, strict=False):
        first = opening_hash(journal=number, lanes=len(lanes), opened_at=opened_at, cited=cited)
        own_lane = (lane,) if shape is Shape.CLUSTER else ()
        statement = _ADMIN_SHAPED[shape]["open_journal"]
        await connection.execute(statement, number, opened_at, first, cites, *own_lane)
    dealt = [(lane, numbers[place % len(numbers)]) for place, lane in enumerate(lanes)]
    await connection.executemany(_ADMIN["map_lane"], dealt)
