"""Verification of the whole: the ledger's own, and what the settlement schema keeps beside it.

For every block: each settlement row is what its entry committed to, each detail opens and is what
its row committed to, each cancel is the exact negative, relatives pay what the row says, and where
the block is listed each row is in its institution's statement; payments for relatives and over
channels and settlements that were brought along, or are of people treated in another region, are
what was committed.
Then, lane by lane: no settlement without an entry, nor anything that was brought along, no
statement row without its settlement, every accumulator is the sum of what settlements added to it,
the filings that a person carries are those that were made and not taken back, relatives' accounts
paid what settlements say, each once, no payment holds anything without being on the worklist, and
deposits of stays are what was booked, used and given back. Last the audit: every row is linked, and
every link is the hash of its row and the one before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from asyncpg import Connection, DataError, Pool, Record
from msgspec import Struct, structs

from ledger.audit import BadEntry, VerifyReport
from ledger.postgres.pace import Pace
from ledger.postgres.queries import load
from ledger.postgres.verify import CONNECTIONS, Chunk
from ledger.postgres.verify import verify as verify_ledger
from settlement.chart import AGENCY
from settlement.clock import monotonic, system_clock
from settlement.committed import open_committed
from settlement.keyring import ErasedError, Keyring, UndecipherableError
from settlement.person import YEARS_KEPT
from settlement.storage import reference
from settlement.storage.archive import unaudited
from settlement.storage.payouts import foreign_case
from settlement.storage.queries import CONSOLE, PAYOUTS, SQL_DIRECTORY
from settlement.storage.sealed_places import RECORDS
from settlement.storage.verify_bills import bad_bills
from settlement.storage.verify_closing import bad_closing
from settlement.storage.verify_fund_payers import bad_fund_dues
from settlement.storage.verify_sealed import bad_sealed
from settlement.storage.verify_settlements import (
    Met,
    bad_settlement,
    place,
    without_strays,
)

_QUERIES = load(SQL_DIRECTORY / "verify.sql")
UNDER_WAY_MAX = timedelta(minutes=10)
"""Longer than anything is left under way between a patient and relatives (workers/family.py)."""
COMMITTED = {
    "bad_moves": ("payment for a relative", frozenset(range(4, 8))),
    "bad_payments": ("payment", frozenset({21, 23})),
    "bad_payment_ends": ("step of a payment", frozenset({21, 23, 24, 25, 26})),
    "bad_carried": ("old settlement", frozenset({13})),
    "bad_holds": ("hold for an order of mobile payment", frozenset({29})),
    "bad_deposit_entries": ("deposit of a stay", frozenset({23, 31, 32})),
    "bad_matters": ("transfer of a personal account", frozenset(range(40, 45))),
    "bad_home_cases": ("settlement of somebody treated in another region", frozenset({52})),
    "bad_cases": ("hold for a case of another region", frozenset({51})),
    "bad_clearings": ("clearing with another region", frozenset({53})),
    "bad_prepayments": ("prepayment", frozenset({54})),
    "bad_corrections": ("correction of a difference", frozenset(range(61, 65))),
    "bad_fees": ("fee of a channel", frozenset({65, 66})),
    "bad_payouts": ("payout to an institution", frozenset(range(71, 81))),
    "bad_money": ("money in by a file", frozenset({81, 82, 84})),
    "bad_fund_dues": ("what the payer of a fund owes", frozenset({83})),
    "bad_reimbursements": ("reimbursement", frozenset(range(91, 95))),
}  # fmt: skip
"""What else entries commit to: by the query that finds the first that is not as it was; and the
codes (chart.py) of the entries that it looks at, without which it is not asked."""
SETTLED = {name: frozenset({1, 2, 3, 13, 52, 91}) for name in ("settlements", "vanished_details")}
SEALED = {"committed_payloads": frozenset({21, 23, 29, 51, *range(91, 95)})}
"""The same of settlements, and of what only the keys can open."""
_STRAYS = {
    "orphan_settlements": "settlement without a ledger entry",
    "orphan_openings": "opening without a ledger entry",
    "wrong_openings": "opening is not what its entry booked",
    "stray_statement_rows": "statement row without its settlement",
    "stray_elsewhere": "row of somebody insured elsewhere without its settlement",
    "stray_home_cases": "row of somebody treated elsewhere without its settlement",
}
"""What lies in a lane without what it belongs to: by the query that finds the first."""


class SettlementCheck:
    """Checks the settlements of a chunk of blocks. Without a keyring details stay unopened."""

    def __init__(
        self, keyring: Keyring | None, walked: Callable[[int], None] = lambda _: None
    ) -> None:
        self._keyring = keyring
        self._walked = walked
        self.met = Met()

    async def __call__(self, connection: Connection[Record], chunk: Chunk) -> BadEntry | None:
        """The first bad settlement of the chunk."""
        self._walked(chunk.through_block - chunk.after_block)
        try:
            return await self._bad_of(connection, chunk)
        except DataError as exc:
            what = f"behind this block a row holds what cannot be read: {exc}"
            return BadEntry(journal=chunk.journal, block_no=chunk.after_block, what=what)

    async def _bad_of(self, connection: Connection[Record], chunk: Chunk) -> BadEntry | None:
        where = (chunk.journal, chunk.after_block, chunk.through_block)
        codes = {row["code"] for row in await connection.fetch(_QUERIES["codes"], *where)}
        found: list[tuple[Record, str]] = []
        if not codes.isdisjoint(SETTLED["settlements"]):
            bad = await bad_settlement(connection, chunk, self._keyring, self.met)
            if bad is not None:
                found.append(bad)
        for name, (what, asked_of) in COMMITTED.items():
            if codes.isdisjoint(asked_of):
                continue
            other = await connection.fetchrow(_QUERIES[name], *where)
            if other is not None:
                became = "is missing" if other["missing"] else "was changed"
                found.append((other, f"{what} {became}"))
        if not codes.isdisjoint(SEALED["committed_payloads"]):
            sealed = await self._bad_sealed(connection, chunk)
            if sealed is not None:
                found.append((sealed, f"{sealed['what']} was changed"))
        if not found:
            return None
        first, what = min(found, key=lambda one: place(one[0]))
        return _bad(chunk.journal, first, what)

    async def _bad_sealed(self, connection: Connection[Record], chunk: Chunk) -> Record | None:
        """What an entry commits to by its commitment alone must open to just that."""
        if self._keyring is None:
            return None
        where = (chunk.journal, chunk.after_block, chunk.through_block)
        for row in await connection.fetch(_QUERIES["committed_payloads"], *where):
            record = RECORDS[row["place"]](row["lane"], row["number"], row["part"])
            try:
                open_committed(row["payload"], self._keyring, record)
            except ErasedError:
                continue
            except UndecipherableError:
                return row
        return None


def _bad(journal: int, row: Record, what: str) -> BadEntry:
    return BadEntry(
        journal=journal, block_no=row["block_no"], lane=row["lane"], entry_id=row["entry_id"],
        what=what,
    )  # fmt: skip


async def verify(
    pool: Pool[Record], *, year: int, keyring: Keyring | None, hurried: bool = False,
    walked: Callable[[int], None] = lambda _: None, at: datetime | None = None,
) -> VerifyReport:  # fmt: skip
    """Verify everything. `year` is the present fiscal year: older accumulators may be gone. Who
    settles meanwhile comes first, unless it is `hurried`. `walked` hears how many blocks each step
    of the walk looked at. `at` is the moment that the database shows, where it is no longer now."""
    started = monotonic()
    settlements = SettlementCheck(keyring, walked)
    report = await verify_ledger(pool, guarded_owner=AGENCY, extra=settlements, hurried=hurried)
    if report.ok:
        ask = _Asked(
            since=year - YEARS_KEPT + 1, settled_by=(at or system_clock()) - UNDER_WAY_MAX,
            keyring=keyring, hurried=hurried, met=settlements.met,
        )  # fmt: skip
        bad = await _first_bad_lane(pool, ask)
        bad = bad or await _bad_payout(pool)
        bad = bad or await bad_fund_dues(pool, hurried=hurried)
        bad = bad or await bad_closing(pool, hurried=hurried)
        bad = bad or await bad_bills(pool, hurried=hurried) or await _bad_archive(pool)
        bad = bad or await _bad_audit(pool)
        report = structs.replace(report, ok=bad is None, first_bad=bad)
    return structs.replace(report, seconds=monotonic() - started)


async def _bad_payout(pool: Pool[Record]) -> BadEntry | None:
    """The first stated period with an institution that its settlement rows do not come to."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow(PAYOUTS["bad_payout_lines"])
    if row is None:
        return None
    what = f"period {row['first_on']} of {row['institution']} owes another amount than its rows"
    return BadEntry(journal=0, what=what)


