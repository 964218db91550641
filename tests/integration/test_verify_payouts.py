"""`settlement verify` holds what institutions were paid against its rows, adjustments and steps.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from tests.kit import scenes
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done
from tests.kit.tampering import all_tampered, found, tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEP, LINE = "settlement.payout_step", "settlement.payout_line"
ADJUSTMENT, END = "settlement.payout_adjustment", "settlement.payout_adjustment_end"
PAYOUT = "payout to an institution"
FOREIGN = (
    "adjustment of a payout of {code} is about a settlement that is none of its own"
)
OTHERWISE = f"{PAYOUT} is not what its rows and adjustments come to"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A town that has paid its pharmacy for a month, a deduction less."""
    directory: Path = tmp_path_factory.mktemp("orders")
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.payouts(town, directory)
        assert_done(await town.other_pharmacy.sell(town.someone(), some(CLASS_A)))
        yield town


async def test_what_was_paid_verifies(town: Town) -> None:
    assert await found(town) == ""


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        (STEP, "set fund_fen = fund_fen + 1 where act = 5", f"{PAYOUT} was changed"),
        (STEP, "set reference = 'R' where act = 6", f"{PAYOUT} was changed"),
        (STEP, "set bank_account = 9 where act = 5", f"{PAYOUT} was changed"),
        (STEP, "set actor = 'somebody' where act = 7", f"{PAYOUT} was changed"),
        (STEP, "where act = 7", f"{PAYOUT} is missing"),
        (STEP, "set entry_id = 7 where act = 6", f"{PAYOUT} is missing"),
        (STEP, "set account_fen = account_fen + 1 where act = 3", OTHERWISE),
        (ADJUSTMENT, "set amount_fen = 99", f"{PAYOUT} was changed"),
        (ADJUSTMENT, "set actor = 'somebody'", f"{PAYOUT} was changed"),
        (ADJUSTMENT, "set source = 'another'", f"{PAYOUT} was changed"),
        (ADJUSTMENT, "set setl_id = 7", f"{PAYOUT} was changed"),
        (END, "set actor = 'somebody'", f"{PAYOUT} was changed"),
        (END, "", f"{PAYOUT} is missing"),
        (LINE, "set fund_fen = fund_fen + 1", OTHERWISE),
        (LINE, "set total_fen = total_fen + 1", "owes another amount than its rows"),
    ],
)  # fmt: skip
async def test_what_was_touched_is_named(
    town: Town, table: str, change: str, what: str
) -> None:
    """A change that sets nothing deletes."""
    verb = "update" if change.startswith("set") else "delete from"
    statement = f"{verb} {table} {change}"
    async with tampered(town, table, statement):
        assert what in await found(town)
    assert await found(town) == ""


async def test_an_adjustment_about_a_case_of_another_institution_is_named(town: Town) -> None:
    own = await a_case(town, of_the_pharmacy=True)
    foreign = await a_case(town, of_the_pharmacy=False)
    for number, said in ((own, ""), (foreign, FOREIGN), (own + 999, FOREIGN)):
        proposed = (
            "insert into settlement.payout_adjustment (amount_fen, setl_id, proposed_at, first_on,"
            " adjustment_no, lane, kind, institution, batch, source, note, actor)"
            " select a.amount_fen, $1, a.proposed_at, a.first_on, 9, a.lane, a.kind,"
            " a.institution, a.batch, a.source, a.note, a.actor from settlement.payout_adjustment a"
            " where a.setl_id is null"
        )
        async with all_tampered(town, (ADJUSTMENT,), ((proposed, number),)):
            assert await found(town) == said.format(code=town.pharmacy.code)
    assert await found(town) == ""


async def a_case(town: Town, *, of_the_pharmacy: bool) -> int:
    """A settlement of the pharmacy, or of another."""
    number = await town.owner.fetchval(
        "select t.setl_id from settlement.settlement t"
        " where (t.institution = $1) = $2 and t.kind = 1 limit 1",
        town.pharmacy.code, of_the_pharmacy,
    )  # fmt: skip
    assert isinstance(number, int)
    return number


async def test_a_step_that_says_it_booked_and_did_not_is_named(town: Town) -> None:
    more = (
        "insert into settlement.payout_step select 999, 1, 0, recorded_at, first_on, last_on,"
        " booked_on, 99, 0, lane, 5, institution, 'R9', actor, reason from settlement.payout_step"
        " where act = 1"
    )
    async with tampered(town, STEP, more):
        assert f"{PAYOUT} without a ledger entry" in await found(town)
