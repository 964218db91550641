"""Verification of the whole: the ledger's own, and what the settlement schema keeps beside it.

For every block: each settlement row is what its entry committed to, each detail opens and is what
its row committed to, each cancel is the exact negative. Then, lane by lane: no settlement without
an entry, and every accumulator is the sum of what settlements added to it.
"""

from __future__ import annotations

import asyncio

from asyncpg import Connection, Pool, Record
from msgspec import structs

from ledger.audit import BadEntry, VerifyReport
from ledger.postgres.pace import Pace
from ledger.postgres.queries import load
from ledger.postgres.verify import CONNECTIONS, Chunk
from ledger.postgres.verify import verify as verify_ledger
from settlement.chart import AGENCY
from settlement.clock import monotonic
from settlement.keyring import Keyring, UndecipherableError, personal_commitment
from settlement.storage import reference
from settlement.storage.queries import SQL_DIRECTORY
from settlement.usecases.booking import detail_record
from settlement.view import YEARS_KEPT

_QUERIES = load(SQL_DIRECTORY / "verify.sql")


class SettlementCheck:
    """Checks the settlements of a chunk of blocks. Without a keyring details stay unopened."""

    def __init__(self, keyring: Keyring | None) -> None:
        self._keyring = keyring

    async def __call__(self, connection: Connection[Record], chunk: Chunk) -> BadEntry | None:
        """The first bad settlement of the chunk."""
        where = (chunk.journal, chunk.after_block, chunk.through_block)
        row = await connection.fetchrow(_QUERIES["bad_settlements"], *where)
        bad_row = None
        if row is not None:
            what = "settlement row is missing" if row["missing"] else "settlement row was changed"
            bad_row = _bad(chunk.journal, row, what)
        if self._keyring is None:
            return bad_row
        for detail in await connection.fetch(_QUERIES["details"], *where):
            if row is not None and _place(detail) >= _place(row):
                break
            if not self._detail_holds(detail):
                return _bad(chunk.journal, detail, "detail was changed")
        return bad_row

    def _detail_holds(self, row: Record) -> bool:
        if self._keyring is None:
            return True
        record = detail_record(row["lane"], row["entry_id"])
        try:
            plain = self._keyring.open(row["payload"], record, row["key_version"])
        except UndecipherableError:
            return False
        committed: bytes = row["detail_commitment"]
        return personal_commitment(row["salt"], plain) == committed


def _place(row: Record) -> tuple[int, int]:
    return row["block_no"], row["ordinal"]


def _bad(journal: int, row: Record, what: str) -> BadEntry:
    return BadEntry(
        journal=journal, block_no=row["block_no"], lane=row["lane"], entry_id=row["entry_id"],
        what=what,
    )  # fmt: skip


async def verify(
    pool: Pool[Record], *, year: int, keyring: Keyring | None, hurried: bool = False
) -> VerifyReport:
    """Verify everything. `year` is the present fiscal year: older accumulators may be gone. Who
    settles meanwhile comes first, unless it is `hurried`."""
    started = monotonic()
    report = await verify_ledger(
        pool, guarded_owner=AGENCY, extra=SettlementCheck(keyring), hurried=hurried
    )
    if report.ok:
        bad = await _first_bad_lane(pool, year - YEARS_KEPT + 1, hurried=hurried)
        report = structs.replace(report, ok=bad is None, first_bad=bad)
    return structs.replace(report, seconds=monotonic() - started)


async def _first_bad_lane(
    pool: Pool[Record], since: int, *, hurried: bool
) -> BadEntry | None:
    """The first bad lane, looked for on a few connections at once."""
    async with pool.acquire() as connection:
        lanes = sorted((await reference.lanes(connection)).items())
    shares = [lanes[start::CONNECTIONS] for start in range(CONNECTIONS)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_bad_of(pool, share, since, Pace(hurried=hurried)))
            for share in shares
        ]
    found = [bad for task in tasks if (bad := task.result()) is not None]
    return min(found, key=lambda bad: bad.lane or 0, default=None)


async def _bad_of(
    pool: Pool[Record], lanes: list[tuple[int, int]], since: int, pace: Pace
) -> BadEntry | None:
    async with pool.acquire() as connection:
        for lane, journal in lanes:
            bad = await _bad_lane(connection, lane, journal, since)
            if bad is not None:
                return bad
            await pace.rest(connection)
    return None


async def _bad_lane(
    connection: Connection[Record], lane: int, journal: int, since: int
) -> BadEntry | None:
    orphan = await connection.fetchval(_QUERIES["orphan_settlements"], lane)
    if orphan is not None:
        return BadEntry(
            journal=journal, lane=lane, entry_id=orphan, what="settlement without a ledger entry"
        )
    person_no = await connection.fetchval(_QUERIES["wrong_accumulators"], lane, str(since))
    if person_no is not None:
        return BadEntry(
            journal=journal, lane=lane,
            what=f"accumulators of person …{person_no[-4:]} are not the sum of their settlements",
        )  # fmt: skip
    return None
