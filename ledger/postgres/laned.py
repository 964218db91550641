"""Rows by keys that each lie in a lane: one statement for all, or on a cluster one for each lane.

There the keys of a batch usually lie in one lane; another one comes in only where a message names
what belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence

from asyncpg import Connection, Record

from ledger.postgres.queries import Queries
from ledger.postgres.shape import Shape


async def fetch_keys(
    connection: Connection[Record], queries: Queries, name: str, lanes: Sequence[int],
    *columns: Sequence[object],
) -> list[Record]:  # fmt: skip
    """The rows of the statement `name`, whose arguments are the keys' lanes and other columns."""
    rows: list[Record] = []
    if queries.shape is Shape.ONE_MACHINE:
        rows = await connection.fetch(queries[name], lanes, *columns)
        return rows
    places: dict[int, list[int]] = {}
    for place, lane in enumerate(lanes):
        places.setdefault(lane, []).append(place)
    for lane, own in places.items():
        arguments = [[column[place] for place in own] for column in columns]
        rows += await connection.fetch(queries[name], lane, *arguments)
    return rows
