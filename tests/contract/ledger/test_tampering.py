"""Whoever edits the ledger behind its back is found, and the first entry touched is named."""

from __future__ import annotations

import pytest
from asyncpg import Connection, Pool, Record, create_pool

from ledger.audit import BadEntry, VerifyReport
from ledger.chain import leaf
from ledger.entry import EntryKind
from ledger.postgres.shape import Shape
from ledger.postgres.store import PostgresLedger
from ledger.postgres.verify import Chunk, verify
from tests.contract.ledger.world import BOOKED_AT, DAY, FUND, PHARMACY, book, entry, fill, person
from tests.services import FreshDatabase


@pytest.fixture
async def booked(postgres_pool: Pool[Record]) -> Pool[Record]:
    """Journal 1: blocks 1 to 5 (lane 0), one hold and its post; journal 2: one block."""
    ledger = PostgresLedger(postgres_pool)
    await fill(ledger, 0, 10_000)
    await book(ledger, *(entry(10 + i, (person(0), PHARMACY, 100 + i)) for i in range(3)))
    await book(ledger, entry(20, (person(0), PHARMACY, 80), kind=EntryKind.PENDING))
    await book(
        ledger, entry(21, (person(0), PHARMACY, 30), kind=EntryKind.POST, pending_id=20)
    )
    await ledger.close_day(business_day=DAY, closed_at=BOOKED_AT)
    assert (await verify(postgres_pool)).ok
    return postgres_pool


async def verified(pool: Pool[Record]) -> VerifyReport:
    """With chunks of one block, on two connections."""
    return await verify(pool, connections=2, chunk_entries=1)


async def test_an_untouched_ledger_is_right_and_counted(booked: Pool[Record]) -> None:
    report = await verified(booked)
    assert report.ok
    assert report.first_bad is None
    assert (report.journals, report.blocks, report.entries, report.transfers) == (2, 6, 6, 6)


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize(
    ("statement", "block_no", "entry_id", "what"),
    [
        ("update ledger.entry set amounts = '{99}' where entry_id = 11", 2, 11, "leaf"),
        ("update ledger.entry set debits = '{1}' where entry_id = 11", 2, 11, "leaf"),
        ("update ledger.entry set code = 8 where entry_id = 10", 2, 10, "leaf"),
        ("update ledger.entry set commitment = sha256('x') where entry_id = 20", 3, 20, "leaf"),
        ("update ledger.entry set leaf = sha256('x') where entry_id = 12", 2, 12, "leaf"),
        ("update ledger.entry set lane = 2 where entry_id = 12", 2, 12, "leaf"),
        ("delete from ledger.entry where entry_id = 11", 2, None, "ordinal 1 is missing"),
        ("delete from ledger.entry where entry_id = 12", 2, None, "ordinal 2 is missing"),
        ("update ledger.entry set ordinal = 0 where entry_id = 11", 2, 11, "taken twice"),
        ("update ledger.entry set block_no = 3 where entry_id = 12", 2, None, "missing"),
        ("update ledger.block set block_hash = sha256('x') where block_no = 3", 3, None, "hash"),
        ("update ledger.block set booked_at = '2025-01-01Z' where block_no = 4", 4, None, "hash"),
        ("update ledger.block set business_day = '2025-01-01' where block_no = 1", 1, None, "hash"),
        ("update ledger.block set format = 2 where block_no = 1", 1, None, "format"),
        ("delete from ledger.block where block_no = 2", 2, None, "block 2 is missing"),
        ("update ledger.block set entry_count = 2 where block_no = 2", 2, 12, "added"),
        ("update ledger.entry set block_no = 99 where entry_id = 21", 4, None, "missing"),
        ("update ledger.journal set opening_hash = leaf from ledger.entry", 0, None, "opening"),
    ],
)  # fmt: skip
async def test_what_was_touched_is_named(
    booked: Pool[Record], owner: Connection[Record], statement: str,
    block_no: int, entry_id: int | None, what: str,
) -> None:  # fmt: skip
    await owner.execute(statement)
    report = await verified(booked)
    assert not report.ok
    assert report.first_bad is not None
    assert (report.first_bad.journal, report.first_bad.block_no) == (1, block_no)
    assert report.first_bad.entry_id == entry_id
    assert what in report.first_bad.what


