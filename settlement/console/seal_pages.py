"""封存公布: sealed months as they are published, and the proof of an institution's own month.

What is published has no figures of anybody. A proof has an institution's settlements, so its
finance gets its own alone.
"""

from __future__ import annotations

from datetime import date

from settlement.books.month_states import last_day, month_text
from settlement.books.sealing import Span, seal_of
from settlement.console.asking import Answer, attachment
from settlement.console.close_pages import BUSY
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.paper_job import Paper, Proof, Seals
from settlement.finance.proofs import published_name
from settlement.storage import console_money, seals
from settlement.storage.lease import PlainConnection
from settlement.storage.seals import SealList

TITLE = Words("封存公布", "Seals")
UNSEALED = Words("本月尚未封存。", "The month is not sealed.")
NOBODY = Words("该机构本月没有结算。", "That institution settled nothing in this month.")
SHOWN_MAX = 200
TEXT_MAX = 64


async def sealed_months(visit: Visit) -> Answer:
    """Which months are sealed, with the digest of all their seals and the key that signed."""
    async with visit.desk.reading() as connection:
        lists = [one for one in await seals.seal_lists(connection) if _is_month(one)]
    return visit.page("seals.html", TITLE, lists=lists[::-1])


async def sealed_month(visit: Visit) -> Answer:
    """One month, with the seals of those that may be seen."""
    asked = _span(visit)
    text = visit.asked.query.get("institution", "").strip()[:TEXT_MAX]
    async with visit.desk.reading() as connection:
        kept = await _list_of(connection, asked)
        if kept is None:
            return visit.page("message.html", UNSEALED, status=404, words=UNSEALED)
        found = await console_money.sealed_of(connection, visit.scope, asked, text, SHOWN_MAX)
    rows = [(one, seal_of(visit.desk.region, asked, one.sealed).hex()) for one in found]
    return visit.page(
        "sealed_month.html", TITLE, kept=kept, name=month_text(asked.begins_on), rows=rows,
        text=text, shown_max=SHOWN_MAX,
    )  # fmt: skip


async def published(visit: Visit) -> Answer:
    """The file that everybody may have."""
    asked = _span(visit)
    return await _paper(
        visit, asked, Seals(month=asked.begins_on), published_name(asked.begins_on)
    )


async def proof(visit: Visit) -> Answer:
    """What an institution checks its month by, without us."""
    asked = _span(visit)
    institution = visit.scope or visit.asked.query.get("institution", "").strip()[:TEXT_MAX]
    async with visit.desk.reading() as connection:
        sealed = await seals.seals_of(connection, asked, institution)
    if not sealed:
        return visit.page("message.html", NOBODY, status=404, words=NOBODY)
    name = f"proof-{institution}-{month_text(asked.begins_on)}.json"
    paper = Proof(month=asked.begins_on, institution=institution)
    return await _paper(visit, asked, paper, name)


async def _paper(visit: Visit, span: Span, paper: Paper, name: str) -> Answer:
    async with visit.desk.reading() as connection:
        kept = await _list_of(connection, span)
    if kept is None or kept.key is None:
        return visit.page("message.html", UNSEALED, status=404, words=UNSEALED)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    await visit.note("console.download-seal", f"month {month_text(span.begins_on)}", name)
    file = visit.desk.paper(paper, at=visit.at)
    return Answer(media="application/json", stream=file.pieces(), headers=(attachment(name),))


async def _list_of(connection: PlainConnection, span: Span) -> SealList | None:
    return next((one for one in await seals.seal_lists(connection) if one.span == span), None)


def _is_month(one: SealList) -> bool:
    return one.span.begins_on.day == 1 and one.span.ends_on == last_day(one.span.begins_on)


def _span(visit: Visit) -> Span:
    month = date.fromisoformat(f"{visit.parts[0]}-01")
    return Span(begins_on=month, ends_on=last_day(month))
