"""`settlement verify` holds what was cleared with other regions against its steps and rows.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from tests.kit import scenes
from tests.kit.tampering import found, tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = "settlement.region_clearing_step"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town that was paid by Hunan, and has its prepayment."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.regions(town, Path())
        yield town


async def test_what_was_cleared_verifies(town: Town) -> None:
    assert await found(town) == ""


@pytest.mark.parametrize(
    ("table", "statement", "what"),
    [
        (STEPS,
         "update settlement.region_clearing_step set amount_fen = amount_fen + 1 where act = 10",
         "clearing with another region was changed"),
        (STEPS, "update settlement.region_clearing_step set actor = 'somebody' where act = 10",
         "clearing with another region was changed"),
        (STEPS, "delete from settlement.region_clearing_step where act = 10",
         "clearing with another region is missing"),
        (STEPS, "update settlement.region_clearing_step set entry_id = 7 where act = 10",
         "clearing with another region is missing"),
        ("settlement.region_clearing_leg",
         "update settlement.region_clearing_leg set fund_fen = fund_fen + 1",
         "clearing with another region paid another amount than its rows"),
        ("settlement.region_prepayment",
         "update settlement.region_prepayment set amount_fen = 99 where act = 3",
         "prepayment was changed"),
        ("settlement.region_prepayment",
         "delete from settlement.region_prepayment where act = 3", "prepayment is missing"),
    ],
)  # fmt: skip
async def test_what_was_touched_is_named(
    town: Town, table: str, statement: str, what: str
) -> None:
    async with tampered(town, table, statement):
        assert await found(town) == what
    assert await found(town) == ""
