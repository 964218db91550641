"""`settlement verify` holds what persons were reimbursed against its papers, steps and settlements.

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

HEAD, PAPER = "settlement.reimbursement", "settlement.reimbursement_paper"
STEP, INVOICE = "settlement.reimbursement_step", "settlement.reimbursement_invoice"
ROW = "settlement.settlement"
CHANGED, MISSING = "reimbursement was changed", "reimbursement is missing"
OTHERWISE = "reimbursement is not what was calculated and confirmed"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A town in which one bill was reimbursed and paid, and another taken back."""
    directory: Path = tmp_path_factory.mktemp("orders")
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.reimbursements(town, directory)
        yield town


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        (STEP, "set fund_fen = fund_fen + 1 where act = 4", CHANGED),
        (STEP, "set actor = 'somebody' where act = 4", CHANGED),
        (STEP, "set proposer = 'somebody' where act = 7", CHANGED),
        (STEP, "set reference = 'R' where act = 8", CHANGED),
        (STEP, "where act = 9", MISSING),
        (STEP, "where act = 12", MISSING),
        (STEP, "set fund_fen = fund_fen + 1 where act = 3", OTHERWISE),
        (STEP, "set actor = 'somebody' where act = 3", OTHERWISE),
        (PAPER, "set invoice_no = 'X' where paper_no = 1", CHANGED),
        (PAPER, "set actor = 'somebody'", CHANGED),
        (PAPER, "set payload = payload || '\\x00'", CHANGED),
        (HEAD, "set psn_no = '1'", CHANGED),
        (HEAD, "", MISSING),
        (ROW, "set operator = 'somebody' where infno = 'REIMB'", CHANGED),
        (ROW, "where infno = 'REIMB' and kind = 2", MISSING),
        (INVOICE, "where turn = 1", "invoice of a reimbursement is not held by it"),
    ],
)
async def test_what_was_touched_is_named(
    town: Town, table: str, change: str, what: str
) -> None:
    """A change that sets nothing deletes."""
    verb = "update" if change.startswith("set") else "delete from"
    async with tampered(town, table, f"{verb} {table} {change}"):
        assert await found(town) == what


async def test_what_was_reimbursed_verifies(town: Town) -> None:
    assert await found(town) == ""


async def test_a_step_that_says_it_booked_and_did_not_is_named(town: Town) -> None:
    more = (
        "insert into settlement.reimbursement_step select reimbursement_no, 999, fund_fen,"
        " account_fen, cash_fen, recorded_at, booked_on, 99, paper_no, lane, 8, 'R9', actor,"
        " proposer, reason from settlement.reimbursement_step where act = 7"
    )
    async with tampered(town, STEP, more):
        assert await found(town) == "reimbursement without a ledger entry"
