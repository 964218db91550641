"""`settlement verify` holds deposits of stays against what was booked, used and given back.

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

EVENTS = "settlement.visit_event"
BOOKED = "deposit of a stay is not what was booked"
OTHERWISE = "deposit of a stay was used or given back otherwise than it says"
MISSING = "deposit of a stay is missing"
USED = "settlement used other deposits than its stay says"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town with one stay: two deposits, parts of them given back, the rest used, twice."""
    async with a_town(database) as town:
        await scenes.deposits(town, Path())
        yield town


async def test_untouched_deposits_are_right(town: Town) -> None:
    assert (await town.verified()).ok


CHANGES = [
    # of which kind   what was done to its head                                        what is said
    ("12", "jsonb_set(head::jsonb, '{4}', '1')::text where head like '%wechat%'",      BOOKED),
    ("12", "jsonb_set(head::jsonb, '{4}', '30001')::text where head like '%cash%'",    BOOKED),
    ("12", "jsonb_set(head::jsonb, '{5}', '\"x\"')::text where head like '%cash%'",    BOOKED),
    ("12", "jsonb_set(head::jsonb, '{0}', '7')::text where true",                      MISSING),
    ("13", "jsonb_set(head::jsonb, '{1}', '10001')::text where head like '%VR1%'",     OTHERWISE),
    ("13", "jsonb_set(head::jsonb, '{1}', '50000')::text where head like '%VR2%'",     MISSING),
    ("13", "jsonb_set(head::jsonb, '{3}', '7')::text where head like '%VR1%'",         MISSING),
    ("5",  "jsonb_set(head::jsonb, '{4}', '[]')::text where true",                     USED),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "said"), CHANGES)
async def test_what_was_done_to_a_deposit_is_named(
    town: Town, kind: str, change: str, said: str
) -> None:
    what = f"update {EVENTS} set head = {change} and kind = {kind}"  # noqa: S608
    async with tampered(town, EVENTS, what):
        bad = await first_bad(town)
        assert bad.what == said
        assert bad.entry_id


@pytest.mark.parametrize(
    "which", ["13 and head like '%VR1%'", "13 and head like '%VR2%'", "12 and head like '%cash%'"]
)
async def test_deposit_or_return_that_was_taken_out_is_missed(town: Town, which: str) -> None:
    what = f"delete from {EVENTS} where kind = {which}"  # noqa: S608
    async with tampered(town, EVENTS, what):
        bad = await first_bad(town)
        assert bad.what == MISSING
        assert bad.block_no
