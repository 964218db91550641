"""Pages of an institution's item mappings (目录对照), for 1317."""

from __future__ import annotations

from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.rows import MappingShown
from settlement.storage.queries import QUERIES


class Sought(Struct, frozen=True, kw_only=True):
    """Which mappings; empty texts and None narrow nothing."""

    lane: int
    institution: str
    changed_since: datetime
    own_code: str
    item_code: str
    list_type: str
    on: date | None
    standing: str
    """1 those that stand, 0 those that do not"""


async def mapping_page(
    connection: Connection[Record], sought: Sought, page: slice
) -> tuple[MappingShown, ...]:
    """By own code, then in the order in which they were recorded."""
    rows = await connection.fetch(
        QUERIES["mapping_page"], sought.lane, sought.institution, sought.changed_since,
        sought.own_code, sought.item_code, sought.list_type, sought.on, sought.standing,
        page.stop - page.start, page.start,
    )  # fmt: skip
    return tuple(MappingShown(**dict(row)) for row in rows)
