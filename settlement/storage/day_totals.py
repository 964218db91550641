"""What closed days came to, as kept: totals by institution, and the leaves under their seals
(ADR 0049).

A day is read once, when it is closed, a journal at a time; totals, leaves and seals are written in
one transaction, so who finds a day sealed finds its totals. Nothing here decides.
"""

from __future__ import annotations

from datetime import date, timedelta

from asyncpg import Connection, Record
from msgspec import Struct
from msgspec.structs import replace

from settlement.books.day_totals import DayTotal
from settlement.books.month_report import Total
from settlement.books.monthly_statement import AMOUNTS
from settlement.books.sealing import ByInstitution, Leaves
from settlement.lanes import lane_of
from settlement.storage.queries import CLOSING, DAY_TOTALS

SETTLED_AROUND_DAYS = 7
"""So far a day of settling lies from its business day at most: where days are closed early."""
_KEY = ("institution", "setl_on", "kind", "scheme", "clearing_type", "category", "care_type")
_COLUMNS = ("business_day", "lane", *_KEY, "row_count", *AMOUNTS, "persons")


class DayRows(Struct, frozen=True, kw_only=True):
    """All that was settled on a day."""

    totals: list[DayTotal]
    leaves: ByInstitution


class Span(Struct, frozen=True, kw_only=True):
    """Days of settling that somebody asks for, of whom, and who may see it."""

    scope: str | None
    institution: str
    first: date
    last: date


async def read_day(connection: Connection[Record], day: date) -> DayRows:
    """Read a business day from what was booked."""
    totals: dict[tuple[object, ...], DayTotal] = {}
    leaves: ByInstitution = {}
    for journal, after, last in await connection.fetch(CLOSING["pieces_of_day"], day):
        for row in await connection.fetch(DAY_TOTALS["rows_of_day"], journal, after, last, day):
            one = _total(row)
            before = totals.get(one.key)
            totals[one.key] = one if before is None else _joined(before, one)
            leaves.setdefault(one.institution, Leaves()).add(row["numbers"], row["leaves"])
    return DayRows(totals=list(totals.values()), leaves=leaves)


async def keep_day(
    connection: Connection[Record], lanes: int, day: date, rows: DayRows
) -> None:
    """Keep what a day came to, in the caller's transaction."""
    lane = {code: lane_of(code, lanes) for code in rows.leaves}
    await connection.copy_records_to_table(
        "day_total", schema_name="settlement", columns=_COLUMNS,
        records=[
            (day, lane[one.institution], *one.key, one.row_count, *one.amounts, one.persons)
            for one in rows.totals
        ],
    )  # fmt: skip
    await connection.copy_records_to_table(
        "day_leaves", schema_name="settlement",
        columns=("business_day", "lane", "institution", "numbers", "leaves"),
        records=[
            (day, lane[code], code, *found.told()) for code, found in rows.leaves.items()
        ],
    )  # fmt: skip


async def kept_through(connection: Connection[Record]) -> date | None:
    """The last business day whose totals are kept."""
    day: date | None = await connection.fetchval(DAY_TOTALS["kept_through"])
    return day


async def kept_leaves(connection: Connection[Record], day: date) -> ByInstitution:
    """The leaves kept of a day."""
    found: ByInstitution = {}
    for row in await connection.fetch(DAY_TOTALS["kept_leaves"], day):
        found.setdefault(row["institution"], Leaves()).add(row["numbers"], row["leaves"])
    return found


async def settled_between(
    connection: Connection[Record], first: date, last: date
) -> list[Total]:
    """What was settled on some closed days, by scheme, clearing type and kind."""
    rows = await connection.fetch(DAY_TOTALS["settled_between"], first, last)
    return [Total(**dict(row)) for row in rows]


async def totals_of(connection: Connection[Record], span: Span) -> list[DayTotal]:
    """What an institution settled on some days: closed days from what is kept of them, the rest
    from its rows. Exact while days are closed and rows booked: which day is the last of the kept is
    asked first, and neither part changes with it."""
    asked = (span.scope, span.institution, span.first, span.last)
    through = await kept_through(connection) or date.min
    kept = await connection.fetch(DAY_TOTALS["statement_kept"], *asked, through)
    around = SETTLED_AROUND_DAYS if through > date.min else 0
    since = await connection.fetch(
        DAY_TOTALS["statement_since"], *asked, through, through - timedelta(days=around)
    )
    return [_total(row) for row in (*kept, *since)]


async def wrong_day(
    connection: Connection[Record], day: date, booked: DayRows
) -> str | None:
    """Whose totals or leaves kept of a day are not what is booked."""
    rows = await connection.fetch(DAY_TOTALS["kept_totals"], day)
    kept = {one.key: one for one in map(_total, rows)}
    for one in sorted(booked.totals, key=lambda one: one.key):
        known = kept.pop(one.key, None)
        if known is None or (known.row_count, known.amounts, sorted(known.persons)) != (
            one.row_count, one.amounts, sorted(one.persons)
        ):  # fmt: skip
            return one.institution
    if kept:
        return min(kept)[0]
    leaves = await kept_leaves(connection, day)
    return _differing(booked.leaves, leaves)


def _differing(booked: ByInstitution, kept: ByInstitution) -> str | None:
    for code in sorted(booked.keys() | kept.keys()):
        if code not in booked or code not in kept:
            return code
        if booked[code].told() != kept[code].told():
            return code
    return None


def _joined(one: DayTotal, other: DayTotal) -> DayTotal:
    return replace(
        one, row_count=one.row_count + other.row_count,
        amounts=tuple(a + b for a, b in zip(one.amounts, other.amounts, strict=True)),
        persons=one.persons + other.persons,
    )  # fmt: skip


def _total(row: Record) -> DayTotal:
    return DayTotal(
        institution=row["institution"], setl_on=row["setl_on"], kind=row["kind"],
        scheme=row["scheme"], clearing_type=row["clearing_type"], category=row["category"],
        care_type=row["care_type"], row_count=row["row_count"],
        amounts=tuple(row[name] for name in AMOUNTS), persons=tuple(row["persons"]),
    )  # fmt: skip
