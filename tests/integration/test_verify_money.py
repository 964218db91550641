"""`settlement verify` holds money in against its rows, its files and what rows came to.

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A town in which something was allotted, and clawed back beyond what was there."""
    directory: Path = tmp_path_factory.mktemp("money")
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.money(town, directory)
        yield town


ROW, TAKEN = "settlement.money_row", "settlement.money_taken"
STEP = "settlement.money_file_step"


@pytest.mark.parametrize(
    ("table", "statement", "what"),
    [
        (ROW, "update settlement.money_row set amount_fen = amount_fen + 1 where source = 21",
         "money in by a file was changed"),
        (ROW, "update settlement.money_row set psn_no = 'P99999' where source = 21",
         "money in by a file was changed"),
        (ROW, "update settlement.money_row set source = 24 where source = 21",
         "money in by a file was changed"),
        (ROW, "update settlement.money_row set fund = '310101' where source = 1",
         "money in by a file was changed"),
        (ROW, "delete from settlement.money_row where source = 21",
         "money in by a file is missing"),
        (TAKEN, "update settlement.money_taken set owed_fen = owed_fen - 1",
         "money in by a file was changed"),
        (TAKEN, "delete from settlement.money_taken", "money in by a file was changed"),
        (STEP, "update settlement.money_file_step set actor = '测试会计甲' where act = 3",
         "file of money in without two people"),
        (STEP, "delete from settlement.money_file_step where act = 2",
         "file of money in without two people"),
        (STEP, "delete from settlement.money_file_step where act in (3, 5)",
         "money in of a file that nobody confirmed"),
        (ROW, "insert into settlement.money_row select 7, account, amount_fen, file_no, month,"
         " 99, lane, source, psn_no, scheme, fund, reference from settlement.money_row"
         " where source = 21", "row of money in without a ledger entry"),
    ],
)  # fmt: skip
async def test_what_was_touched_is_named(
    town: Town, table: str, statement: str, what: str
) -> None:
    async with tampered(town, table, statement):
        assert await found(town) == what
    assert await found(town) == ""
