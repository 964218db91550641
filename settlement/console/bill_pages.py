"""渠道账单: which bills came of which days, what is missing, late, replaced or could not be read,
and the files as they came.

A month by day and channel, a day of a channel by merchant, one bill with its faults. Bringing one
by hand is in bill_taking_pages.py.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import CHANNELS, Words
from settlement.finance.bill_books import kinds_at
from settlement.finance.bill_calendar import Asking, Entry, calendar, expecting, is_late
from settlement.numbers import lane_in
from settlement.payments.payment import ChannelName
from settlement.storage import bills as store
from settlement.storage.bills import BillFile, DaySum
from settlement.storage.closing import first_booked_day

TITLE = Words("渠道账单", "Bills")
MISSING = Words("没有这份账单", "There is no such bill")
BUSY = Words(
    "正在下载其他文件，请稍后再试。", "Other files are being fetched; please try again in a moment."
)
SHOWN_MAX = 200
ENDING = re.compile(r"\.(?:csv|txt|zip|gz|csv\.gz)$", re.ASCII | re.IGNORECASE)
WITH_BILLS = tuple(one.value for one in ChannelName if kinds_at(one))
"""Channels of which bills are known."""
BYTES_MEDIA = "application/octet-stream"


async def bills(visit: Visit) -> Answer:
    """A month by day and channel, or one day of a channel by merchant."""
    query = visit.asked.query
    channel = query.get("channel", "")
    channel = channel if channel in CHANNELS else ""
    day, month = _day(query.get("day", "")), _day(f"{query.get('month', '')}-01")
    today = local_time(visit.at).date()
    first = day or month or today.replace(day=1)
    last = day or (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    days: list[DaySum] = []
    entries: list[Entry] = []
    if day is None:
        days = await _days(visit, first, last, channel)
    else:
        entries = [
            one for one in await _entries(visit, day) if channel in ("", one.key.channel)
        ]
    skipped = _number(query.get("from", ""))
    return visit.page(
        "bills.html", TITLE, day=day, month=first, today=today, channel=channel,
        channels=list(CHANNELS), days=days, entries=entries[skipped : skipped + SHOWN_MAX],
        found=len(entries) or sum(one.expected for one in days), skipped=skipped,
        shown_max=SHOWN_MAX, merchants_known=visit.desk.merchants() is not None,
        total=_total(days), with_bills=WITH_BILLS,
    )  # fmt: skip


async def bill(visit: Visit) -> Answer:
    """One bill: its sums, where it came from, and rows that could not be read."""
    found = await _bill(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    skipped = _number(visit.asked.query.get("from", ""))
    async with visit.desk.reading() as connection:
        faults = await store.faults_of(connection, found.key.lane, found.file_no)
    return visit.page(
        "bill.html", TITLE, file=found, key=found.key, sums=found.totals,
        late=is_late(found), faults=faults[skipped : skipped + SHOWN_MAX], skipped=skipped,
        shown_max=SHOWN_MAX, may_fetch=visit.may(Right.BILL_FILE),
    )  # fmt: skip


async def bill_file(visit: Visit) -> Answer:
    """The bill as it came."""
    found = await _bill(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    await visit.note("console.download-bill", f"bill {found.file_no}", found.sha256.hex())
    ending = ENDING.search(found.name)
    name = f"bill-{found.key.channel}-{found.key.day:%Y%m%d}-{found.file_no}"
    return Answer(
        media=BYTES_MEDIA, stream=visit.desk.kept_bill(found.key.lane, found.sha256),
        headers=(attachment(f"{name}{'' if ending is None else ending.group().lower()}"),),
    )  # fmt: skip


async def _days(visit: Visit, first: date, last: date, channel: str) -> list[DaySum]:
    """A month counted where it lies: a region with many merchants has thousands of bills."""
    async with visit.desk.reading() as connection:
        asking = _asking(visit, first, last, await first_booked_day(connection))
        return await store.days_between(
            connection, first, last, channel or None, expecting(asking)
        )


async def _entries(visit: Visit, day: date) -> list[Entry]:
    async with visit.desk.reading() as connection:
        asking = _asking(visit, day, day, await first_booked_day(connection))
        files = await store.bills_between(connection, day, day)
        asked = await store.asked_between(connection, day, day)
    return calendar(asking, files, asked)


def _asking(visit: Visit, first: date, last: date, begun: date | None) -> Asking:
    return Asking(
        first=first, last=last, today=local_time(visit.at).date(), begun=begun,
        lanes=visit.desk.lanes, merchants=visit.desk.merchants() or (),
    )  # fmt: skip


async def _bill(visit: Visit) -> BillFile | None:
    number = int(visit.parts[0])
    if lane_in(number) >= visit.desk.lanes:
        return None
    async with visit.desk.reading() as connection:
        return await store.bill_file(connection, lane_in(number), number)


def _total(days: list[DaySum]) -> tuple[int, int, int]:
    """Paid, given back and fees of all bills that count."""
    return (
        sum(one.paid_fen for one in days), sum(one.refunded_fen for one in days),
        sum(one.fee_fen for one in days),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
