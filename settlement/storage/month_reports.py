"""The closing report of a month, from what is kept of its days (ADR 0049): sums at both ends, and
what each day came to. Made again at any time it is the same to the byte."""

from __future__ import annotations

from datetime import date, timedelta

from asyncpg import Connection, Record

from settlement.books.month_report import MonthReport, make_report
from settlement.books.month_states import last_day
from settlement.storage import past
from settlement.storage.closing import ends_of_journals
from settlement.storage.day_totals import settled_between


async def month_report(
    connection: Connection[Record], region: str, month: date
) -> MonthReport:
    """The report of a month whose days are closed."""
    ends_on = last_day(month)
    return make_report(
        region=region, first_day=month, last_day=ends_on,
        journals=await ends_of_journals(connection, ends_on),
        totals=await settled_between(connection, month, ends_on),
        before=await past.sums_at(connection, day=month - timedelta(days=1)),
        after=await past.sums_at(connection, day=ends_on),
        owners=await past.owners(connection),
    )  # fmt: skip
