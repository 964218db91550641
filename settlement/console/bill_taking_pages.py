"""渠道账单, brought by hand: checked first, which writes nothing, then taken.

For a bill that did not come by itself, or was corrected. What a file says of itself need not be
said; what is said must be true (finance/bill_import.py). One person takes it: a bill is what
another party says, and moves no money.
"""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from msgspec import Struct

from settlement.console import bill_pages
from settlement.console.asking import Answer
from settlement.console.ordering import (
    SMALL_BYTES,
    WAIT_SECONDS,
    Order,
    busy_with,
    have_done,
    told_words,
)
from settlement.console.receiving import received
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import BillTask
from settlement.finance.errands import Errand
from settlement.storage.console_files import KeptFile

CHECKED = Words("预览", "Preview")
GONE = Words("文件已不在，请重新上传。", "The file is not here any more: bring it again.")
WRONG_DAY = Words(
    "账单日请写成 2026-11-25，或留空。", "Write its day like 2026-11-25, or leave it out."
)
TEXT_MAX = 40


class Told(Struct, frozen=True, kw_only=True):
    """What whoever brings it says of it; empty where nothing."""

    channel: str
    merchant: str
    day: date | None

    @property
    def query(self) -> str:
        """As an address says it."""
        return urlencode(
            {"channel": self.channel, "merchant": self.merchant, "day": self.day or ""}
        )

    def task(self, file: KeptFile, *, keep: bool) -> BillTask:
        """What is ordered."""
        return BillTask(
            file=file.digest, channel=self.channel, merchant=self.merchant, day=self.day, keep=keep
        )


async def check(visit: Visit) -> Answer:
    """A file is brought: it is read and proven, and nothing is written."""
    told = _told(visit)
    if told is None:
        return await bill_pages.bills(visit.again(WRONG_DAY))
    file = await received(visit)
    if isinstance(file, Words):
        return await bill_pages.bills(visit.again(file))
    works, subject = visit.desk.works, _check_of(file)
    await visit.note("console.bill-check", subject, file.name)
    is_short = file.size_bytes <= SMALL_BYTES
    in_the_way = works.in_the_way(subject, apart=not is_short)
    if in_the_way is not None:
        return await bill_pages.bills(visit.again(busy_with(in_the_way.title)))
    errand = Errand(
        place=visit.desk.place, actor=visit.who.name, reason=CHECKED.zh, at=visit.at,
        task=told.task(file, keep=False),
    )  # fmt: skip
    back = f"/console/bills/checked/{file.digest}?{told.query}"
    work = works.start(
        errand, title=_title(CHECKED, file), subject=subject, back=back, apart=not is_short
    )
    await works.wait(work, WAIT_SECONDS)
    return visit.go(back)


async def checked(visit: Visit) -> Answer:
    """What a file would be taken as, or why it is refused; with ?part=live what changes."""
    told, file = _told(visit), visit.desk.shelf.find(visit.parts[0])
    if told is None or file is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    work = visit.desk.works.last_of(_check_of(file))
    said = None if work is None else work.said
    live = visit.asked.query.get("part") == "live"
    return visit.page(
        "bill_checked_live.html" if live else "bill_checked.html", CHECKED, file=file, told=told,
        work=work, said=None if said is None else told_words(said),
        good=said is not None and not said.status,
    )  # fmt: skip


async def keep(visit: Visit) -> Answer:
    """What was checked is taken: proven once more, then kept. The same bytes change nothing."""
    told, file = _told(visit), visit.desk.shelf.find(visit.parts[0])
    if told is None or file is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    return await have_done(visit, Order(
        task=told.task(file, keep=True), title=_title(Words("导入账单", "Take"), file),
        action="console.bill-take", subject=f"bill file {file.digest[:16]}",
        back="/console/bills", again=checked, is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


def _told(visit: Visit) -> Told | None:
    """What the form, or the address, says; None for a day that is none."""
    said = {**visit.asked.query, **visit.asked.form}
    text = said.get("day", "").strip()
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    channel = said.get("channel", "")
    return Told(
        channel=channel if channel in bill_pages.WITH_BILLS else "",
        merchant=said.get("merchant", "").strip()[:TEXT_MAX], day=day,
    )


def _check_of(file: KeptFile) -> str:
    return f"bill check {file.digest[:16]}"


def _title(what: Words, file: KeptFile) -> Words:
    return Words(f"{what.zh} {file.name}", f"{what.en}: {file.name}")
