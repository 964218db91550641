"""资金流入: files of fund income and of personal accounts, brought, checked, proposed by one person
and confirmed by another, and then booked.

Acts are those of `settlement income` and `settlement allot` (finance/money_*.py). A file is brought
once: what was checked is what is proposed, and what was proposed is what another confirms.
"""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from msgspec import Struct

from settlement.books.money_in import State, Subject
from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.ordering import (
    FEW,
    SMALL_BYTES,
    WAIT_SECONDS,
    Order,
    Page,
    busy_with,
    have_done,
    resumed,
    told_words,
    without_signing,
)
from settlement.console.receiving import received
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import MoneyFileTask, MoneyTask
from settlement.finance.errands import Errand
from settlement.finance.money_files import NOTHING_LEFT
from settlement.storage import money as store
from settlement.storage import reference
from settlement.storage.console_files import KeptFile
from settlement.storage.money import MoneyFile

TITLE = Words("资金流入", "Money in")
CHECKED = Words("预览", "Preview")
MISSING = Words("没有这个文件。", "There is no such file.")
GONE = Words("文件已不在，请重新上传。", "The file is not here any more: bring it again.")
NO_SUBJECT = Words(
    "请选择文件类型，并填写月份，如 2026-11。", "Please choose a kind, and a month like 2026-11."
)
SUBJECTS = {"income": Subject.INCOME, "accounts": Subject.ACCOUNTS}
NAMES = {
    Subject.INCOME: Words("基金收入", "fund income"),
    Subject.ACCOUNTS: Words("个人账户", "personal accounts"),
}
FILES_MAX = 100
LEFT_MAX = 50


class Told(Struct, frozen=True, kw_only=True):
    """What somebody says a file is."""

    subject: Subject
    month: date

    @property
    def query(self) -> str:
        """As an address says it."""
        return urlencode({"subject": self.subject.name.lower(), "month": f"{self.month:%Y-%m}"})


async def files(visit: Visit) -> Answer:
    """All files, the newest first, and a form to bring one."""
    async with visit.desk.reading() as connection:
        found = [
            one for subject in Subject for one in await store.files(connection, subject)
        ]
    found.sort(key=lambda one: -one.file_no)
    today = local_time(visit.at).date()
    return visit.page(
        "money.html", TITLE, files=found[:FILES_MAX], kinds=SUBJECTS, names=NAMES,
        month=f"{today:%Y-%m}",
        earlier=f"{today.replace(day=1) - timedelta(days=1):%Y-%m}",
    )  # fmt: skip


async def check(visit: Visit) -> Answer:
    """A file is brought: it is read and compared, and nothing is written."""
    told = _told(visit)
    if told is None:
        return await files(visit.again(NO_SUBJECT))
    file = await received(visit)
    if isinstance(file, Words):
        return await files(visit.again(file))
    return await begin_check(visit, told, file, again=files)


async def begin_check(visit: Visit, told: Told, file: KeptFile, *, again: Page) -> Answer:
    """Have a file that is here checked; see the page that says what it would book."""
    works = visit.desk.works
    subject = _subject(file)
    await visit.note("console.money-check", subject, file.name)
    in_the_way = works.in_the_way(subject)
    if in_the_way is not None:
        return await again(visit.again(busy_with(in_the_way.title)))
    errand = Errand(
        place=visit.desk.place, actor=visit.who.name, reason=CHECKED.zh, at=visit.at,
        task=MoneyTask(
            subject=told.subject, month=told.month, file=file.digest, propose=False
        ),
    )  # fmt: skip
    back = f"/console/money/checked/{file.digest}?{told.query}"
    work = works.start(
        errand, title=_title(CHECKED, file), subject=subject, back=back,
        apart=file.size_bytes > SMALL_BYTES,
    )  # fmt: skip
    await works.wait(work, WAIT_SECONDS)
    return visit.go(back)


