"""Sums and entries of accounts as they once were; read only, from one snapshot each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.account import Balance
from ledger.postgres.fold import balance_of
from settlement.books.past import Line
from settlement.clock import local_time
from settlement.storage.closing import numbers_before
from settlement.storage.queries import CLOSING

_SLACK = timedelta(days=3)
"""A number may be given out so long before its entry is booked, around a month's end and a cut."""


class StripedAccount(Struct, frozen=True, kw_only=True):
    """An account of the chart."""

    owner: str
    code: str
    name: str
    debit_normal: bool


async def sums_at(
    connection: Connection[Record], *, at: datetime | None = None, day: date | None = None,
    account: int | None = None,
) -> dict[int, Balance]:  # fmt: skip
    """Sums by account of what was booked by an instant, or up to the end of a business day."""
    rows = await connection.fetch(CLOSING["sums_at"], at, day, account)
    return {row["account"]: balance_of(row) for row in rows}


async def striped_account(
    connection: Connection[Record], account: int
) -> StripedAccount | None:
    """An account of the chart, None where there is none of this number."""
    row = await connection.fetchrow(CLOSING["striped_account"], account)
    return None if row is None else StripedAccount(**dict(row))


async def owners(connection: Connection[Record]) -> dict[int, str]:
    """Whose book every account of the chart is in."""
    rows = await connection.fetch(CLOSING["owners_and_names"])
    return {row["account"]: row["owner"] for row in rows}


async def names(connection: Connection[Record]) -> dict[int, str]:
    """What every account of the chart is called."""
    rows = await connection.fetch(CLOSING["owners_and_names"])
    return {row["account"]: row["name"] for row in rows}


async def account_of_person(
    connection: Connection[Record], lane: int, person_no: str
) -> int | None:
    """The personal account of a person; 0 of a stranger, None where nobody has the number."""
    found: int | None = await connection.fetchval(CLOSING["account_of_person"], lane, person_no)
    return found


async def lane_of_account(connection: Connection[Record], account: int) -> int | None:
    """The lane of a personal account."""
    found: int | None = await connection.fetchval(CLOSING["lane_of_account"], account)
    return found


async def personal_history(
    connection: Connection[Record], lane: int, account: int, since: datetime
) -> tuple[Balance, list[Line]]:
    """What a personal account has now, and every entry since an instant, and some before it."""
    floor = numbers_before(local_time(since) - _SLACK)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchrow(CLOSING["personal_balance"], lane, account)
        rows = await connection.fetch(CLOSING["personal_entries"], lane, account, floor)
    return Balance() if now is None else balance_of(now), [_line(row) for row in rows]


async def entries_of_day(
    connection: Connection[Record], account: int, day: date
) -> list[Line]:
    """What was booked to a striped account on a business day, in order."""
    lines = []
    for journal, after, last in await connection.fetch(CLOSING["pieces_of_day"], day):
        rows = await connection.fetch(
            CLOSING["entries_of_day"], journal, after, last, day, account
        )
        lines += [_line(row) for row in rows]
    return sorted(lines)


def _line(row: Mapping[str, object] | Record) -> Line:
    return Line(**dict(row))
