"""Closed days and months as kept: where blocks of a day lie, and the steps of a month. Every
statement is short: a month is walked a day and a journal at a time. Nothing here decides."""

from __future__ import annotations

from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.fold import fold_at
from settlement.books.month_report import JournalEnd
from settlement.books.month_states import MonthAct, MonthStep
from settlement.storage import reference
from settlement.storage.queries import CLOSING


class Place(Struct, frozen=True, kw_only=True):
    """Where the steps of a month lie."""

    lane: int
    """of the region's code"""
    month: date


class Doubt(Struct, frozen=True, kw_only=True):
    """Something of which it is not known yet how it ends."""

    what: str
    """payment, mobile, remote or family"""
    found: int
    first: int
    """the number of the first"""


async def first_open_day(connection: Connection[Record]) -> date | None:
    """The first business day that is not closed; None before anything was booked."""
    closed = await reference.closed_through(connection)
    if closed is not None:
        return date.fromordinal(closed.toordinal() + 1)
    return await first_booked_day(connection)


async def first_booked_day(connection: Connection[Record]) -> date | None:
    """The first business day that anything was booked on."""
    first: date | None = await connection.fetchval(CLOSING["first_day"])
    return first


async def block_count(connection: Connection[Record]) -> int:
    """How many blocks there are."""
    count: int = await connection.fetchval(CLOSING["block_count"])
    return count


async def days_without_end(connection: Connection[Record]) -> list[date]:
    """Closed days of which it is not kept yet where they end."""
    return [row["business_day"] for row in await connection.fetch(CLOSING["days_without_end"])]


async def keep_day_end(connection: Connection[Record], day: date) -> None:
    """Keep where the blocks of a closed day lie, and fold the sums of its end."""
    for row in await connection.fetch(CLOSING["keep_day_end"], day):
        await fold_at(
            connection, journal=row["journal"], through_block=row["through_block"]
        )


async def ends_of_journals(connection: Connection[Record], through: date) -> list[JournalEnd]:
    """Where each journal is at the end of a day."""
    rows = await connection.fetch(CLOSING["ends_of_month"], through)
    return [
        JournalEnd(
            journal=row["journal"], block_no=row["block_no"], block_hash=row["block_hash"].hex()
        )
        for row in rows
    ]


async def days_closed(connection: Connection[Record], first: date, last: date) -> set[date]:
    """The closed days from one to another."""
    rows = await connection.fetch(CLOSING["days_closed"], first, last)
    return {row["business_day"] for row in rows}


async def blocks_unlisted(connection: Connection[Record], through: date) -> int:
    """Blocks up to the end of a day that are in no institution's statement yet."""
    behind: int = await connection.fetchval(CLOSING["unlisted"], through)
    return behind


async def in_doubt(connection: Connection[Record], before: int) -> list[Doubt]:
    """What is not at its end, of numbers before one."""
    rows = await connection.fetch(CLOSING["in_doubt"], before)
    return [Doubt(what=row["what"], found=row["found"], first=row["first"]) for row in rows]


async def steps_of(connection: Connection[Record], place: Place) -> list[MonthStep]:
    """What became of a month, in order."""
    rows = await connection.fetch(CLOSING["month_steps"], place.lane, place.month)
    return [month_step_of(row) for row in rows]


def month_step_of(row: Record) -> MonthStep:
    """A step as its row has it."""
    return MonthStep(
        step_no=row["step_no"], act=MonthAct(row["act"]), at=row["recorded_at"],
        actor=row["actor"], reason=row["reason"], reference=row["reference"],
    )  # fmt: skip


async def closed_months(connection: Connection[Record], lane: int) -> list[date]:
    """The months that were closed, in order."""
    rows = await connection.fetch(CLOSING["closed_months"], lane, MonthAct.CLOSE)
    return [row["month"] for row in rows]


async def keep_step(connection: Connection[Record], place: Place, step: MonthStep) -> bool:
    """Keep the next step; False where somebody else took its number."""
    kept = await connection.fetchval(
        CLOSING["keep_month_step"], place.lane, place.month, step.step_no, step.act, step.at,
        step.actor, step.reason, step.reference,
    )  # fmt: skip
    return kept is not None


async def wrong_day_end(connection: Connection[Record]) -> tuple[int, date] | None:
    """The first journal and day of which it is kept otherwise where it ends than it does."""
    row = await connection.fetchrow(CLOSING["wrong_day_end"])
    return None if row is None else (row["journal"], row["business_day"])


def numbers_before(moment: datetime) -> int:
    """Numbers of ours that were given out in earlier months are below this one."""
    return (moment.year % 100 * 100 + moment.month) * 10**15