async def checked(visit: Visit) -> Answer:
    """What a file would book, or what is wrong with it, row by row."""
    visit = resumed(visit)
    told, file = _told(visit), visit.desk.shelf.find(visit.parts[0])
    if told is None or file is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    work = visit.desk.works.last_of(_subject(file))
    async with visit.desk.reading() as connection:
        same = [
            one for one in await store.files(connection, told.subject)
            if one.digest == file.digest and one.month == told.month
            and one.state is not State.REJECTED
        ]  # fmt: skip
    template = "money_checked.html"
    if visit.asked.query.get("part") == "live":
        template = "money_checked_live.html"
    said = None if work is None or work.said is None else work.said
    return visit.page(
        template, CHECKED, file=file, told=told, work=work, names=NAMES,
        said=None if said is None else told_words(said),
        good=said is not None and not said.status,
        has_rows=said is not None and NOTHING_LEFT not in said.text,
        known=same[0] if same else None,
    )  # fmt: skip


async def propose(visit: Visit) -> Answer:
    """What was checked is proposed, for another person to confirm."""
    told, file = _told(visit), visit.desk.shelf.find(visit.parts[0])
    if told is None or file is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    task = MoneyTask(subject=told.subject, month=told.month, file=file.digest, propose=True)
    return await have_done(visit, Order(
        task=task, title=_title(Words("提出", "Propose"), file), action="console.money-propose",
        subject=f"money file {file.digest[:16]}", back="/console/money", again=checked,
        is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def file(visit: Visit) -> Answer:
    """One file: its totals, what became of it, and what found too little."""
    visit = resumed(visit)
    found = await _file(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    left: list[tuple[int, int, int, int]] = []
    async with visit.desk.reading() as connection:
        if found.state is State.BOOKED and found.out_fen:
            for lane in sorted(await reference.lanes(connection)):
                left += [
                    (row, fen, taken.taken_fen, taken.owed_fen)
                    for row, _, _, fen, taken in await store.left_of(connection, found, lane)
                ]
    return visit.page(
        "money_file.html", TITLE, file=found, names=NAMES, left=sorted(left)[:LEFT_MAX],
        left_count=len(left), kind=visit.parts[0],
        is_proposer=found.proposer == visit.who.name, totals=without_signing(found.totals),
        work=visit.desk.works.in_the_way(f"money file {found.file_no}"),
    )  # fmt: skip


async def confirm(visit: Visit) -> Answer:
    """Another person confirms it, and it is booked; one that was cut short goes on."""
    return await _end(visit, confirm=True)


async def reject(visit: Visit) -> Answer:
    """It is not to be booked."""
    return await _end(visit, confirm=False)


async def _end(visit: Visit, *, confirm: bool) -> Answer:
    found = await _file(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    what = Words("确认入账", "Confirm and book") if confirm else Words("否决", "Reject")
    return await have_done(visit, Order(
        task=MoneyFileTask(subject=found.subject, file_no=found.file_no, confirm=confirm),
        title=Words(f"{what.zh} {found.name}", f"{what.en}: {found.name}"),
        action=f"console.money-{'confirm' if confirm else 'reject'}",
        subject=f"money file {found.file_no}",
        back=f"/console/money/{visit.parts[0]}/{found.file_no}", again=file,
        is_short=not confirm or found.row_count <= FEW,
    ))  # fmt: skip


async def _file(visit: Visit) -> MoneyFile | None:
    subject, number = SUBJECTS[visit.parts[0]], int(visit.parts[1])
    async with visit.desk.reading() as connection:
        found = await store.files(connection, subject)
    return next((one for one in found if one.file_no == number), None)


def _told(visit: Visit) -> Told | None:
    """What the form, or the address, says a file is."""
    said = {**visit.asked.query, **visit.asked.form}
    subject = SUBJECTS.get(said.get("subject", ""))
    try:
        month = date.fromisoformat(f"{said.get('month', '').strip()}-01")
    except ValueError:
        return None
    return None if subject is None else Told(subject=subject, month=month)


def _subject(file: KeptFile) -> str:
    return f"money check {file.digest[:16]}"


def _title(what: Words, file: KeptFile) -> Words:
    return Words(f"{what.zh} {file.name}", f"{what.en}: {file.name}")
