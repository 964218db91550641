"""The hash chain: how an entry becomes a leaf and a batch of leaves becomes a block.

RFC 6962's domain separation: a leaf begins with 0x00, an inner node of a Merkle tree with 0x01
(ledger/proof.py), a block with 0x02, the opening of a chain with 0x03. A leaf contains neither its
block nor its place in it, so it can be computed before the batch is ordered. `ledger.block_hash`
in SQL computes the same `block_hash`; the contract tests hold the two to each other. Knows no
database and no clock.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256

from msgspec import Struct

from ledger.entry import Entry

FORMAT = 1
HASH_BYTES = 32
_EPOCH = date(2000, 1, 1)
_EPOCH_AT = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BLOCK = struct.Struct(">chhqqii").pack


class ChainEnd(Struct, frozen=True, kw_only=True, gc=False):
    """The last block of a closed chain (链尾), cited by the chains that follow it."""

    journal: int
    block_no: int
    block_hash: bytes


def leaf_bytes(entry: Entry) -> bytes:
    """The canonical encoding of an entry, all integers big-endian (ADR 0004)."""
    flat: list[int] = []
    for transfer in entry.transfers:
        flat += (transfer.debit, transfer.credit, transfer.amount_fen)
    return encode(entry, flat)


def encode(entry: Entry, flat: list[int]) -> bytes:
    """`leaf_bytes` for a caller that has debit, credit, amount of all legs in one list already."""
    pack = _leaf_packer(len(entry.transfers))
    return pack(
        0, entry.lane, entry.entry_id, entry.kind, entry.code, entry.pending_id or 0,
        len(entry.transfers), *flat, entry.commitment,
    )  # fmt: skip


def leaf(entry: Entry) -> bytes:
    """The leaf hash of an entry: 32 bytes."""
    return sha256(leaf_bytes(entry)).digest()


def block_hash(
    *, journal: int, block_no: int, business_day: date, booked_at_us: int, previous: bytes,
    leaves: bytes, format_version: int = FORMAT,
) -> bytes:  # fmt: skip
    """The hash of a block over its header, the hash before it and its leaves, 32 bytes each.

    `booked_at_us` is microseconds since 1970 UTC.
    """
    header = _BLOCK(
        b"\x02", format_version, journal, block_no, booked_at_us,
        (business_day - _EPOCH).days, len(leaves) // HASH_BYTES,
    )  # fmt: skip
    return sha256(header + previous + leaves).digest()


def opening_hash(
    *, journal: int, lanes: int, opened_at: datetime, cited: Sequence[ChainEnd] = ()
) -> bytes:
    """The hash before block 1: sha256 of 0x03 and one line of text, the ends of older chains in it.

    The text is `ledger format 1 journal 5 lanes 64 opened 1700000000000000 after 1:17:<hex> …`,
    with the time in microseconds since 1970 UTC and the cited chains in order of their journals.
    """
    ends = sorted(cited, key=lambda end: end.journal)
    after = " ".join(f"{end.journal}:{end.block_no}:{end.block_hash.hex()}" for end in ends)
    text = (
        f"ledger format {FORMAT} journal {journal} lanes {lanes}"
        f" opened {microseconds(opened_at)} after {after}"
    )
    return sha256(b"\x03" + text.encode("ascii")).digest()


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 UTC of an aware time, exactly."""
    return (at - _EPOCH_AT) // _MICROSECOND


@cache
def _leaf_packer(legs: int) -> Callable[..., bytes]:
    # Made once for each number of legs, so that packing an entry is a single call.
    return struct.Struct(f">BhqhhqI{3 * legs}q{HASH_BYTES}s").pack