async def _bad_archive(pool: Pool[Record]) -> BadEntry | None:
    """A year that is said to be archived, of which the audit says otherwise or nothing."""
    async with pool.acquire() as connection:
        year = await unaudited(connection)
    if year is None:
        return None
    return BadEntry(journal=0, what=f"archived year {year} is not in the audit as it is here")


async def _bad_audit(pool: Pool[Record]) -> BadEntry | None:
    """The first row of the audit that is not as it was; it belongs to no journal."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow(CONSOLE["bad_audit_link"])
    return None if row is None else BadEntry(journal=0, entry_id=row["audit_id"], what=row["what"])


class _Asked(Struct, frozen=True, kw_only=True):
    """What every lane is asked."""

    since: int
    """the first year whose accumulators are kept"""
    settled_by: datetime
    """nothing that was under way before is so any more"""
    keyring: Keyring | None
    hurried: bool
    met: Met
    """the settlements that the walk met from their entries"""
    without: frozenset[str] = frozenset()
    """questions that need not be put: it is known that no lane has such a thing"""


async def _first_bad_lane(pool: Pool[Record], ask: _Asked) -> BadEntry | None:
    """The first bad lane, looked for on a few connections at once."""
    async with pool.acquire() as connection:
        lanes = sorted((await reference.lanes(connection)).items())
        ask = structs.replace(ask, without=await without_strays(connection, ask.met))
    shares = [lanes[start::CONNECTIONS] for start in range(CONNECTIONS)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_bad_of(pool, share, ask)) for share in shares]
    found = [bad for task in tasks if (bad := task.result()) is not None]
    return min(found, key=lambda bad: bad.lane or 0, default=None)


async def _bad_of(pool: Pool[Record], lanes: list[tuple[int, int]], ask: _Asked) -> BadEntry | None:
    pace = Pace(hurried=ask.hurried)
    async with pool.acquire() as connection:
        for lane, journal in lanes:
            try:
                bad = await _bad_in(connection, lane, journal, ask)
            except DataError as exc:
                what = f"a row of the lane holds what cannot be read: {exc}"
                bad = BadEntry(journal=journal, lane=lane, what=what)
            if bad is not None:
                return bad
            await pace.rest(connection)
    return None


async def _bad_in(
    connection: Connection[Record], lane: int, journal: int, ask: _Asked
) -> BadEntry | None:
    bad = await _bad_lane(connection, lane, journal, ask)
    if bad is None:
        bad = await _bad_money(connection, lane, journal, ask.settled_by)
    if bad is None:
        bad = await _bad_case(connection, lane, journal)
    if bad is None and ask.keyring is not None:
        bad = await bad_sealed(connection, lane, journal, ask.keyring)
    return bad


async def _bad_case(connection: Connection[Record], lane: int, journal: int) -> BadEntry | None:
    """The first adjustment of a payout about a settlement that is none of its institution's."""
    found = await foreign_case(connection, lane)
    if found is None:
        return None
    number, institution = found
    what = f"adjustment of a payout of {institution} is about a settlement that is none of its own"
    return BadEntry(journal=journal, lane=lane, entry_id=number, what=what)


