"""渠道对账: what we and the channels do not agree on, each with its steps and with the entry that a
correction would book, and what people may do about it.

Acts are those of the commands (finance/differences.py), done in the name of who is signed in. A
form carries how many steps its page showed: whoever acts on what somebody else has changed is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from settlement.books.channel_matching import NO_DIFFERENCE, Class
from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import CHANNELS, Words, both
from settlement.finance import differences as acts
from settlement.finance.books import Books, open_books
from settlement.finance.differences import PROPOSABLE, Found
from settlement.said import Said
from settlement.storage import bills, reference, regional_differences
from settlement.storage import differences as store
from settlement.storage.differences import Filter
from settlement.who import Who

TITLE = Words("渠道对账", "Differences with channels")
DIFFERENCE = Words("差异", "Difference")
MISSING = Words("没有这笔差异", "There is no such difference")
NO_REASON = Words("请填写事由。", "Please say why.")
NO_CHOICE = Words("请选择更正方式。", "Please choose a correction.")
SHOWN_MAX = 200
REASON_MAX = 200
AGES = (1, 3, 7, 30)
AWAITED = timedelta(days=90)
"""Bills of such days are shown that were asked for and did not come."""

Act = Callable[[Books, int, Who, int | None], Awaitable[Said]]


async def worklist(visit: Visit) -> Answer:
    """What is under way, the oldest first, narrowed by what was asked for."""
    query = visit.asked.query
    found, channel, age = (query.get(name, "") for name in ("class", "channel", "age"))
    today = local_time(visit.at).date()
    days = int(age) if age.isascii() and age.isdecimal() and len(age) < 4 else 0
    which = Filter(
        found=found if found in _CLASSES else None,
        channel=channel if channel in CHANNELS else None,
        institution=visit.scope or query.get("institution", "").strip() or None,
        until=today - timedelta(days=days) if days else None,
        all_states=query.get("all") == "1",
    )  # fmt: skip
    start = query.get("from", "")
    skipped = int(start) if start.isascii() and start.isdecimal() and len(start) < 6 else 0
    async with visit.desk.reading() as connection:
        rows = await store.listed(connection, which, skipped + SHOWN_MAX + 1)
        counted = await store.counted(connection, visit.scope)
        awaited = (
            await bills.awaited_between(connection, today - AWAITED, today)
            if visit.scope is None
            else []
        )
        regions = (
            await regional_differences.open_differences(connection, SHOWN_MAX + 1)
            if visit.scope is None
            else []
        )
        counterparts = await reference.counterparts(connection) if regions else {}
    return visit.page(
        "differences.html", TITLE, rows=rows[skipped : skipped + SHOWN_MAX], counted=counted,
        which=which, today=today, classes=_CLASSES, channels=list(CHANNELS), ages=AGES, days=days,
        skipped=skipped, next=skipped + SHOWN_MAX if len(rows) > skipped + SHOWN_MAX else None,
        asked=query, names=await visit.desk.institution_names(), awaited=awaited[:SHOWN_MAX],
        regions=regions[:SHOWN_MAX], more_regions=len(regions) > SHOWN_MAX,
        region_names={code: one.name for code, one in counterparts.items()},
    )  # fmt: skip


async def difference(visit: Visit) -> Answer:
    """One difference with everything that became of it."""
    number = int(visit.parts[0])
    found = await _seen(visit, number)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-difference", f"difference {number}")
    async with visit.desk.reading() as connection:
        institutions = await reference.institutions(connection)
    institution = institutions.get(found.last.facts.institution)
    return visit.page(
        "difference.html", DIFFERENCE, found=found, last=found.last, facts=found.last.facts,
        name=found.name, institution=institution, previews=acts.previews(found, institution),
        choices={correction: text for text, correction in PROPOSABLE.items()},
        is_proposer=Who(actor=visit.who.name, reason="").is_also(found.last.proposer),
        age=(local_time(visit.at).date() - found.last.facts.day).days,
    )  # fmt: skip


async def assign(visit: Visit) -> Answer:
    """Whoever is signed in looks after it."""

    async def act(books: Books, number: int, who: Who, seen: int | None) -> Said:
        taken_from = visit.asked.form.get("taken_from", "")
        return await acts.assign(
            books, number, who.actor, who, taken_from=taken_from, seen=seen
        )

    return await _act(visit, act)


async def propose(visit: Visit) -> Answer:
    """Propose a correction."""
    correction = PROPOSABLE.get(visit.asked.form.get("correction", ""))
    if correction is None:
        return await difference(visit.again(NO_CHOICE))

    async def act(books: Books, number: int, who: Who, seen: int | None) -> Said:
        return await acts.propose(books, number, correction, who, seen=seen)

    return await _act(visit, act)


async def reject(visit: Visit) -> Answer:
    """Send a proposal back."""

    async def act(books: Books, number: int, who: Who, seen: int | None) -> Said:
        return await acts.reject(books, number, who, seen=seen)

    return await _act(visit, act)


async def note(visit: Visit) -> Answer:
    """Say something about it."""

    async def act(books: Books, number: int, who: Who, seen: int | None) -> Said:
        return await acts.note(books, number, who, seen=seen)

    return await _act(visit, act)


async def confirm(visit: Visit) -> Answer:
    """Confirm what somebody else proposed: it is booked."""

    async def act(books: Books, number: int, who: Who, seen: int | None) -> Said:
        return await acts.confirm(books, number, who, seen=seen)

    return await _act(visit, act)


async def _act(visit: Visit, act: Act) -> Answer:
    number = int(visit.parts[0])
    reason = visit.asked.form.get("reason", "").strip()[:REASON_MAX]
    if not reason:
        return await difference(visit.again(NO_REASON))
    seen = visit.asked.form.get("seen", "")
    steps = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 9 else None
    async with visit.desk.owning() as connection:
        books = await open_books(connection, clock=visit.desk.clock)
        who = Who(actor=visit.who.name, reason=reason)
        said = await act(books, number, who, steps)
    words = both(said.text)
    if said.status:
        await visit.note("console.action-refused", f"difference {number}", words.zh)
        return await difference(visit.again(words))
    return visit.go(f"/console/differences/{number}", words)


async def _seen(visit: Visit, number: int) -> Found | None:
    """The difference, where it is of whom the visitor may see."""
    async with visit.desk.reading() as connection:
        found = await acts.find(connection, number)
    if isinstance(found, Said):
        return None
    if visit.scope is not None and found.last.facts.institution != visit.scope:
        return None
    return found


_CLASSES = [one.value for one in Class if one not in NO_DIFFERENCE]
