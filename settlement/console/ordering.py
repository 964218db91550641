"""How pages have finance acts done: ordered in the name of who is signed in, told to the audit
first, done at once where they are short, watched on a page of their own where they are long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from settlement.console.asking import Answer
from settlement.console.visits import Visit, without_secrets
from settlement.console.words import Words
from settlement.finance.errands import Errand, Task, perform
from settlement.finance.progress import silent
from settlement.said import Said

NO_REASON = Words("请填写事由。", "Please say why.")
REASON_MAX = 200
WAIT_SECONDS = 2.0
"""How long a page waits for a long act before it shows how far that is."""
SHOWN_MAX = 600
"""Longer results have a page of their own: they do not fit into an address."""

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


async def have_done(visit: Visit, order: Order) -> Answer:
    """Have it done; the answer says what it came to, or where to see how far it is."""
    reason = visit.asked.form.get("reason", "").strip()[:REASON_MAX]
    if not reason:
        return await order.again(visit.again(NO_REASON))
    works = visit.desk.works
    waits_for = works.in_the_way(order.subject)
    if waits_for is not None:
        return await order.again(visit.again(_busy(waits_for.title)))
    errand = Errand(
        place=visit.desk.place, task=order.task, actor=visit.who.name, reason=reason, at=visit.at
    )
    if order.task.is_short:
        await visit.note(order.action, order.subject, reason)
        return await _told(visit, order, await perform(errand, silent))
    work = works.start(
        errand, title=order.title, subject=order.subject, back=order.back,
        typed=without_secrets(visit.asked.form),
    )  # fmt: skip
    await visit.note(order.action, order.subject, reason)
    await works.wait(work, WAIT_SECONDS)
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
    pairs = [line.partition(" | ") for line in said.text.splitlines()]
    zh = "\n".join(zh for zh, _, _ in pairs)
    return Words(zh, "\n".join(en or zh for zh, _, en in pairs))


async def _told(visit: Visit, order: Order, said: Said) -> Answer:
    words = told_words(said)
    if not said.status:
        return visit.go(order.back, words)
    await visit.note("console.action-refused", order.subject, words.zh[:REASON_MAX])
    return await order.again(visit.again(words))


def _busy(title: Words) -> Words:
    return Words(
        f"正在办理“{title.zh}”，请等它完成后再试（见“办理进度”）。",
        f"“{title.en}” is being done; try again once it has ended (see “Works”).",
    )
