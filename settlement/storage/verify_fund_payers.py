"""Verification of what payers of funds owe: every due against the claims that it is the sum of, and
the ledger's receivables against dues and receipts."""

from __future__ import annotations

from asyncpg import Connection, Pool, Record

from ledger.audit import BadEntry
from ledger.postgres.pace import Pace
from settlement import chart
from settlement.books.fund_payers import Claims, Due, merged, sum_of
from settlement.storage import fund_payers as store
from settlement.storage import payouts
from settlement.storage.fund_payers import Span


async def bad_fund_dues(pool: Pool[Record], *, hurried: bool) -> BadEntry | None:
    """The first due that its claims do not come to, or fund whose receivable is not its dues less
    what came."""
    async with pool.acquire() as connection:
        pace = Pace(hurried=hurried)
        wrong = await wrong_due(connection, pace)
        if wrong is not None:
            return wrong
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await wrong_balance(connection)


async def wrong_due(connection: Connection[Record], pace: Pace) -> BadEntry | None:
    """The first due that is not the sum of its claims, or whose claims rows do not say."""
    dues = await store.dues(connection)
    spans = [Span(one.ledger_code, one.first_on, one.last_on) for one in dues]
    found: list[list[Claims]] = [[] for _ in spans]
    for lane in await payouts.lanes(connection) if spans else ():
        for place, claims in enumerate(await store.claims_of(connection, [lane], spans)):
            found[place] += claims
        await pace.rest(connection)
    lines = await store.lines(connection)
    for due, claims in zip(dues, found, strict=True):
        said = lines.get((due.fund, due.first_on), [])
        if merged(said) != merged(claims) or sum_of(said) != due.amount_fen:
            return _bad(due)
    return None


async def wrong_balance(connection: Connection[Record]) -> BadEntry | None:
    """The first fund whose receivable is not its dues less what came."""
    sums: dict[int, int] = {}
    for due in await store.dues(connection):
        sums[due.ledger_code] = sums.get(due.ledger_code, 0) + due.amount_fen
    for came in await store.receipts(connection):
        code = came.account - chart.PAYER_BASE
        sums[code] = sums.get(code, 0) - came.amount_fen
    for code, fen in sorted(sums.items()):
        if await store.owed_fen(connection, code) != fen:
            return BadEntry(
                journal=0,
                what=f"what is owed for fund {code} is not its dues less what its payer sent",
            )
    return None


def _bad(due: Due) -> BadEntry:
    what = f"what {due.payer} owes for fund {due.fund} and period {due.first_on} is not what its"
    return BadEntry(
        journal=0, lane=due.lane, entry_id=due.entry_id, what=f"{what} claims come to"
    )
