"""`settlement verify` holds what persons had done against what was booked and what they carry.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.kit import scenes
from tests.kit.tampering import first_bad, tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS, FILINGS = "settlement.matter_event", "settlement.filing"
CHANGED = "transfer of a personal account was changed"
MISSING = "transfer of a personal account is missing"
BOOKED = "transfer of a personal account is not what was booked"
FILED = "filing of care outside is not among the filings as it stands"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town with transfers out and in, and a filing that was taken back."""
    async with a_town(database) as town:
        await scenes.matters(town, Path())
        yield town


async def test_untouched_matters_are_right(town: Town) -> None:
    assert (await town.verified()).ok


CHANGES = [
    # what was done                                                      what is said
    ("amount_fen = amount_fen + 1 where kind = 6",                       CHANGED),
    ("coverage_months = 8 where kind = 6",                               CHANGED),
    ("reference = 'LX-9' where kind = 7 and reference = 'LX-1'",         CHANGED),
    ("actor = 'staff:x' where kind = 6",                                 CHANGED),
    ("note = note || 'x' where entry_id is not null and kind = 6",       CHANGED),
    ("business_day = business_day + 1 where kind = 6",                   CHANGED),
    ("recorded_at = recorded_at + interval '1 us' where kind = 6",       CHANGED),
    ("entry_id = entry_id + 500000 where kind = 6",                      MISSING),
    ("kind = 5 where kind = 6",                                          CHANGED),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES)
async def test_what_was_done_to_a_transfer_is_named(town: Town, change: str, said: str) -> None:
    async with tampered(town, EVENTS, f"update {EVENTS} set {change}"):  # noqa: S608
        bad = await first_bad(town)
        assert bad.what == said
        assert bad.block_no and bad.entry_id


async def test_transfer_that_nobody_booked_is_named(town: Town) -> None:
    what = (
        "insert into settlement.matter_event"
        " (matter_no, entry_id, amount_fen, recorded_at, business_day,"
        " coverage_months, lane, event_no, kind, actor, through, reference, note)"
        " select matter_no, entry_id + 700000, 5, recorded_at, business_day, 0, lane, 9, 8,"
        " 'staff:x', '', 'x', '' from settlement.matter_event where kind = 7"
    )
    async with tampered(town, EVENTS, what):
        assert (await first_bad(town)).what == BOOKED


@pytest.mark.parametrize(
    "what",
    [
        "delete from settlement.filing where kind = 4 and withdraws is not null",
        "delete from settlement.matter_event where kind = 4",
        "update settlement.filing set kind = 1 where kind = 4 and withdraws is null",
    ],
)  # fmt: skip
async def test_filing_that_is_not_what_its_matter_says_is_named(town: Town, what: str) -> None:
    table = what.split()[1 if what.startswith("update") else 2]
    async with tampered(town, table, what):
        assert (await first_bad(town)).what == FILED


async def test_end_of_a_filing_is_in_the_list_that_the_person_carries(town: Town) -> None:
    what = (
        "update settlement.filing set ends_on = begins_on + 900"
        " where kind = 4 and ends_on is null and withdraws is null"
    )
    async with tampered(town, FILINGS, what):
        assert "are not those that stand" in (await first_bad(town)).what
