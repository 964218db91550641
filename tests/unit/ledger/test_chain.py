"""Golden vectors of the chain: bytes and hashes that were written down and may never change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from ledger.chain import ChainEnd, block_hash, leaf, leaf_bytes, microseconds, opening_hash
from ledger.entry import Entry, EntryKind, Transfer

POST = Entry(
    lane=3,
    entry_id=258,
    kind=EntryKind.POST,
    code=21,
    pending_id=257,
    transfers=(Transfer(1_000_000_003_001, 2, 12_345), Transfer(1, 2, 1)),
    commitment=bytes(range(32)),
)
LEAF_BYTES = (
    "00"  # a leaf
    "0003" "0000000000000102" "0003" "0015"  # lane, entry, kind, code
    "0000000000000101" "00000002"  # pending entry, number of transfers
    "000000e8d4a51bb9" "0000000000000002" "0000000000003039"
    "0000000000000001" "0000000000000002" "0000000000000001"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)  # fmt: skip
LEAF = "0c2a64eb3cd477a5c0f5e2455d501bbc323e4915a726fbd6049f1fedf4907f39"
BLOCK_7 = "e48dd9b640602ffa6f12f39310275e059aedc0f5590d95562be37304ee0256c1"
BOUNDARY_8 = "1721c4991922cf48bbdfdaa395bbe466f9467ea9fe30385013242943bca90730"
OPENED_AT = datetime(2025, 1, 1, tzinfo=UTC)


def test_a_leaf_is_its_documented_bytes() -> None:
    assert leaf_bytes(POST).hex() == LEAF_BYTES
    assert leaf(POST).hex() == LEAF
    assert sha256(bytes.fromhex(LEAF_BYTES)).hexdigest() == LEAF


def test_a_block_covers_header_previous_hash_and_leaves() -> None:
    seven = block_hash(
        journal=2, block_no=7, business_day=date(2025, 1, 2), booked_at_us=1_735_787_045_678_901,
        previous=bytes(32), leaves=leaf(POST) * 2,
    )  # fmt: skip
    assert seven.hex() == BLOCK_7
    eight = block_hash(
        journal=2, block_no=8, business_day=date(2025, 1, 2), booked_at_us=1_735_787_045_678_901,
        previous=seven, leaves=b"",
    )  # fmt: skip
    assert eight.hex() == BOUNDARY_8


@pytest.mark.parametrize(
    ("journal", "cited", "text"),
    [
        (1, (), "ledger format 1 journal 1 lanes 64 opened 1735689600000000 after "),
        (
            3,
            (
                ChainEnd(journal=2, block_no=7, block_hash=bytes.fromhex(BLOCK_7)),
                ChainEnd(journal=1, block_no=0, block_hash=bytes(32)),
            ),
            "ledger format 1 journal 3 lanes 64 opened 1735689600000000"
            f" after 1:0:{'00' * 32} 2:7:{BLOCK_7}",
        ),
    ],
)
def test_an_opening_hash_is_the_hash_of_a_text(
    journal: int, cited: tuple[ChainEnd, ...], text: str
) -> None:
    opened = opening_hash(journal=journal, lanes=64, opened_at=OPENED_AT, cited=cited)
    assert opened == sha256(b"\x03" + text.encode()).digest()


def test_times_are_exact_to_the_microsecond() -> None:
    assert microseconds(datetime(2262, 4, 11, 23, 47, 16, 854_775, tzinfo=UTC)) == (
        9_223_372_036_854_775
    )
