"""Boxes of drugs that were sold twice (药品追溯码), for operators; derived when somebody asks."""

from __future__ import annotations

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import SCATTER


class RepeatedTrace(Struct, frozen=True, kw_only=True):
    """A trace code by its hash, and the sales of it that stand."""

    key: bytes
    setl_ids: list[int]


async def repeated_traces(connection: Connection[Record]) -> tuple[RepeatedTrace, ...]:
    """Sold more than once, whole at least once."""
    rows = await connection.fetch(SCATTER["repeated_traces"])
    return tuple(RepeatedTrace(key=row["key"], setl_ids=row["setl_ids"]) for row in rows)
