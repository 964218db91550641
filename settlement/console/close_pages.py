"""月结: the months of the books, and the closing of one as a list that people work through.

Acts are those of `settlement close month` (finance/months.py). Verifying, proposing, confirming and
sealing walk a month and are watched while they go on; whoever confirms is not who proposed.
"""

from __future__ import annotations

from datetime import date, timedelta

from msgspec import Struct

from settlement.books.month_states import (
    MonthAct,
    MonthStanding,
    MonthState,
    MonthStep,
    last_day,
    month_text,
    standing,
)
from settlement.clock import local_time
from settlement.console.asking import WORKBOOK, Answer, attachment, wants_workbook
from settlement.console.ordering import Order, have_done, resumed
from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance import month_check
from settlement.finance import months as books
from settlement.finance.errand_tasks import DaysTask, MonthTask
from settlement.finance.paper_job import Report
from settlement.storage import closing, console_money

TITLE = Words("月结", "Month close")
NOT_CLOSED = Words("本月尚未结账。", "The month is not closed.")
BUSY = Words("正在生成其他文件，请稍后再试。", "Other files are being written; try again soon.")
MONTHS_MAX = 60
ACTS = {
    "days": Words("日结", "close its days"),
    "begin": Words("开始结账", "begin to close"),
    "verify": Words("核验", "verify"),
    "propose": Words("提出结账", "propose to close"),
    "confirm": Words("确认结账", "confirm the close"),
    "seal": Words("封存", "seal"),
}
"""The acts of a month, by the last part of their addresses."""


class Listed(Struct, frozen=True, kw_only=True):
    """A month in the list."""

    month: date
    now: MonthStanding
    is_over: bool

    @property
    def name(self) -> str:
        """As 2026-10."""
        return month_text(self.month)


class Stage(Struct, frozen=True, kw_only=True):
    """A step of the guided list."""

    act: str
    step: MonthStep | None
    """who did it, when; None until somebody has"""
    is_next: bool
    may: bool
    """whether who looks may do it now"""


async def months(visit: Visit) -> Answer:
    """All months since the books began, the newest first."""
    today = local_time(visit.at).date()
    async with visit.desk.reading() as connection:
        steps = await console_money.all_month_steps(connection)
        first = await closing.first_booked_day(connection)
    known = min([*steps, first or today])
    listed = [
        Listed(month=one, now=standing(steps.get(one, ())), is_over=last_day(one) < today)
        for one in console_money.months_between(known, today)
    ]
    return visit.page("close.html", TITLE, months=listed[:MONTHS_MAX])


async def month(visit: Visit) -> Answer:
    """One month: what was done, what is next, and what stands in the way."""
    visit = resumed(visit)
    asked = _month(visit)
    async with visit.desk.reading() as connection:
        office = await visit.desk.finance(connection)
        found = await books.find(office, asked)
        points = await month_check.points(office, found)
    reminders = await visit.desk.reminders(asked, visit.at)
    now = found.now
    works = visit.desk.works.in_the_way(_subject(asked))
    return visit.page(
        "close_month.html", Words(f"月结 {found.name}", f"Month close {found.name}"),
        month=found, now=now, points=points, reminders=reminders, names=ACTS,
        stages=_stages(visit, found.steps, now), is_proposer=_is_proposer(visit, now),
        open_points=sum(not one.holds for one in points), work=works,
        has_key=visit.desk.has_seal_key,
    )  # fmt: skip


async def report(visit: Visit) -> Answer:
    """The report that the month was closed by, made again: the same bytes; or as a workbook."""
    asked = _month(visit)
    async with visit.desk.reading() as connection:
        found = await books.find(await visit.desk.finance(connection), asked)
    if found.now.closed is None:
        return visit.page("message.html", NOT_CLOSED, status=404, words=NOT_CLOSED)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    as_workbook = wants_workbook(visit.asked)
    await visit.note("console.download-report", _subject(asked))
    file = visit.desk.paper(Report(month=asked, as_workbook=as_workbook), at=visit.at)
    stem = f"month-report-{month_text(asked)}"
    name = attachment(f"{stem}.xlsx" if as_workbook else f"{stem}.json")
    media = WORKBOOK if as_workbook else "application/json"
    return Answer(media=media, stream=file.pieces(), headers=(name,))


async def begin(visit: Visit) -> Answer:
    """The month is over, and somebody begins."""
    return await _act(visit, "begin", MonthTask(month=_month(visit), act="begin"))


async def days(visit: Visit) -> Answer:
    """The month's days that are over are closed, where the server has not."""
    asked = _month(visit)
    today = local_time(visit.at).date()
    through = min(last_day(asked), today - timedelta(days=1))
    return await _act(visit, "days", DaysTask(day=through))


async def verify(visit: Visit) -> Answer:
    """Everything is recomputed."""
    return await _act(visit, "verify", MonthTask(month=_month(visit), act="verify"))


async def propose(visit: Visit) -> Answer:
    """One person says that the report is right."""
    return await _act(visit, "propose", MonthTask(month=_month(visit), act="close"))


async def confirm(visit: Visit) -> Answer:
    """Another one says so of the same report."""
    task = MonthTask(month=_month(visit), act="close", confirm=True)
    return await _act(visit, "confirm", task)


async def seal(visit: Visit) -> Answer:
    """What institutions settled is sealed and published."""
    return await _act(visit, "seal", MonthTask(month=_month(visit), act="seal"))


async def _act(visit: Visit, act: str, task: MonthTask | DaysTask) -> Answer:
    asked = _month(visit)
    name = month_text(asked)
    title = Words(f"{name} {ACTS[act].zh}", f"{name}: {ACTS[act].en}")
    return await have_done(visit, Order(
        task=task, title=title, action=f"console.month-{act}", subject=_subject(asked),
        back=f"/console/close/{name}", again=month, is_short=act == "begin",
    ))  # fmt: skip


def _stages(visit: Visit, steps: list[MonthStep], now: MonthStanding) -> list[Stage]:
    """The guided list: what is done by whom, and which may come next."""
    done = {step.act: step for step in steps}
    closing_now = now.state is MonthState.CLOSING
    proposed = closing_now and now.proposal is not None
    verified = closing_now and now.verified is not None
    acts = (
        ("begin", MonthAct.BEGIN, now.state is MonthState.OPEN, Right.CLOSE_MONTH),
        ("verify", MonthAct.VERIFY, closing_now, Right.CLOSE_MONTH),
        ("propose", MonthAct.PROPOSE, verified, Right.CLOSE_MONTH),
        ("confirm", MonthAct.CLOSE, proposed, Right.CONFIRM_CLOSE),
        ("seal", MonthAct.SEAL, now.state is MonthState.CLOSED, Right.CONFIRM_CLOSE),
    )  # fmt: skip
    first_open = next((name for name, act, _, _ in acts if act not in done), "")
    return [
        Stage(
            act=name, step=done.get(act), is_next=name == first_open,
            may=possible and visit.may(right) and not (
                name == "confirm" and _is_proposer(visit, now)
            ),
        )
        for name, act, possible, right in acts
    ]  # fmt: skip


def _is_proposer(visit: Visit, now: MonthStanding) -> bool:
    return now.proposal is not None and now.proposal.actor == visit.who.name


def _month(visit: Visit) -> date:
    return date.fromisoformat(f"{visit.parts[0]}-01")


def _subject(month: date) -> str:
    return f"month {month_text(month)}"
