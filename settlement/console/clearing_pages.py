"""清算账户: what should reach zero with payment channels, how soon it does, and what is open.

The first page is a month; a day of it leads to its accounts, and those of one institution to the
rows and the differences behind them. An institution's finance sees its own and is not asked which.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from settlement.books.clearing_accounts import IN_TIME, Kept, account
from settlement.chart import CHANNEL_OFFSET
from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.clearing_reports import INSTITUTIONS_MAX, overview, percent
from settlement.institution import Institution
from settlement.storage import clearing_accounts as store
from settlement.storage import reference
from settlement.storage.clearing_accounts import Group

TITLE = Words("清算账户", "Clearing accounts")
NO_MONTH = Words("月份请写成 2026-11。", "Please write the month like 2026-11.")
NO_DAY = Words("日期请写成 2026-11-16。", "Please write the day like 2026-11-16.")
SPANS = [Words(f"{n} 天内", "1 day" if n == 1 else f"{n} days") for n in IN_TIME]
ACCOUNTS_MAX, ROWS_MAX, TEXT_MAX = 300, 200, 64


async def overview_page(visit: Visit) -> Answer:
    """A month: scores, channels, what is open by age, institutions, days."""
    today = local_time(visit.at).date()
    text = visit.asked.query.get("month", "") or f"{today:%Y-%m}"
    first = _date(f"{text}-01")
    if first is None:
        visit, first = visit.again(NO_MONTH), today.replace(day=1)
    which = _group(visit, first, _last_of(first))
    async with visit.desk.reading() as connection:
        found = await overview(connection, which, lanes=visit.desk.lanes, today=today)
        institutions = await reference.institutions(connection)
    return visit.page(
        "clearing.html", TITLE, found=found, which=which, month=f"{first:%Y-%m}",
        institutions=found.institutions, institutions_max=INSTITUTIONS_MAX,
        names=_names(institutions), score_text=percent,
        channels=list(CHANNEL_OFFSET), spans=SPANS,
    )  # fmt: skip


async def day_page(visit: Visit) -> Answer:
    """A day: its accounts and differences; of one institution also its rows."""
    today = local_time(visit.at).date()
    day = _date(visit.asked.query.get("day", ""))
    if day is None:
        visit, day = visit.again(NO_DAY), today
    which = _group(visit, day, day)
    await visit.note("console.view-clearing", f"clearing {day}", which.institution or "")
    async with visit.desk.reading() as connection:
        found = await store.accounts_of_day(connection, which, ACCOUNTS_MAX)
        held = await store.held(connection, which)
        institutions = await reference.institutions(connection)
        rows = []
        if which.institution is not None:
            rows = await store.rows_of_day(
                connection, which.institution, which.channel, day, ROWS_MAX
            )
    return visit.page(
        "clearing_day.html", TITLE, which=which, day=day, held=held, rows=rows,
        accounts=[(one, account(Kept(sums=one.standing.sums), (), today)) for one in found],
        accounts_max=ACCOUNTS_MAX, rows_max=ROWS_MAX, names=_names(institutions),
    )  # fmt: skip


def _group(visit: Visit, first: date, last: date) -> Group:
    query = visit.asked.query
    channel = query.get("channel", "")
    return Group(
        first=first, last=last,
        institution=visit.scope or query.get("institution", "").strip()[:TEXT_MAX] or None,
        channel=channel if channel in CHANNEL_OFFSET else None,
    )  # fmt: skip


def _names(institutions: Mapping[str, Institution]) -> Mapping[str, str]:
    return {code: one.name for code, one in institutions.items()}


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _last_of(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
