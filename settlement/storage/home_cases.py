"""People of ours who were treated in other regions: what lies beside their settlements."""

from __future__ import annotations

from collections.abc import Iterable

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.numbers import lane_in
from settlement.storage.queries import SHAPED
from settlement.view import View


async def read_home_cases(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """What lies beside settlements, by their numbers, into the view that has them."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_home_cases", lanes, wanted):
        view.settlements[row["setl_id"]].home = HomeCaseRow(**dict(row))
