"""Verification of the whole: the ledger's own, and what the settlement schema keeps beside it.

For every block: each settlement row is what its entry committed to, each detail opens and is what
its row committed to, each cancel is the exact negative. Then, lane by lane: no settlement without
an entry, nor anything that was brought along; every accumulator is the sum of what settlements
added to it, and the filings that a person carries are those that were made and not taken back.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

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
from settlement.usecases.filing_payloads import open_list
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
        bad = await _first_bad_lane(pool, year - YEARS_KEPT + 1, keyring, hurried=hurried)
        report = structs.replace(report, ok=bad is None, first_bad=bad)
    return structs.replace(report, seconds=monotonic() - started)


async def _first_bad_lane(
    pool: Pool[Record], since: int, keyring: Keyring | None, *, hurried: bool
) -> BadEntry | None:
    """The first bad lane, looked for on a few connections at once."""
    async with pool.acquire() as connection:
        lanes = sorted((await reference.lanes(connection)).items())
    shares = [lanes[start::CONNECTIONS] for start in range(CONNECTIONS)]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_bad_of(pool, share, since, keyring, Pace(hurried=hurried)))
            for share in shares
        ]
    found = [bad for task in tasks if (bad := task.result()) is not None]
    return min(found, key=lambda bad: bad.lane or 0, default=None)


async def _bad_of(
    pool: Pool[Record], lanes: list[tuple[int, int]], since: int, keyring: Keyring | None,
    pace: Pace,
) -> BadEntry | None:  # fmt: skip
    async with pool.acquire() as connection:
        for lane, journal in lanes:
            bad = await _bad_lane(connection, lane, journal, since)
            if bad is None and keyring is not None:
                bad = await _bad_filings(connection, lane, journal, keyring)
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
    opening = await connection.fetchval(_QUERIES["orphan_openings"], lane)
    if opening is not None:
        return BadEntry(
            journal=journal, lane=lane, entry_id=opening, what="opening without a ledger entry"
        )
    person_no = await connection.fetchval(_QUERIES["wrong_accumulators"], lane, str(since))
    if person_no is not None:
        return BadEntry(
            journal=journal, lane=lane,
            what=f"accumulators of person …{person_no[-4:]} are not the sum of their settlements",
        )  # fmt: skip
    return None


async def _bad_filings(
    connection: Connection[Record], lane: int, journal: int, keyring: Keyring
) -> BadEntry | None:
    rows = await connection.fetch(_QUERIES["filings"], lane)
    for person_no, group in groupby(rows, lambda row: str(row["psn_no"])):
        if not _filings_hold(list(group), lane, person_no, keyring):
            return BadEntry(
                journal=journal, lane=lane,
                what=f"filings of person …{person_no[-4:]} are not those that stand",
            )  # fmt: skip
    return None


def _filings_hold(rows: Sequence[Record], lane: int, person_no: str, keyring: Keyring) -> bool:
    """Whether a person carries what was filed, up to where it was taken back."""
    try:
        carried = open_list(rows[0]["filings"], lane, person_no, keyring)
    except (UndecipherableError, binascii.Error):
        return False
    standing = []
    for row in rows:
        begins_on, ends_on, withdrawn_on = row["begins_on"], row["ends_on"], row["withdrawn_on"]
        if row["filing_no"] is None or (withdrawn_on is not None and withdrawn_on <= begins_on):
            continue
        if withdrawn_on is not None and (ends_on is None or ends_on >= withdrawn_on):
            ends_on = withdrawn_on - timedelta(days=1)
        standing.append((row["filing_no"], row["kind"], begins_on, ends_on))
    found = [(f.filing_no, int(f.kind), f.begins_on, f.ends_on) for f in carried]
    return sorted(found) == standing
