"""待发通知: what we owe institutions and persons and have not delivered, by receiver, with every
attempt. An operator sends one again from the list of what is in doubt."""

from __future__ import annotations

from datetime import UTC, datetime

from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.numbers import lane_in, parse
from settlement.outbox import Kind
from settlement.storage import console_reading as store
from settlement.storage.console_reading import Notice, NoticeQuery

TITLE = Words("待发通知", "Notices that wait")
MISSING = Words("没有这个事项的通知", "There is no notice of such a case")
SHOWN_MAX = 100
ATTEMPTS_MAX = 100
TEXT_MAX = 64


async def notices(visit: Visit) -> Answer:
    """What waits, the oldest first, and how much for whom."""
    query = visit.asked.query
    institution = query.get("institution", "").strip()[:TEXT_MAX]
    kind = query.get("kind", "")
    wanted = NoticeQuery(
        institution=institution or None, kind=kind if kind in list(Kind) else None,
        after=_after(query.get("after", "")),
    )  # fmt: skip
    async with visit.desk.reading() as connection:
        rows = await store.notices(connection, visit.scope, wanted, limit=SHOWN_MAX + 1)
        owed = await store.notices_counted(connection, visit.scope)
    return visit.page(
        "notices.html", TITLE, rows=rows[:SHOWN_MAX], owed=owed, institution=institution,
        kind=wanted.kind or "", kinds=list(Kind), more=_more(rows),
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def notice(visit: Visit) -> Answer:
    """The notices of a case with every attempt."""
    case_no = int(visit.parts[0])
    rows: list[Notice] = []
    if lane_in(case_no) < visit.desk.lanes:
        async with visit.desk.reading() as connection:
            rows = await store.notices_of(connection, visit.scope, case_no)
            tried = await store.attempts_of(
                connection, visit.scope, case_no, limit=ATTEMPTS_MAX + 1
            )
    if not rows:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    return visit.page(
        "notice.html", TITLE, case_no=case_no, rows=rows, attempts=tried[:ATTEMPTS_MAX],
        cut=len(tried) > ATTEMPTS_MAX, names=await visit.desk.institution_names(),
    )  # fmt: skip


def _after(text: str) -> tuple[datetime, int, int] | None:
    """Where the page before ended, by its link."""
    parts = text.split("-")
    if len(parts) != 3 or not all(one.isascii() and one.isdecimal() for one in parts):
        return None
    case_no = parse(parts[1])
    if case_no is None or len(parts[0]) > 17 or len(parts[2]) > 9:
        return None
    seconds, rest = divmod(int(parts[0]), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), case_no, int(parts[2])


def _more(rows: list[Notice]) -> str | None:
    if len(rows) <= SHOWN_MAX:
        return None
    last = rows[SHOWN_MAX - 1]
    micros = int(last.told_at.timestamp()) * 1_000_000 + last.told_at.microsecond
    return f"{micros}-{last.case_no}-{last.notice_no}"
