"""How pages have finance acts done: ordered in the name of who is signed in, told to the audit
first, done at once where they are short, watched on a page of their own where they are long."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from settlement.console.asking import Answer
from settlement.console.visits import Visit, without_secrets
from settlement.console.words import Words
from settlement.console.works import HERE_SECONDS
from settlement.finance.errand_tasks import Task
from settlement.finance.errands import Errand
from settlement.said import Said

NO_REASON = Words("请填写事由。", "Please say why.")
REASON_MAX = 200
WAIT_SECONDS = 2.0
"""How long a page waits for a long act before it shows how far that is."""
FEW = 50
"""Rows or institutions that are done here."""
SMALL_BYTES = 16 * 1024
"""A file that is read here."""
SHOWN_MAX = 600
"""Longer results have a page of their own: they do not fit into an address."""

_ONLY_TYPED = re.compile(r"以 --confirm |：confirm [0-9]+| confirm (?=复核)")
"""What a command tells its reader to type."""

Page = Callable[[Visit], Awaitable[Answer]]


class Order(Struct, frozen=True, kw_only=True):
    """What is ordered, and from where."""

    task: Task
    title: Words
    action: str
    """as the audit has it"""
    subject: str
    back: str
    again: Page
    """the page that it was ordered on, to say on it what is wrong"""
    is_short: bool = False
    """whether it is done here: it is about one, or few"""
    asks_reason: bool = True
    """False where nothing is written by it: then nobody must say why"""


def lacks_reason(visit: Visit) -> bool:
    """Whether nobody said why: told before a file is taken in."""
    return not visit.asked.form.get("reason", "").strip()


async def have_done(visit: Visit, order: Order) -> Answer:
    """Have it done; the answer says what it came to, or where to see how far it is."""
    reason = visit.asked.form.get("reason", "").strip()[:REASON_MAX]
    if not reason and order.asks_reason:
        return await order.again(visit.again(NO_REASON))
    reason = reason or order.title.zh[:REASON_MAX]
    works = visit.desk.works
    await visit.note(order.action, order.subject, reason)
    waits_for = works.in_the_way(order.subject, apart=not order.is_short)
    if waits_for is not None:
        busy = busy_with(waits_for.title)
        await visit.note("console.action-refused", order.subject, busy.zh)
        return await order.again(visit.again(busy))
    errand = Errand(
        place=visit.desk.place, task=order.task, actor=visit.who.name, reason=reason, at=visit.at
    )
    work = works.start(
        errand, title=order.title, subject=order.subject, back=order.back,
        typed=without_secrets(visit.asked.form), apart=not order.is_short,
    )  # fmt: skip
    await works.wait(work, HERE_SECONDS if order.is_short else WAIT_SECONDS)
    if work.said is None or len(work.said.text) > SHOWN_MAX:
        return visit.go(f"/console/works/{work.number}")
    return await _told(visit, order, work.said)


def resumed(visit: Visit) -> Visit:
    """The page of a form whose work was not done: what was typed is in it again, for whoever typed
    it."""
    told = visit.asked.query.get("work", "")
    found = visit.desk.works.find(int(told)) if told.isdecimal() and len(told) < 9 else None
    if visit.typed or found is None or found.by != visit.who.name:
        return visit
    return replace(visit, typed=found.typed)


def told_words(said: Said) -> Words:
    """What an act says, in both languages: a line that has no English is itself in both."""
    text = without_signing(said.text)
    pairs = [_ONLY_TYPED.sub("", line).partition(" | ") for line in text.splitlines()]
    zh = "\n".join(zh for zh, _, _ in pairs)
    return Words(zh, "\n".join(en or zh for zh, _, en in pairs))


def without_signing(text: str) -> str:
    """What a command prints to be signed on paper, without the lines for the signatures: on a page
    people sign by what they do, and the digest stands beside it."""
    lines = text.splitlines()
    return "\n".join(
        line for line in lines if "____" not in line and not line.startswith("  SHA-256 ")
    )


async def _told(visit: Visit, order: Order, said: Said) -> Answer:
    words = told_words(said)
    if not said.status:
        return visit.go(order.back, words)
    await visit.note("console.action-refused", order.subject, words.zh[:REASON_MAX])
    return await order.again(visit.again(words))


def busy_with(title: Words) -> Words:
    """What must end first."""
    return Words(
        f"正在办理“{title.zh}”，请等它完成后再试（见“办理进度”）。",
        f"“{title.en}” is being done; try again once it has ended (see “Works”).",
    )
