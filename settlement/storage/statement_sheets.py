"""An institution's month and the prints of settlement sheets, read within a scope (ADR 0043).

Details come by day, some thousand at a time, each in a statement of its own: nothing waits for a
reader who is slow, and what is held in memory does not grow with the month.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.clearing import last_day
from settlement.books.day_totals import groups_of
from settlement.books.monthly_statement import Group, StatementAsked, StatementHead
from settlement.numbers import lane_in
from settlement.storage.day_totals import Span, totals_of
from settlement.storage.queries import SHEETS

ROWS_AT_ONCE = 5_000
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
PRINT_TRIES = 20


class Print(Struct, frozen=True, kw_only=True):
    """One print of a sheet."""

    print_no: int
    printed_at: datetime
    printed_by: str
    place: str


async def read_head(
    connection: Connection[Record], asked: StatementAsked, *, at: datetime
) -> StatementHead | None:
    """Whose month it is; None where there is no such institution within the scope."""
    row = await connection.fetchrow(SHEETS["statement_institution"], asked.scope, asked.institution)
    if row is None:
        return None
    return StatementHead(
        institution=row["code"], name=row["name"], region=row["region"], month=asked.month,
        made_at=at,
    )  # fmt: skip


async def read_groups(connection: Connection[Record], asked: StatementAsked) -> list[Group]:
    """What the month comes to, without its details: from its closed days and what came since."""
    span = Span(
        scope=asked.scope, institution=asked.institution, first=asked.month,
        last=last_day(asked.month),
    )  # fmt: skip
    return groups_of(await totals_of(connection, span))


async def read_details(
    connection: Connection[Record], asked: StatementAsked, *, rows_at_once: int = ROWS_AT_ONCE
) -> AsyncIterator[list[Record]]:
    """The rows of the month in the order of their settling, so many at a time."""
    for day in _days(asked.month):
        after, last = _BEFORE_ALL, 0
        while True:
            rows = await connection.fetch(
                SHEETS["statement_details"], asked.scope, asked.institution, day, after, last,
                rows_at_once,
            )  # fmt: skip
            if rows:
                after, last = rows[-1]["setl_time"], rows[-1]["setl_id"]
                yield rows
            if len(rows) < rows_at_once:
                break


async def add_print(
    connection: Connection[Record], scope: str | None, setl_id: int, *, by: str, place: str,
    at: datetime,
) -> int | None:  # fmt: skip
    """Count a print; its number, or None where there is no such settlement within the scope. Two at
    the same moment get two numbers."""
    lane = lane_in(setl_id)
    for _ in range(PRINT_TRIES):
        number: int | None = await connection.fetchval(
            SHEETS["add_sheet_print"], scope, lane, setl_id, at, by, place
        )
        if number is not None:
            return number
        found = await connection.fetchrow(SHEETS["sheet_settlement"], scope, lane, setl_id)
        if found is None:
            return None
    raise RuntimeError(f"a print of {setl_id} got no number in {PRINT_TRIES} tries")


async def prints(connection: Connection[Record], setl_id: int) -> list[Print]:
    """The prints of a sheet, the newest first."""
    rows = await connection.fetch(SHEETS["sheet_prints"], lane_in(setl_id), setl_id)
    return [Print(**dict(row)) for row in rows]


async def institution_of(
    connection: Connection[Record], scope: str | None, setl_id: int
) -> tuple[str, str] | None:
    """Code and name of the institution that settled; None outside the scope. One that is not
    registered here (care in another region) has no name."""
    row = await connection.fetchrow(
        SHEETS["sheet_settlement"], scope, lane_in(setl_id), setl_id
    )
    return None if row is None else (row["institution"], row["institution_name"] or "")


def _days(month: date) -> list[date]:
    return [month + timedelta(days=n) for n in range(last_day(month).day)]
