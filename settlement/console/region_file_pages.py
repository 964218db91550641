"""异地清算文件: files of other regions and the hub that were taken, month by month, and each as it
came. To look at: `settlement clear take` and `settlement reconcile-regions` bring them.
"""

from __future__ import annotations

from datetime import date

from settlement.books.month_states import last_day
from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
from settlement.console.close_pages import BUSY
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.numbers import lane_in
from settlement.storage import region_files as store

TITLE = Words("异地清算文件", "Files of other regions")
MISSING = Words("没有这份文件", "There is no such file")
NO_MONTH = Words("月份不正确，应为 2026-11", "Not a month: write 2026-11")
KINDS = {
    "day": Words("日清单", "list of a day"), "statement": Words("清算表", "statement"),
    "answer": Words("答复", "answer"), "notice": Words("通知", "notice"),
}  # fmt: skip
SHOWN_MAX = 200
BYTES_MEDIA = "application/octet-stream"


async def files(visit: Visit) -> Answer:
    """The files of a month; without one, of the present."""
    asked = visit.asked.query.get("month", "")
    month = _month(asked)
    if month is None:
        visit = visit.again(NO_MONTH) if asked else visit
        month = local_time(visit.at).date().replace(day=1)
    skipped = visit.asked.query.get("from", "")
    skip = int(skipped) if skipped.isascii() and skipped.isdigit() and len(skipped) < 7 else 0
    async with visit.desk.reading() as connection:
        listed, in_all = await store.files_of(
            connection, month, last_day(month), limit=SHOWN_MAX, skip=skip
        )
    return visit.page(
        "region_files.html", TITLE, files=listed, in_all=in_all, month=f"{month:%Y-%m}",
        skipped=skip, shown_max=SHOWN_MAX, kinds=KINDS,
    )  # fmt: skip


async def as_it_came(visit: Visit) -> Answer:
    """A file as it was brought."""
    number = int(visit.parts[0])
    found = None
    if lane_in(number) < visit.desk.lanes:
        async with visit.desk.reading() as connection:
            found = await store.file_of(connection, number)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    subject = f"region file {found.file_no}"
    await visit.note("console.download-region-file", subject, found.sha256.hex())
    name = f"{found.region}-{found.kind}-{found.day:%Y%m%d}-{found.file_no}.json"
    return Answer(
        media=BYTES_MEDIA, stream=visit.desk.kept_bill(found.lane, found.sha256),
        headers=(attachment(name),),
    )  # fmt: skip


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