async def test_the_first_of_several_is_named(
    booked: Pool[Record], owner: Connection[Record]
) -> None:
    await owner.execute("update ledger.entry set amounts = '{7}' where entry_id in (11, 12, 20)")
    report = await verified(booked)
    assert report.first_bad is not None
    assert report.first_bad.entry_id == 11


async def test_a_leaf_rewritten_to_fit_breaks_the_block(
    booked: Pool[Record], owner: Connection[Record]
) -> None:
    forged = entry(11, (person(0), PHARMACY, 1))
    await owner.execute(
        "update ledger.entry set amounts = '{1}', leaf = $1 where entry_id = 11", leaf(forged)
    )
    report = await verified(booked)
    assert report.first_bad is not None
    assert (report.first_bad.block_no, report.first_bad.entry_id) == (2, None)


async def test_a_changed_balance_is_named(
    booked: Pool[Record], owner: Connection[Record]
) -> None:
    await owner.execute(
        "update ledger.balance set credits = credits + 1 where account = $1", person(2, 3)
    )
    report = await verified(booked)
    assert report.first_bad == BadEntry(
        journal=1,
        lane=2,
        what=f"the balance of account {person(2, 3)} is not the sum of its entries",
    )


async def test_two_balances_that_swap_money_do_not_hide_each_other(
    booked: Pool[Record], owner: Connection[Record]
) -> None:
    await owner.execute(
        "update ledger.balance set credits = credits + 5, debits = debits + 5 where account = $1",
        person(0),
    )
    assert not (await verified(booked)).ok


async def test_an_entry_inserted_past_the_function_is_an_orphan(
    booked: Pool[Record],
) -> None:
    await booked.execute(
        """insert into ledger.entry (entry_id, block_no, lane, journal, ordinal, kind, code,
               debits, credits, amounts, commitment, leaf)
           values (99, 77, 0, 1, 0, 1, 7, '{1}', '{3}', '{5}', sha256(''), sha256(''))"""
    )
    report = await verified(booked)
    assert report.first_bad is not None
    assert (report.first_bad.entry_id, report.first_bad.what) == (99, "its block does not exist")


async def test_an_entry_of_a_journal_that_is_not_there_is_found(
    booked: Pool[Record],
) -> None:
    await booked.execute(
        """insert into ledger.entry (entry_id, block_no, lane, journal, ordinal, kind, code,
               debits, credits, amounts, commitment, leaf)
           values (99, 1, 0, 7, 0, 1, 7, '{1}', '{3}', '{5}', sha256(''), sha256(''))"""
    )
    report = await verified(booked)
    assert report.first_bad is not None
    assert (report.first_bad.journal, report.first_bad.entry_id) == (7, 99)


async def test_accounts_that_change_owner_are_found(
    booked: Pool[Record], owner: Connection[Record]
) -> None:
    await owner.execute("update ledger.account set owner = 'hospital' where account = $1", FUND)
    report = await verified(booked)
    assert report.first_bad is not None
    assert (report.first_bad.block_no, report.first_bad.entry_id) == (1, 1)
    assert "different owners" in report.first_bad.what


async def test_verification_reads_only_and_needs_no_more_than_one_connection(
    booked: Pool[Record], postgres: FreshDatabase
) -> None:
    read_only = {"default_transaction_read_only": "on"}
    async with create_pool(
        postgres.app_dsn, min_size=1, max_size=1, server_settings=read_only
    ) as pool:
        assert (await verify(pool, connections=2, chunk_entries=1)).ok


async def test_a_package_verifies_its_own_rows_chunk_by_chunk(
    booked: Pool[Record],
) -> None:
    seen: list[Chunk] = []

    async def its_own(connection: Connection[Record], chunk: Chunk) -> BadEntry | None:
        seen.append(chunk)
        if chunk.journal == 1 and chunk.after_block < 4 <= chunk.through_block:
            return BadEntry(journal=1, block_no=4, lane=0, entry_id=21, what="its claim is gone")
        return None

    report = await verify(booked, connections=1, chunk_entries=1, extra=its_own)
    assert report.first_bad is not None
    assert report.first_bad.what == "its claim is gone"
    assert [chunk.after_block for chunk in seen] == [0, 1, 2, 3]
