"""Statements of institutions: listing settlement rows by institution, and reading them (ADR 0021).

What is listed and what is not yet are read in one statement, so in one snapshot: a sum is exact
however far the listing is. Never on the settle path.
"""

from __future__ import annotations

from asyncpg import Connection, Record

from settlement.books.statement import Figures, OurLine, Scope
from settlement.rows import RowKind
from settlement.storage.queries import SCATTER

BLOCKS_MAX = 2_000
"""Blocks listed in one step: with full batches a quarter of a million rows, a few seconds."""


async def list_behind(connection: Connection[Record], *, blocks_min: int) -> int:
    """One step of every journal that is so many blocks ahead of its statements; the blocks."""
    listed = 0
    for journal, after, last in await connection.fetch(SCATTER["journals_to_list"], blocks_min):
        through = min(last, after + BLOCKS_MAX)
        await connection.execute(SCATTER["list_rows"], journal, after, through)
        listed += through - after
    return listed


async def list_all(connection: Connection[Record]) -> None:
    """List every block that is there now. What comes meanwhile is left to others: where people
    settle there is always more."""
    waiting = await connection.fetch(SCATTER["journals_to_list"], 1)
    goal = {journal: last for journal, _, last in waiting}
    while waiting:
        for journal, after, _ in waiting:
            through = min(goal[journal], after + BLOCKS_MAX)
            await connection.execute(SCATTER["list_rows"], journal, after, through)
        waiting = [
            row for row in await connection.fetch(SCATTER["journals_to_list"], 1)
            if row["through_block"] < goal.get(row["journal"], 0)
        ]  # fmt: skip


async def read_figures(connection: Connection[Record], scope: Scope) -> Figures:
    """What the rows of a scope come to."""
    row = await connection.fetchrow(
        SCATTER["statement_sums"], scope.institution, scope.begin_on, scope.end_on,
        scope.clearing_type, scope.scheme, scope.with_refunds,
    )  # fmt: skip
    return Figures(**dict(row))


async def read_lines(
    connection: Connection[Record], scope: Scope, *, rows_max: int
) -> list[OurLine]:
    """The rows of a scope, one more than `rows_max` at most, reversed ones among them."""
    rows = await connection.fetch(
        SCATTER["statement_lines"], scope.institution, scope.begin_on, scope.end_on,
        scope.clearing_type, scope.with_refunds, rows_max + 1,
    )  # fmt: skip
    return [
        OurLine(
            setl_id=str(setl_id),
            mdtrt_id=str(mdtrt_id),
            person_no=person_no,
            msgid=msgid,
            refund=kind == RowKind.CANCEL,
            reversed=undone_kind == RowKind.REVERSE,
            cancelled=undone_kind == RowKind.CANCEL,
            total_fen=total_fen,
            fund_fen=fund_fen,
            account_fen=account_fen,
        )
        for (setl_id, kind, undone_kind, total_fen, fund_fen, account_fen, mdtrt_id, person_no,
             msgid) in rows
    ]  # fmt: skip
