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
from settlement.finance.bill_calendar import Asking, Entry, calendar, is_late, sums
from settlement.numbers import lane_in
from settlement.payment import ChannelName
from settlement.storage import bills as store
from settlement.storage.bills import BillFile
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
    entries = await _entries(visit, first, last)
    of_channel = [one for one in entries if channel in ("", one.key.channel)]
    skipped = _number(query.get("from", ""))
    return visit.page(
        "bills.html", TITLE, day=day, month=first, today=today, channel=channel,
        channels=list(CHANNELS), days=sums(of_channel) if day is None else [],
        entries=of_channel[skipped : skipped + SHOWN_MAX] if day else [], found=len(of_channel),
        skipped=skipped, shown_max=SHOWN_MAX, merchants_known=visit.desk.merchants() is not None,
        total=_total(of_channel), with_bills=WITH_BILLS,
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


async def _entries(visit: Visit, first: date, last: date) -> list[Entry]:
    async with visit.desk.reading() as connection:
        begun = await first_booked_day(connection)
        files = await store.bills_between(connection, first, last)
        asked = await store.asked_between(connection, first, last)
    asking = Asking(
        first=first, last=last, today=local_time(visit.at).date(), begun=begun,
        lanes=visit.desk.lanes, merchants=visit.desk.merchants() or (),
    )  # fmt: skip
    return calendar(asking, files, asked)


async def _bill(visit: Visit) -> BillFile | None:
    number = int(visit.parts[0])
    if lane_in(number) >= visit.desk.lanes:
        return None
    async with visit.desk.reading() as connection:
        return await store.bill_file(connection, lane_in(number), number)


def _total(entries: list[Entry]) -> tuple[int, int, int]:
    """Paid, given back and fees of all bills that count."""
    there = [one.file.totals for one in entries if one.file is not None]
    return (
        sum(one.paid_fen for one in there), sum(one.refunded_fen for one in there),
        sum(one.fee_fen for one in there),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
