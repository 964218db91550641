"""Verification: recomputes everything from the rows and names the first entry that was touched.

The walk goes over immutable rows in chunks of whole blocks, each chunk in a few statements of its
own: no cursor, no long transaction, constant memory. A chunk needs nothing from the one before it
but the stored hash it continues, so several connections work on one chain. PostgreSQL does the
hashing (docs/profile-verify.md says what that brings); where it finds a block that does not fit,
ledger/audit.py looks at that block again in Python and names the entry.

Guarded balances are compared by a fingerprint: every amount times a hash of lane, account and
counter under a seed drawn for this run, summed. Sums over entries and over balance rows are equal
exactly if the balances are (but for one chance in 2^60), and nothing is kept per person. Only when
they differ is the account searched, lane by lane.

What a package keeps beside the ledger it verifies itself, chunk by chunk, through `extra`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from pathlib import Path
from typing import Protocol

from asyncpg import Connection, Pool, Record
from msgspec import Struct

from ledger.audit import AuditedBlock, BadEntry, VerifyReport, audit_block, first_of
from ledger.chain import FORMAT, ChainEnd, opening_hash
from ledger.postgres.arrays import entry_of
from ledger.postgres.pace import Pace
from ledger.postgres.queries import load

CHUNK_ENTRIES = 8_192
CONNECTIONS = 2

_CITE = re.compile(r"[0-9]{1,5}:[0-9]{1,18}", re.ASCII)
"""A journal and a block, as they are written; what was tampered with may be anything."""
_QUERIES = load(Path(__file__).parent / "sql" / "scatter.sql")
_ENTRY_COLUMNS = (
    "lane", "entry_id", "kind", "code", "pending_id", "debits", "credits", "amounts", "commitment",
)  # fmt: skip


class Chunk(Struct, frozen=True, kw_only=True, gc=False):
    """Blocks `after_block` + 1 … `through_block` of a journal, all of them committed."""

    journal: int
    after_block: int
    through_block: int


class Extra(Protocol):
    """Verifies what another package keeps for the entries of a chunk; joins by (lane, entry_id).

    It is called on the connection that walked the chunk, after the ledger's own checks passed, at
    most once at a time on each connection; it answers the first bad thing in the chunk, or None.
    """

    async def __call__(self, connection: Connection[Record], chunk: Chunk) -> BadEntry | None:
        """The first bad thing that belongs to the entries of the chunk."""


class _Walk:
    """What the connections of one verification share."""

    def __init__(
        self, *, seed: int, guarded_owner: str, check_more: Extra | None, journals: list[Record]
    ) -> None:
        self.seed = seed
        self.guarded_owner = guarded_owner
        self.check_more = check_more
        self.journals = journals
        self.opening_hashes: dict[int, bytes] = {
            row["journal"]: row["opening_hash"] for row in journals
        }
        self.found: list[BadEntry] = []
        self.blocks = 0
        self.entries = 0
        self.transfers = 0
        self.fingerprint = 0


async def verify(
    pool: Pool[Record], *, guarded_owner: str = "agency", connections: int = CONNECTIONS,
    chunk_entries: int = CHUNK_ENTRIES, extra: Extra | None = None, hurried: bool = False,
) -> VerifyReport:  # fmt: skip
    """Verifies the whole ledger as it stands now, appends going on meanwhile; slowly while many
    do, unless it is `hurried`.

    Reads only: the verifier's role needs no other right. Uses up to `connections` of the pool.
    """
    started = time.perf_counter()
    async with pool.acquire() as connection:
        walk = _Walk(
            seed=secrets.randbelow(1 << 61),  # room to add lane and counter
            guarded_owner=guarded_owner,
            check_more=extra,
            journals=await connection.fetch(_QUERIES["journals"]),
        )
        await _check_openings(connection, walk)
    if not walk.found:
        await _walk_chunks(pool, walk, connections, chunk_entries, hurried=hurried)
    if not walk.found:
        async with pool.acquire() as connection:
            await _check_rest(connection, walk)
    return VerifyReport(
        ok=not walk.found,
        journals=len(walk.journals),
        blocks=walk.blocks,
        entries=walk.entries,
        transfers=walk.transfers,
        first_bad=first_of(walk.found),
        seconds=time.perf_counter() - started,
    )


async def _walk_chunks(
    pool: Pool[Record], walk: _Walk, connections: int, chunk_entries: int, *, hurried: bool
) -> None:
    dealer = _Dealer(walk.journals, chunk_entries)

    async def work() -> None:
        async with pool.acquire() as connection:
            await connection.execute(_QUERIES["session"])  # the pool resets it afterwards
            pace = Pace(hurried=hurried)
            while not walk.found:
                chunk = await dealer.deal(connection)
                if chunk is None:
                    return
                await _check_chunk(connection, chunk, walk)
                await pace.rest(connection)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(connections, pool.get_max_size())):
            group.create_task(work())


class _Dealer:
    """Deals chunks in order, journal by journal.

    So once a chunk is bad, no chunk that was not dealt yet can hold the first bad entry: what is
    under way is finished, and nothing new begun.
    """

    def __init__(self, journals: list[Record], chunk_entries: int) -> None:
        self._left = [(row["journal"], row["last_block"]) for row in reversed(journals)]
        self._after = 0
        self._chunk_entries = chunk_entries
        self._lock = asyncio.Lock()

    async def deal(self, connection: Connection[Record]) -> Chunk | None:
        """The next chunk, its size looked up on the connection that asks; None after the last."""
        async with self._lock:
            while self._left and self._after >= self._left[-1][1]:
                self._left.pop()
                self._after = 0
            if not self._left:
                return None
            journal, last = self._left[-1]
            through: int = await connection.fetchval(
                _QUERIES["chunk_end"], journal, self._after, last, self._chunk_entries
            )
            chunk = Chunk(journal=journal, after_block=self._after, through_block=through)
            self._after = through
            return chunk


async def _check_chunk(connection: Connection[Record], chunk: Chunk, walk: _Walk) -> None:
    where = (chunk.journal, chunk.after_block, chunk.through_block)
    previous = walk.opening_hashes[chunk.journal]
    if chunk.after_block:
        previous = await connection.fetchval(
            _QUERIES["hash_before"], chunk.journal, chunk.after_block
        )
    sums = await connection.fetchrow(_QUERIES["chunk"], *where, walk.seed, previous, FORMAT)
    found = []
    if sums["bad_block"] is not None:
        opening = walk.opening_hashes[chunk.journal]
        found.append(await _name_entry(connection, chunk.journal, sums["bad_block"], opening))
    if await connection.fetchval(_QUERIES["has_misplaced"], *where, walk.guarded_owner):
        row = await connection.fetchrow(_QUERIES["misplaced"], *where, walk.guarded_owner)
        found.append(BadEntry(journal=chunk.journal, **row))
    released = 0
    if sums["resolutions"]:
        row = await connection.fetchrow(_QUERIES["unfit_resolution"], *where)
        if row is not None:
            found.append(BadEntry(journal=chunk.journal, **row))
        released = await connection.fetchval(_QUERIES["released"], *where, walk.seed)
    if not found and walk.check_more is not None:
        bad = await walk.check_more(connection, chunk)
        found += [bad] if bad is not None else []
    walk.found += found
    walk.blocks += sums["blocks"]
    walk.entries += sums["entries"]
    walk.transfers += sums["transfers"]
    walk.fingerprint += int(sums["fingerprint"]) + int(released)


async def _name_entry(
    connection: Connection[Record], journal: int, block_no: int, opening: bytes
) -> BadEntry:
    before = await connection.fetchrow(_QUERIES["block_before"], journal, block_no)
    header = await connection.fetchrow(_QUERIES["block"], journal, block_no)
    rows = await connection.fetch(_QUERIES["block_entries"], journal, block_no)
    block = AuditedBlock(
        **header,
        ordinals=tuple(row["ordinal"] for row in rows),
        entries=tuple(entry_of({name: row[name] for name in _ENTRY_COLUMNS}) for row in rows),
        leaves=tuple(row["leaf"] for row in rows),
    )
    bad = audit_block(
        block,
        expected_no=before["block_no"] + 1 if before else 1,
        previous=before["block_hash"] if before else opening,
    )
    if bad is None:
        raise RuntimeError(f"SQL and Python disagree on block {block_no} of {journal}")
    return bad


async def _check_openings(connection: Connection[Record], walk: _Walk) -> None:
    lanes = await connection.fetchval(_QUERIES["lane_count"])
    for row in walk.journals:
        cites = row["cites"].split()
        readable = all(_CITE.fullmatch(cite) for cite in cites)
        cited = [await _chain_end(connection, cite, walk) for cite in cites] if readable else []
        expected = opening_hash(
            journal=row["journal"], lanes=lanes, opened_at=row["opened_at"], cited=cited
        )
        if not readable or expected != row["opening_hash"]:
            what = "its opening hash does not cover the ends of the chains it follows"
            walk.found.append(BadEntry(journal=row["journal"], block_no=0, what=what))


async def _chain_end(connection: Connection[Record], cite: str, walk: _Walk) -> ChainEnd:
    # What is really there now: where it differs from what was cited, the opening hash tells.
    journal = int(cite.partition(":")[0])
    end = await connection.fetchrow(_QUERIES["chain_end"], journal)
    if end is None:
        known = walk.opening_hashes.get(journal, b"")
        return ChainEnd(journal=journal, block_no=0, block_hash=known)
    return ChainEnd(journal=journal, **end)


async def _check_rest(connection: Connection[Record], walk: _Walk) -> None:
    for row in walk.journals:
        orphan = await connection.fetchrow(_QUERIES["orphan"], row["journal"], row["last_block"])
        if orphan is not None:
            walk.found.append(BadEntry(journal=row["journal"], **orphan))
    stray = await connection.fetchrow(_QUERIES["stray"])
    if stray is not None:
        walk.found.append(BadEntry(**stray))
    differ = await connection.fetchval(
        _QUERIES["balances_differ"],
        [row["journal"] for row in walk.journals],
        [row["last_block"] for row in walk.journals],
        str(walk.fingerprint),
        walk.seed,
    )
    if differ and not walk.found:
        walk.found.append(await _name_account(connection))


async def _name_account(connection: Connection[Record]) -> BadEntry:
    for row in await connection.fetch(_QUERIES["lane_journals"]):
        account = await connection.fetchval(_QUERIES["wrong_balance"], row["lane"])
        if account is not None:
            what = f"the balance of account {account} is not the sum of its entries"
            return BadEntry(journal=row["journal"], lane=row["lane"], what=what)
    raise RuntimeError("fingerprints differ, yet every balance is the sum of its entries")
