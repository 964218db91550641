"""People of ours who were treated in other regions: what lies beside their settlements, and the
pages that another region compares its own rows with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.home_rows import HomeCaseRow
from settlement.numbers import lane_in
from settlement.rows import RowKind
from settlement.storage.queries import SCATTER, SHAPED
from settlement.view import View


class HomeRow(Struct, frozen=True, kw_only=True, gc=False):
    """One settlement row that another region may compare with its own."""

    case_no: str
    setl_id: int
    kind: RowKind
    total_fen: int
    fund_fen: int
    account_fen: int


async def read_home_cases(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """What lies beside settlements, by their numbers, into the view that has them."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_home_cases", lanes, wanted):
        view.settlements[row["setl_id"]].home = HomeCaseRow(**dict(row))


async def home_rows(
    connection: Connection[Record], region: str, day: date, *, after: int, rows_max: int
) -> list[HomeRow]:
    """The rows of a business day that concern a region, behind a number, in their order."""
    rows = await connection.fetch(SCATTER["home_rows"], region, day, after, rows_max)
    return [HomeRow(**{**dict(row), "kind": RowKind(row["kind"])}) for row in rows]
