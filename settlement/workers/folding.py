"""Folds the balances of striped accounts, so that reading one stays cheap as blocks grow."""

from __future__ import annotations

from pathlib import Path

import ledger.postgres
from ledger.postgres.fold import fold_once
from ledger.postgres.queries import load
from settlement.storage.lease import PlainConnection
from settlement.telemetry.metrics import METRICS

BLOCKS_BEHIND_MIN = 500
"""Fewer new blocks than this are summed when read, for less than a fold would cost."""

_QUERIES = load(Path(ledger.postgres.__path__[0]) / "sql" / "admin.sql")


async def fold_all(connection: PlainConnection) -> int:
    """One step of every open journal that is far enough behind; the blocks folded."""
    folded = 0
    for row in await connection.fetch(_QUERIES["open_journals"]):
        journal: int = row["journal"]
        before: int = await connection.fetchval(_QUERIES["last_fold"], journal)
        last: int = await connection.fetchval(_QUERIES["last_block"], journal)
        if last - before >= BLOCKS_BEHIND_MIN:
            folded += await fold_once(connection, journal=journal) - before
    METRICS.folded_blocks += folded
    return folded
