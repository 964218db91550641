"""Whatever is booked in whatever order: PostgreSQL does what the reference does, hash for hash."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.entry import Entry, EntryKind, Transfer
from ledger.memory import MemoryLedger
from ledger.ports import Ledger
from ledger.postgres.shape import Shape
from ledger.postgres.store import PostgresLedger
from ledger.postgres.verify import verify
from settlement.embedded.services import Services
from tests.contract.ledger import world
from tests.contract.ledger.conftest import installed, memory_ledger
from tests.services import fresh_database, run_apart

LANES = (0, 1, 2)
ACCOUNTS = (
    world.FUND, world.PHARMACY, world.HOSPITAL_CASH, 99,
    *(world.person(lane, number) for lane in LANES for number in (1, 2)),
)  # fmt: skip

transfers = st.builds(
    Transfer,
    debit=st.sampled_from(ACCOUNTS),
    credit=st.sampled_from(ACCOUNTS),
    amount_fen=st.sampled_from((0, 1, 40, 100)),
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Small worlds collide often: eight ids, three lanes, two persons a lane."""
    lane = draw(st.sampled_from(LANES))
    kind = draw(st.sampled_from((EntryKind.SINGLE, *EntryKind)))
    resolves = kind in (EntryKind.POST, EntryKind.VOID)
    own = [world.FUND, world.PHARMACY, world.person(lane, 1), world.person(lane, 2)]
    likely = st.builds(
        Transfer,
        debit=st.sampled_from(own),
        credit=st.sampled_from(own),
        amount_fen=st.sampled_from((1, 40, 100)),
    )
    legs = draw(st.lists(st.one_of(likely, likely, likely, transfers), max_size=3))
    return Entry(
        lane=lane,
        entry_id=draw(st.integers(0, 8)),
        kind=kind,
        code=draw(st.sampled_from((7, 7, 7, 8))),
        transfers=tuple(legs),
        commitment=bytes(32),
        pending_id=draw(st.integers(1, 8)) if resolves else None,
    )


batches = st.lists(
    st.tuples(st.sampled_from((1, 2, 1, 2, 3, 5)), st.lists(entries(), min_size=1, max_size=4)),
    min_size=1,
    max_size=12,
)
Batches = list[tuple[int, list[Entry]]]


@pytest.mark.parametrize("shape", list(Shape))
def test_random_batches_have_the_same_outcomes_balances_and_hashes(
    services: Services, shape: Shape
) -> None:
    with fresh_database(services) as fresh:

        async def compare(drawn: Batches) -> None:
            async with asyncpg.create_pool(fresh.owner_dsn, min_size=1, max_size=2) as pool:
                await pool.execute("drop schema if exists ledger cascade")
                await installed(fresh, shape)
                ledger = PostgresLedger(pool)
                await world.open_chart(ledger, shape)
                memory = await memory_ledger(shape)
                await _play(memory, ledger, _made_likely(drawn, shape))
                assert await _state(memory) == await _state(ledger)
                report = await verify(pool, connections=1, chunk_entries=3)
                assert report.ok, report.first_bad
                assert memory.first_bad() is None

        @settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
        @given(batches)
        def play(drawn: Batches) -> None:
            run_apart(lambda: compare(drawn))

        play()


async def _play(memory: MemoryLedger, ledger: PostgresLedger, drawn: Batches) -> None:
    for number, (journal, batch) in enumerate(drawn):
        at = world.BOOKED_AT + timedelta(microseconds=number)
        expected = await memory.append(
            journal=journal, business_day=world.DAY, booked_at=at, entries=batch
        )
        actual = await ledger.append(
            journal=journal, business_day=world.DAY, booked_at=at, entries=batch
        )
        assert actual == expected


def _made_likely(drawn: Batches, shape: Shape) -> Batches:
    # Most batches go where their entries live, and resolutions repeat the legs of what they
    # resolve; otherwise nearly every random batch would be refused for the same few reasons.
    held: dict[tuple[int, int], Entry] = {}
    likely: Batches = []
    for journal, batch in drawn:
        mine = [e for e in batch if world.journal_of(e.lane, shape) == journal] or batch
        resolved = []
        for entry in mine:
            if entry.kind is EntryKind.PENDING:
                held[entry.lane, entry.entry_id] = entry
            pending = held.get((entry.lane, entry.pending_id or 0))
            if pending is not None and entry.code == 7:
                entry = _with_legs(entry, pending.transfers)
            resolved.append(entry)
        likely.append((journal, resolved))
    return likely


def _with_legs(entry: Entry, legs: tuple[Transfer, ...]) -> Entry:
    return Entry(
        lane=entry.lane, entry_id=entry.entry_id, kind=entry.kind, code=entry.code,
        transfers=legs, commitment=entry.commitment, pending_id=entry.pending_id,
    )  # fmt: skip


async def _state(ledger: Ledger) -> list[object]:
    return [
        *[await ledger.trial_balance(owner) for owner in ("agency", "hospital")],
        *[
            await ledger.guarded_balance(lane=lane, account=world.person(lane, number))
            for lane in LANES
            for number in (1, 2)
        ],
        *[
            await ledger.entry(lane=lane, entry_id=entry_id)
            for lane in LANES
            for entry_id in range(9)
        ],
    ]
