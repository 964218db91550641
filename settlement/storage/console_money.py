"""What the console's pages of money read: months, what is open of them, sealed months. Nothing here
decides; what is of one institution is read through the scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.difference_states import UNDER_WAY
from settlement.books.month_states import MonthStep
from settlement.books.sealing import Root, Span
from settlement.storage.closing import month_step_of
from settlement.storage.queries import CONSOLE_MONEY


class OpenDifferences(Struct, frozen=True, kw_only=True):
    """Differences that nobody has ended."""

    found: int
    first: date | None
    due_fen: int


class SealedInstitution(Struct, frozen=True, kw_only=True):
    """The seal of an institution."""

    name: str
    sealed: Root
    signature: bytes


async def all_month_steps(connection: Connection[Record]) -> dict[date, list[MonthStep]]:
    """What became of every month that somebody began to close."""
    found: dict[date, list[MonthStep]] = {}
    for row in await connection.fetch(CONSOLE_MONEY["all_month_steps"]):
        found.setdefault(row["month"], []).append(month_step_of(row))
    return found


async def open_differences(
    connection: Connection[Record], first: date, last: date
) -> OpenDifferences:
    """Differences with channels of some days that nobody has ended."""
    row = await connection.fetchrow(
        CONSOLE_MONEY["differences_of_month"], first, last, [int(one) for one in UNDER_WAY]
    )
    if row is None:
        return OpenDifferences(found=0, first=None, due_fen=0)
    return OpenDifferences(found=row["found"], first=row["first"], due_fen=row["due_fen"])


async def stated_of(connection: Connection[Record], first: date, last: date) -> set[str]:
    """For whom a period that begins on some days was stated."""
    rows = await connection.fetch(CONSOLE_MONEY["payout_stated_of_month"], first, last)
    return {row["institution"] for row in rows}


async def periods_of(connection: Connection[Record], first: date, last: date) -> list[date]:
    """The stated periods that begin on some days."""
    rows = await connection.fetch(CONSOLE_MONEY["payout_periods_of_month"], first, last)
    return [row["first_on"] for row in rows]


async def sealed_of(
    connection: Connection[Record], scope: str | None, span: Span, text: str, limit: int
) -> list[SealedInstitution]:
    """Seals of a span: of one institution, or of all that are called so."""
    rows = await connection.fetch(
        CONSOLE_MONEY["sealed_of"], scope, span.begins_on, span.ends_on, text, limit
    )
    return [
        SealedInstitution(
            name=row["name"] or "",
            sealed=Root(
                institution=row["institution"], settlements=row["settlements"], root=row["root"]
            ),
            signature=row["signature"],
        )
        for row in rows
    ]


def months_between(first: date, last: date) -> Iterable[date]:
    """First days of months, the newest first."""
    month = last.replace(day=1)
    while month >= first.replace(day=1):
        yield month
        month = month.replace(year=month.year - (month.month == 1), month=month.month - 1 or 12)
