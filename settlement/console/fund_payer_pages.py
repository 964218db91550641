"""付款单位: funds that somebody else owes, as medical aid: what is due from their payers and what
came, and from each due down to its settlements. To look at: stating a period books what is due, and
what a payer sends comes by 资金流入.
"""

from __future__ import annotations

from datetime import date

from settlement.books.fund_payers import Due
from settlement.chart import EntryCode
from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.fund_payer_reports import CLAIMS, Standing, standings
from settlement.storage import fund_payers as store
from settlement.storage.lease import PlainConnection

TITLE = Words("付款单位往来", "Payers of funds")
MISSING = Words("这一期没有这项应收。", "Nothing is due for that fund and period.")
SETTLEMENTS_MAX = 500


async def overview(visit: Visit) -> Answer:
    """Every fund that has a payer: what was due, what came, what is owed."""
    async with visit.desk.reading() as connection:
        found = await standings_of(visit, connection)
    return visit.page("fund_payers.html", TITLE, found=found)


async def standings_of(visit: Visit, connection: PlainConnection) -> list[Standing]:
    """Every fund that has a payer, and how it stands with it."""
    policies = await visit.desk.policies()
    return await standings(connection, policies.fund_payers(visit.desk.region))


async def due(visit: Visit) -> Answer:
    """One due: its claims by institution."""
    async with visit.desk.reading() as connection:
        one = await _due(visit, connection)
        if one is None:
            return visit.page("message.html", MISSING, status=404, words=MISSING)
        lines = await store.lines(connection, one.first_on)
    return visit.page(
        "fund_due.html", TITLE, due=one, lines=lines.get((one.fund, one.first_on), ()),
        names=await visit.desk.institution_names(), kinds=_kinds(), institution=None, claims=None,
    )  # fmt: skip


async def settlements(visit: Visit) -> Answer:
    """The settlements of a due that are of one institution."""
    institution = visit.parts[2]
    async with visit.desk.summing() as connection:
        one = await _due(visit, connection)
        if one is None:
            return visit.page("message.html", MISSING, status=404, words=MISSING)
        lines = (await store.lines(connection, one.first_on)).get((one.fund, one.first_on), [])
        found = await store.settlements_of(connection, one, institution, SETTLEMENTS_MAX + 1)
    return visit.page(
        "fund_due.html", TITLE, due=one, names=await visit.desk.institution_names(),
        lines=[line for line in lines if line.institution == institution], kinds=_kinds(),
        institution=institution, claims=found[:SETTLEMENTS_MAX],
        more=len(found) > SETTLEMENTS_MAX,
    )  # fmt: skip


async def _due(visit: Visit, connection: PlainConnection) -> Due | None:
    try:
        first_on = date.fromisoformat(visit.parts[0])
    except ValueError:
        return None
    return next(
        (one for one in await store.dues(connection)
         if one.first_on == first_on and one.fund == visit.parts[1]),
        None,
    )  # fmt: skip


def _kinds() -> dict[int, Words]:
    return {int(EntryCode(code)): Words(zh, en) for code, (zh, en) in CLAIMS.items()}
