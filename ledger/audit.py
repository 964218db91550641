"""The audit of a ledger, pure: given a block and the hash before it, which entry is the first bad.

The readers (ledger/memory.py, ledger/postgres/verify.py) bring blocks in their order; this module
recomputes every leaf and the block's hash and says what does not fit. It knows no database.
"""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from ledger.chain import FORMAT, block_hash, leaf, microseconds
from ledger.entry import Entry


class BadEntry(Struct, frozen=True, kw_only=True, gc=False):
    """The first thing that is wrong (首个异常): a block, and the entry where it is known."""

    journal: int
    block_no: int | None = None
    lane: int | None = None
    entry_id: int | None = None
    what: str


class VerifyReport(Struct, frozen=True, kw_only=True, gc=False):
    """What a verification found (核验结果). `entries` and `transfers` count what was recomputed."""

    ok: bool
    journals: int
    blocks: int
    entries: int
    transfers: int
    first_bad: BadEntry | None
    seconds: float


class AuditedBlock(Struct, frozen=True, kw_only=True, gc=False):
    """A block (区块) as it is stored: `entries`, `leaves` and `ordinals` run in parallel."""

    journal: int
    block_no: int
    business_day: date
    booked_at: datetime
    format: int
    entry_count: int
    block_hash: bytes
    ordinals: tuple[int, ...]
    entries: tuple[Entry, ...]
    leaves: tuple[bytes, ...]


def audit_block(block: AuditedBlock, *, expected_no: int, previous: bytes) -> BadEntry | None:
    """The first thing in a block that does not fit, entries first, in the order of the block."""
    if block.block_no != expected_no:
        return _bad_block(block, f"block {expected_no} is missing", block_no=expected_no)
    if block.format != FORMAT:
        return _bad_block(block, f"format {block.format} is unknown")
    stored = zip(block.ordinals, block.entries, block.leaves, strict=True)
    for place, (ordinal, entry, stored_leaf) in enumerate(stored):
        if ordinal > place:
            return _bad_block(block, f"the entry with ordinal {place} is missing")
        if ordinal < place:
            return _bad_entry(block, entry, f"ordinal {ordinal} is taken twice")
        if leaf(entry) != stored_leaf:
            return _bad_entry(block, entry, "its fields do not give its leaf")
    if len(block.entries) < block.entry_count:
        return _bad_block(block, f"the entry with ordinal {len(block.entries)} is missing")
    if len(block.entries) > block.entry_count:
        return _bad_entry(block, block.entries[block.entry_count], "it was added to the block")
    if block.block_hash != expected_hash(block, previous):
        return _bad_block(block, "its hash does not cover its header, leaves and the hash before")
    return None


def expected_hash(block: AuditedBlock, previous: bytes) -> bytes:
    """The hash that the block must have after a block with hash `previous`."""
    return block_hash(
        journal=block.journal, block_no=block.block_no, business_day=block.business_day,
        booked_at_us=microseconds(block.booked_at), previous=previous,
        leaves=b"".join(block.leaves), format_version=block.format,
    )  # fmt: skip


def first_of(found: list[BadEntry]) -> BadEntry | None:
    """The first in order of journal, then block; what has no block comes after what has one."""
    return min(
        found, key=lambda bad: (bad.journal, bad.block_no is None, bad.block_no or 0), default=None
    )


def _bad_block(block: AuditedBlock, what: str, *, block_no: int | None = None) -> BadEntry:
    return BadEntry(journal=block.journal, block_no=block_no or block.block_no, what=what)


def _bad_entry(block: AuditedBlock, entry: Entry, what: str) -> BadEntry:
    return BadEntry(
        journal=block.journal, block_no=block.block_no, lane=entry.lane, entry_id=entry.entry_id,
        what=what,
    )  # fmt: skip
