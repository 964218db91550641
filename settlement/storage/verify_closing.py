"""Verification of what is closed: where days end, what is kept of them, seals, and reports.

All of it was derived from what is booked and is made again here: a seal also shows where the newest
rows were cut off as if they had never been, which no chain does from inside.
"""

from __future__ import annotations

from asyncpg import Connection, Pool, Record

from ledger.audit import BadEntry
from ledger.postgres.pace import Pace
from settlement.books.month_report import report_digest
from settlement.books.month_states import MonthAct, month_text
from settlement.storage import reference
from settlement.storage.closing import Place, closed_months, steps_of, wrong_day_end
from settlement.storage.month_reports import month_report
from settlement.storage.queries import DAY_TOTALS
from settlement.storage.seals import Home, first_bad_seal


async def bad_closing(pool: Pool[Record], *, hurried: bool) -> BadEntry | None:
    """The first thing that is closed and is not what is booked."""
    async with pool.acquire() as connection:
        pace = Pace(hurried=hurried)
        wrong = await wrong_day_end(connection)
        if wrong is not None:
            return BadEntry(journal=wrong[0], what=f"end of the business day {wrong[1]} is wrong")
        installed = await reference.installation(connection)
        if installed is None:
            return None
        home = Home(region=installed.region, lanes=installed.lanes)
        what = await first_bad_seal(connection, home, pace)
        if what is not None:
            return BadEntry(journal=0, what=what)
        return await _wrong_sums(connection, pace) or await _wrong_report(connection, home)


async def _wrong_sums(connection: Connection[Record], pace: Pace) -> BadEntry | None:
    """The first account whose sums at the end of a day, or in the newest fold, are not those of the
    day before and what was booked between."""
    for journal, day, after, through in await connection.fetch(DAY_TOTALS["folds_at_ends"]):
        account = await connection.fetchval(DAY_TOTALS["wrong_fold"], journal, after, through)
        if account is not None:
            at = f"through block {through}" if day is None else f"at the end of {day}"
            return BadEntry(
                journal=journal,
                what=f"sums of account {account} {at} are not those of its entries",
            )
        await pace.rest(connection)
    return None


async def _wrong_report(connection: Connection[Record], home: Home) -> BadEntry | None:
    """The first month whose report, made again, is not what two people said."""
    for month in await closed_months(connection, home.lane):
        try:
            steps = await steps_of(connection, Place(lane=home.lane, month=month))
        except ValueError:  # of the number of an act
            return BadEntry(
                journal=0, what=f"a step of {month_text(month)} is none that a month has"
            )
        digest = report_digest(await month_report(connection, home.region, month))
        if any(one.act is MonthAct.CLOSE and one.reference != digest for one in steps):
            return BadEntry(
                journal=0,
                what=f"report of {month_text(month)} is not the one it was closed by",
            )
    return None
