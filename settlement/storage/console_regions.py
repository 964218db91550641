"""Cases between regions as operators look for them: strangers' here, and our people's elsewhere.
Every statement takes the scope, as those of console_cases."""

from __future__ import annotations

from datetime import date

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.elsewhere.remote_worklist import OpenCase
from settlement.numbers import lane_in
from settlement.storage.console_cases import Scope
from settlement.storage.queries import CONSOLE


class HomeRow(Struct, frozen=True, kw_only=True):
    """A settlement row of somebody of ours who was treated in another region."""

    lane: int
    setl_id: int
    kind: int
    setl_on: date
    treated_region: str
    institution: str
    institution_name: str
    filing: str
    total_fen: int
    fund_fen: int
    account_fen: int


async def cases_open(
    connection: Connection[Record], scope: Scope, region: str | None, *,
    after: int | None = None, limit: int,
) -> list[OpenCase]:  # fmt: skip
    """Strangers' cases that are not at their end, of one region of insurance or of all, the oldest
    first; those after the number of one."""
    lane = None if after is None else lane_in(after)
    rows = await connection.fetch(
        CONSOLE["console_cases_open"], scope, region, after, lane, limit
    )
    return [OpenCase(**dict(row)) for row in rows]


async def cases_open_count(
    connection: Connection[Record], scope: Scope, region: str | None
) -> int:
    """How many of them there are."""
    count: int = await connection.fetchval(
        CONSOLE["console_cases_open_counted"], scope, region
    )
    return count


async def remote_case(
    connection: Connection[Record], scope: Scope, case_no: int
) -> OpenCase | None:
    """One of them, open or not, by our number."""
    row = await connection.fetchrow(
        CONSOLE["console_remote_case"], scope, lane_in(case_no), case_no
    )
    return None if row is None else OpenCase(**dict(row))


async def home_case(
    connection: Connection[Record], scope: Scope, region: str, case_no: str
) -> list[HomeRow]:
    """Our rows of a case of another region, by its number there."""
    rows = await connection.fetch(CONSOLE["console_home_case"], scope, region, case_no)
    return [HomeRow(**dict(row)) for row in rows]
