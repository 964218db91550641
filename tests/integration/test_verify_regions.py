"""`settlement verify` holds what was cleared with other regions against its steps and rows.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime

import pytest
import pytest_asyncio

from ledger.audit import BadEntry
from ledger.postgres.shape import Shape
from settlement.regional_clearing import Side
from settlement.regional_prepayment import PrepaidAct
from settlement.serve import regional_paying as paying
from settlement.serve import regional_prepaid as prepaid
from settlement.serve.regional_desk import Named, acting_on
from settlement.serve.regional_periods import acting
from settlement.serve.regional_stating import state
from settlement.who import Who
from tests.kit.population import CLASS_A, some
from tests.kit.regions import CHANGSHA, HUNAN, an_operator, treated_here
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONTH = date(2026, 11, 1)
CHEN, LIN = Who(actor="陈会计", reason="月度清算"), Who(actor="林科长", reason="复核")
STEPS = "settlement.region_clearing_step"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town that was paid by Hunan, and has its prepayment."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
        leg = await treated_here(town, sold.setl_id, CHANGSHA)
        town.clock.move_to(datetime(2026, 12, 8, 9, 0))
        books = await an_operator(town)
        await state(books, MONTH, None, CHEN, None)
        named = Named(month=MONTH, party=HUNAN, side=Side.TREATMENT)
        for said in (
            await acting_on(books, named, lambda b, f: paying.confirm(b, f, CHEN)),
            await acting_on(
                books, named, lambda b, f: paying.notify(b, f, "N", leg.owed_fen, CHEN)
            ),
            await acting_on(books, named, lambda b, f: paying.propose(b, f, "V", CHEN)),
            await acting_on(books, named, lambda b, f: paying.settle(b, f, "V", LIN)),
        ):
            assert said.status == 0, said.text
        args = (books, HUNAN, Side.TREATMENT, PrepaidAct.IN, 100, "P")
        await acting(books, HUNAN, lambda: prepaid.propose(*args, CHEN))
        said = await acting(books, HUNAN, lambda: prepaid.move(*args, LIN))
        assert said.status == 0, said.text
        yield town


@asynccontextmanager
async def tampered(town: Town, table: str, statement: str) -> AsyncIterator[None]:
    """A table as it is after a statement, for a while."""
    kept = await town.owner.fetch(f"select t.* from {table} t")  # noqa: S608
    await town.owner.execute(statement)
    try:
        yield
    finally:
        await town.owner.execute(f"delete from {table}")  # noqa: S608
        await town.owner.copy_records_to_table(
            table.split(".")[1], schema_name="settlement", records=[tuple(row) for row in kept]
        )


async def found(town: Town) -> str:
    """What verify says is bad."""
    report = await town.verified()
    bad: BadEntry | None = report.first_bad
    return "" if bad is None else bad.what


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
