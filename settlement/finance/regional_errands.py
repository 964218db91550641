"""Errands about months and days with other regions (errands.py): the acts of `settlement clear` and
`settlement reconcile-regions`, ordered from a page.

Whoever acts on a period has seen so many steps of it; where there are more by now, somebody else
has acted, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import assert_never

from settlement.elsewhere.regional_clearing import Mark
from settlement.elsewhere.regional_prepayment import PrepaidAct
from settlement.finance.errand_tasks import (
    Clearing,
    PrepaidTask,
    RegionDayTask,
    RegionStateTask,
    RegionTakeTask,
    RegionTask,
)
from settlement.said import Said
from settlement.serve import regional_papers as papers
from settlement.serve import regional_paying as paying
from settlement.serve import regional_prepaid as prepaid
from settlement.serve import regional_stating as stating
from settlement.serve import regional_taking as taking
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_ending import end
from settlement.serve.regional_files import keep_as_it_came
from settlement.serve.regional_marks import mark_cases
from settlement.serve.regional_periods import SOMEBODY_ELSE, Found, acting, the_period
from settlement.who import Who

TRIAL = "试算，未写入任何数据。办理后为： | a trial, nothing was written; done, it comes to:"
Opened = Callable[[str], AbstractContextManager[Path]]
"""A file that somebody brought, by its digest, plain while it is read."""


def keeps(task: Clearing) -> bool:
    """False where it is only to be said what something comes to."""
    return isinstance(task, RegionTask | RegionDayTask) or task.keep


async def clear(books: RegionalBooks, task: Clearing, who: Who, opened: Opened) -> Said:
    """Do it."""
    match task:
        case RegionStateTask():
            return _tried(
                books, await stating.state(books, task.month, task.party, who, None)
            )
        case RegionTakeTask():
            with opened(task.file) as path:
                sent = taking.Sent(name=path.name, content=path.read_bytes())
            said = await taking.take(books, task.month, sent, who)
            if books.keeps:
                said = await keep_as_it_came(books, said, {sent.name: sent.content}, who)
            return _tried(books, said)
        case RegionTask():
            return await acting(books, task.party, lambda: _on_period(books, task, who))
        case PrepaidTask():
            said = await acting(books, task.party, lambda: _prepaid(books, task, who))
            return _tried(books, said)
        case RegionDayTask():
            return await end(
                books, task.region, task.side, task.day, task.act, task.cases, who
            )
        case _:
            assert_never(task)


def _tried(books: RegionalBooks, said: Said) -> Said:
    if books.keeps or said.status:
        return said
    return Said(0, f"{TRIAL}\n{said.text}")


async def _on_period(books: RegionalBooks, task: RegionTask, who: Who) -> Said:
    found = await the_period(books, task.party, task.month, task.side)
    if isinstance(found, Said):
        return found
    if len(found.steps) != task.seen:
        return SOMEBODY_ELSE
    match task.act:
        case "object" | "withdraw" | "postpone":
            return await _marked(books, found, task, who)
        case "confirm":
            return await paying.confirm(books, found, who)
        case "send":
            return await papers.send(books, found, who)
        case "notify":
            return await paying.notify(books, found, task.reference, task.amount_fen, who)
        case "propose":
            return await paying.propose(books, found, task.reference, who)
        case "settle":
            return await paying.settle(books, found, task.reference, who)
        case "close":
            return await paying.close(books, found, who)
        case _:
            assert_never(task.act)


async def _marked(
    books: RegionalBooks, found: Found, task: RegionTask, who: Who
) -> Said:
    if not task.cases:
        return Said(1, "没有选择明细 | no row is chosen")
    mark = {
        "object": Mark.OBJECTED, "withdraw": Mark.WITHDRAWN, "postpone": Mark.POSTPONED,
    }[task.act]  # fmt: skip
    months = task.months if mark is Mark.POSTPONED else 0
    return await mark_cases(books, found, mark, task.cases, months=months, who=who)


async def _prepaid(books: RegionalBooks, task: PrepaidTask, who: Who) -> Said:
    if task.act == "quota":
        return await prepaid.fix_quota(books, task.party, task.side, task.year, who)
    act = PrepaidAct.IN if task.act == "in" else PrepaidAct.BACK
    one_of_two = prepaid.move if task.confirm else prepaid.propose
    return await one_of_two(
        books, task.party, task.side, act, task.amount_fen, task.reference, who
    )
