"""Balances of striped accounts: folded in the background, summed when read.

A fold is a complete set of sums through one block of one journal; it is inserted once and never
changed, so reading needs no lock: the last fold of each journal plus the entries since. Folds are
derived: losing them costs time, and `verify` never trusts them. When to fold is the caller's.
"""

from __future__ import annotations

from pathlib import Path

from asyncpg import Connection, Record

from ledger.account import Balance, TrialBalance, TrialRow
from ledger.postgres.queries import load

BLOCKS_MAX = 10_000
"""Blocks in one fold step: keeps the transaction well under the 5 s that any may last."""

_QUERIES = load(Path(__file__).parent / "sql" / "admin.sql")


async def fold_once(
    connection: Connection[Record], *, journal: int, through_block: int | None = None,
    blocks_max: int = BLOCKS_MAX,
) -> int:  # fmt: skip
    """Folds one journal one step, to `through_block` or its end; returns the block reached.

    Called again until it returns `through_block`. Two callers at once do no harm: the same row
    set is inserted once.
    """
    reached: int = await connection.fetchval(_QUERIES["last_fold"], journal)
    last: int = await connection.fetchval(_QUERIES["last_block"], journal)
    wanted = last if through_block is None else min(through_block, last)
    target = min(wanted, reached + blocks_max)
    if target <= reached:
        return reached
    await connection.execute(_QUERIES["fold"], journal, reached, target)
    return target


async def fold_at(
    connection: Connection[Record], *, journal: int, through_block: int,
    blocks_max: int = BLOCKS_MAX,
) -> None:  # fmt: skip
    """Folds one journal at exactly this block, from the last fold before it, whatever was folded
    since: so sums as they once were are read as quickly as those of today."""
    reached: int = await connection.fetchval(_QUERIES["fold_before"], journal, through_block)
    while reached < through_block:
        target = min(through_block, reached + blocks_max)
        await connection.execute(_QUERIES["fold"], journal, reached, target)
        reached = target


async def trial_balance(
    connection: Connection[Record], owner: str, *, guarded_owner: str = "agency"
) -> TrialBalance:
    """The trial balance of one owner, as of one snapshot of the database."""
    rows = await connection.fetch(_QUERIES["sums"], None, owner, guarded_owner)
    return TrialBalance(
        owner=owner,
        rows=tuple(TrialRow(account=row["account"], balance=balance_of(row)) for row in rows),
    )


async def balance(
    connection: Connection[Record], account: int, *, guarded_owner: str = "agency"
) -> Balance:
    """Sums of one striped account, or of all guarded ones."""
    row = await connection.fetchrow(_QUERIES["sums"], account, None, guarded_owner)
    return Balance() if row is None else balance_of(row)


def balance_of(row: Record) -> Balance:
    """The balance in a row with the columns debits, credits, debits_pending, credits_pending."""
    return Balance(
        debits_fen=row["debits"],
        credits_fen=row["credits"],
        debits_pending_fen=row["debits_pending"],
        credits_pending_fen=row["credits_pending"],
    )