async def _bad_lane(
    connection: Connection[Record], lane: int, journal: int, ask: _Asked
) -> BadEntry | None:
    for name, what in _STRAYS.items():
        if name in ask.without:
            continue
        stray = await connection.fetchval(_QUERIES[name], lane)
        if stray is not None:
            return BadEntry(journal=journal, lane=lane, entry_id=stray, what=what)
    person_no = await connection.fetchval(_QUERIES["wrong_accumulators"], lane, str(ask.since))
    if person_no is not None:
        return BadEntry(
            journal=journal, lane=lane,
            what=f"accumulators of person …{person_no[-4:]} are not the sum of their settlements",
        )  # fmt: skip
    return None


async def _bad_money(
    connection: Connection[Record], lane: int, journal: int, settled: datetime
) -> BadEntry | None:
    """What relatives pay, in the patient's lane and in theirs; payments, and deposits of stays."""
    for name, what, *more in (
        ("orphan_moves", "payment for a relative without a ledger entry"),
        ("unmoved_shares", "a relative's account did not pay, or get back, its part", settled),
        ("unshared_moves", "a relative's account paid for no settlement"),
        ("orphan_payments", "payment without a ledger entry"),
        ("stray_steps", "step without its payment, or without what was booked with it"),
        ("unlooked_payments", "payment that is not at its end and on no worklist"),
        ("orphan_holds", "held order of mobile payment without a ledger entry"),
        ("unlooked_orders", "order of mobile payment that holds something and never ends"),
        ("orphan_matters", "transfer of a personal account is not what was booked"),
        ("unfiled_matters", "filing of care outside is not among the filings as it stands"),
        ("orphan_cases", "case of another region without a ledger entry"),
        ("unlooked_cases", "case of another region that holds something and is on no worklist"),
        ("unsettled_cases", "case of another region without its settlement, or the row beside it"),
        ("unowed_notices", "notice that is neither delivered nor on the worklist"),
        ("bad_deposits", "deposit of a stay is not what was booked"),
        ("overdrawn_deposits", "deposit of a stay was used or given back otherwise than it says"),
        ("orphan_clearings", "clearing with another region without a ledger entry"),
        ("wrong_clearings", "clearing with another region paid another amount than its rows"),
        ("orphan_corrections", "correction of a difference without a ledger entry"),
        ("wrong_corrections", "correction of a difference books another amount than it says"),
        ("lone_corrections", "difference was proposed and confirmed by one person"),
        ("orphan_fees", "fee of a channel without a ledger entry"),
        ("wrong_fees", "fee of a channel books another amount than its bills say"),
        ("wrong_clearing_totals", "clearing accounts of a day do not add up to its totals"),
        ("orphan_payouts", "payout to an institution without a ledger entry"),
        ("wrong_payouts", "payout to an institution is not what its rows and adjustments come to"),
        ("orphan_reimbursements", "reimbursement without a ledger entry"),
        ("wrong_reimbursements", "reimbursement is not what was calculated and confirmed"),
        ("unheld_invoices", "invoice of a reimbursement is not held by it"),
        ("orphan_fund_dues", "what the payer of a fund owes is without a ledger entry"),
        ("orphan_money", "row of money in without a ledger entry"),
        ("unsigned_money", "file of money in without two people"),
        ("unfiled_money", "money in of a file that nobody confirmed"),
        ("wrong_uses", "settlement used other deposits than its stay says"),
    ):
        number = await connection.fetchval(_QUERIES[name], lane, *more)
        if number is not None:
            return BadEntry(journal=journal, lane=lane, entry_id=number, what=what)
    return None
