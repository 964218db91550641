"""机构对账文件: what institutions say that they settled, the third side of the reconciliation.

A month's files, one file with the lines that could not be read and as it came, and bringing one:
proven first, which writes nothing, then taken and matched with our books. One person takes it: it
moves no money, and what it differs by is in the worklist of differences. An institution's finance
sees its own.
"""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from msgspec import Struct

from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
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
from settlement.finance.errand_tasks import InstitutionFileTask
from settlement.finance.errands import Errand
from settlement.numbers import lane_in
from settlement.storage import bills, console_reading
from settlement.storage.console_files import KeptFile
from settlement.storage.institutions import InstitutionFile

TITLE = Words("机构对账文件", "Files of institutions")
CHECKED = Words("预览", "Preview")
MISSING = Words("没有这份文件", "There is no such file")
GONE = Words("文件已不在，请重新上传。", "The file is not here any more: bring it again.")
INCOMPLETE = Words(
    "请填写机构编码和期间，如 2026-11-01 至 2026-11-30。",
    "Please give the institution's code and the days, like 2026-11-01 to 2026-11-30.",
)
BUSY = Words(
    "正在下载其他文件，请稍后再试。", "Other files are being fetched; please try again in a moment."
)
SHOWN_MAX = 200
TEXT_MAX = 40
DAYS_MAX = 366
BYTES_MEDIA = "application/octet-stream"
ENDINGS = {"3202": "zip", "csv": "csv", "xlsx": "xlsx"}
PLACE = "/console/institution-files"


class Told(Struct, frozen=True, kw_only=True):
    """Whose file it is, and of which days."""

    institution: str
    first: date
    last: date

    @property
    def query(self) -> str:
        """As an address says it."""
        return urlencode({"institution": self.institution, "first": self.first, "last": self.last})

    def task(self, file: KeptFile, *, keep: bool) -> InstitutionFileTask:
        """What is ordered."""
        return InstitutionFileTask(
            file=file.digest, institution=self.institution, first=self.first, last=self.last,
            keep=keep,
        )  # fmt: skip


async def files(visit: Visit) -> Answer:
    """The files of a month."""
    query = visit.asked.query
    today = local_time(visit.at).date()
    month = _day(f"{query.get('month', '')}-01") or today.replace(day=1)
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    whose = query.get("institution", "").strip()[:TEXT_MAX]
    skipped = _number(query.get("from", ""))
    async with visit.desk.reading() as connection:
        listed, in_all = await console_reading.institution_files(
            connection, visit.scope, (month, last), whose or None, limit=SHOWN_MAX, skip=skipped
        )
    return visit.page(
        "institution_files.html", TITLE, files=listed, in_all=in_all, month=month, last=last,
        institution=visit.scope or whose, skipped=skipped, shown_max=SHOWN_MAX,
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def file(visit: Visit) -> Answer:
    """One file, with the lines that could not be read."""
    found = await _file(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    async with visit.desk.reading() as connection:
        faults = await bills.faults_of(connection, found.lane, found.file_no)
    skipped = _number(visit.asked.query.get("from", ""))
    return visit.page(
        "institution_file.html", TITLE, file=found, skipped=skipped, shown_max=SHOWN_MAX,
        faults=faults[skipped : skipped + SHOWN_MAX],
        name=(await visit.desk.institution_names()).get(found.institution, ""),
    )  # fmt: skip


async def as_it_came(visit: Visit) -> Answer:
    """The file as it was brought."""
    found = await _file(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    subject = f"institution file {found.file_no}"
    await visit.note("console.download-institution-file", subject, found.sha256.hex())
    name = f"{found.institution}-{found.begins_on:%Y%m%d}-{found.file_no}.{ENDINGS[found.form]}"
    return Answer(
        media=BYTES_MEDIA, stream=visit.desk.kept_bill(found.lane, found.sha256),
        headers=(attachment(name),),
    )  # fmt: skip


async def check(visit: Visit) -> Answer:
    """A file is brought: it is read and proven, and nothing is written."""
    told = _told(visit)
    if told is None:
        return await files(visit.again(INCOMPLETE))
    brought = await received(visit)
    if isinstance(brought, Words):
        return await files(visit.again(brought))
    works, subject = visit.desk.works, _check_of(brought)
    await visit.note("console.institution-file-check", subject, brought.name)
    is_short = brought.size_bytes <= SMALL_BYTES
    in_the_way = works.in_the_way(subject, apart=not is_short)
    if in_the_way is not None:
        return await files(visit.again(busy_with(in_the_way.title)))
    errand = Errand(
        place=visit.desk.place, actor=visit.who.name, reason=CHECKED.zh, at=visit.at,
        task=told.task(brought, keep=False),
    )  # fmt: skip
    back = f"{PLACE}/checked/{brought.digest}?{told.query}"
    work = works.start(
        errand, title=_title(CHECKED, brought), subject=subject, back=back, apart=not is_short
    )
    await works.wait(work, WAIT_SECONDS)
    return visit.go(back)


async def checked(visit: Visit) -> Answer:
    """What a file would be taken as, or why it is refused; with ?part=live what changes."""
    told, brought = _told(visit), visit.desk.shelf.find(visit.parts[0])
    if told is None or brought is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    work = visit.desk.works.last_of(_check_of(brought))
    said = None if work is None else work.said
    live = visit.asked.query.get("part") == "live"
    return visit.page(
        "institution_file_checked_live.html" if live else "institution_file_checked.html", CHECKED,
        file=brought, told=told, work=work, said=None if said is None else told_words(said),
        good=said is not None and not said.status,
        name=(await visit.desk.institution_names()).get(told.institution, ""),
    )  # fmt: skip


async def keep(visit: Visit) -> Answer:
    """What was checked is taken, proven once more, and matched with our books."""
    told, brought = _told(visit), visit.desk.shelf.find(visit.parts[0])
    if told is None or brought is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    return await have_done(visit, Order(
        task=told.task(brought, keep=True), title=_title(Words("导入", "Take"), brought),
        action="console.institution-file-take",
        subject=f"institution file {brought.digest[:16]}",
        back=f"{PLACE}?month={told.first:%Y-%m}", again=checked,
        is_short=brought.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def _file(visit: Visit) -> InstitutionFile | None:
    number = int(visit.parts[0])
    if lane_in(number) >= visit.desk.lanes:
        return None
    async with visit.desk.reading() as connection:
        return await console_reading.institution_file(connection, visit.scope, number)


def _told(visit: Visit) -> Told | None:
    """What the form, or the address, says; None where something is missing."""
    said = {**visit.asked.query, **visit.asked.form}
    institution = said.get("institution", "").strip()[:TEXT_MAX]
    first, last = _day(said.get("first", "")), _day(said.get("last", ""))
    if first is None or last is None or not institution:
        return None
    if not 0 <= (last - first).days < DAYS_MAX:
        return None
    return Told(institution=institution, first=first, last=last)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def _check_of(brought: KeptFile) -> str:
    return f"institution file check {brought.digest[:16]}"


def _title(what: Words, brought: KeptFile) -> Words:
    return Words(f"{what.zh} {brought.name}", f"{what.en}: {brought.name}")
