"""Pages of our rows that another region compares its own with (异地对账); they lie in all lanes."""

from __future__ import annotations

from datetime import date

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.rows import RowKind
from settlement.storage.queries import SCATTER


class HomeRow(Struct, frozen=True, kw_only=True, gc=False):
    """One settlement row that another region may compare with its own."""

    case_no: str
    setl_id: int
    kind: RowKind
    total_fen: int
    fund_fen: int
    account_fen: int


async def home_rows(
    connection: Connection[Record], region: str, day: date, *, after: int, rows_max: int
) -> list[HomeRow]:
    """The rows of a business day that concern a region, behind a number, in their order."""
    rows = await connection.fetch(SCATTER["home_rows"], region, day, after, rows_max)
    return [HomeRow(**{**dict(row), "kind": RowKind(row["kind"])}) for row in rows]
