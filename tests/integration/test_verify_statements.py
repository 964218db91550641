"""`settlement verify` holds the statements of institutions against the settlements they list.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from ledger.postgres.verify import verify
from settlement.chart import AGENCY
from settlement.storage.connect import verify_pool
from settlement.storage.verify import SettlementCheck
from settlement.storage.verify_settlements import without_strays
from tests.kit.elsewhere import insured_elsewhere
from tests.kit.population import CLASS_A, some
from tests.kit.reply import Reply
from tests.kit.tampering import first_bad, tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = "settlement.statement_row"
LISTED = """
insert into settlement.statement_row (
    setl_id, total_fen, fund_fen, account_fen, cash_fen, setl_on, business_day, lane, kind,
    institution, scheme, clearing_type
)
select t.setl_id, t.total_fen, t.fund_fen, t.account_fen, t.cash_fen,
       (t.setl_time + interval '8 hours')::date, t.business_day, t.lane, t.kind, t.institution,
       t.scheme, t.clearing_type
from settlement.settlement t where t.setl_id = {number}
"""
STRAY = """
insert into settlement.statement_row (
    setl_id, total_fen, fund_fen, account_fen, cash_fen, setl_on, business_day, lane, kind,
    institution, scheme, clearing_type
)
select {number}, s.total_fen, s.fund_fen, s.account_fen, s.cash_fen, s.setl_on, s.business_day,
       s.lane, s.kind, {institution}, s.scheme, s.clearing_type
from settlement.statement_row s where s.setl_id = {beside}
"""
ORPHAN = """
insert into settlement.settlement
select (jsonb_populate_record(t, jsonb_build_object('setl_id', t.setl_id + 1, 'msgid', 'X'))).*
from settlement.settlement t where t.setl_id = {beside}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town on one machine; its books are checked when it is left."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        yield town


async def a_sale(town: Town, *, listed: bool = True) -> Reply:
    """A settlement, in the pharmacy's statement or not yet."""
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    if listed:
        await town.list_statements()
    return sold


async def test_listed_or_not_an_untouched_statement_is_right(town: Town) -> None:
    await a_sale(town)
    await a_sale(town, listed=False)
    assert (await town.verified()).ok


CHANGES = [
    # what was done to the row of a settlement,                     what is said of the settlement
    ("update {rows} set total_fen = total_fen + 1 where {it}",      "was changed"),
    ("update {rows} set fund_fen = 0 where {it}",                   "was changed"),
    ("update {rows} set account_fen = -1 where {it}",               "was changed"),
    ("update {rows} set cash_fen = cash_fen - 1 where {it}",        "was changed"),
    ("update {rows} set kind = 2 where {it}",                       "was changed"),
    ("update {rows} set scheme = '390' where {it}",                 "was changed"),
    ("update {rows} set clearing_type = '11' where {it}",           "was changed"),
    ("update {rows} set business_day = business_day - 1 where {it}", "was changed"),
    ("delete from {rows} where {it}",                               "is missing"),
    ("update {rows} set setl_on = setl_on + 1 where {it}",          "is missing"),
    ("update {rows} set institution = 'H44190099999' where {it}",   "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), CHANGES)
async def test_what_was_done_to_a_statement_is_named(town: Town, change: str, said: str) -> None:
    sold = await a_sale(town)
    statement = change.format(rows=ROWS, it=f"setl_id = {sold.setl_id}")
    async with tampered(town, ROWS, statement):
        bad = await first_bad(town)
        assert bad.entry_id == int(sold.setl_id)
        assert bad.what == f"its row in the institution's statement {said}"
        assert bad.block_no


async def test_first_of_several_is_named(town: Town) -> None:
    first, _, third = [await a_sale(town) for _ in range(3)]
    numbers = f"({third.setl_id}, {first.setl_id})"
    async with tampered(town, ROWS, f"delete from {ROWS} where setl_id in {numbers}"):  # noqa: S608
        bad = await first_bad(town)
        same_journal = {int(first.setl_id), int(third.setl_id)}
        assert bad.entry_id in same_journal
        assert bad.what.endswith("is missing")


async def test_row_that_is_counted_twice_is_named(town: Town) -> None:
    """Its block is not listed, so the view adds the settlement once more."""
    sold = await a_sale(town, listed=False)
    async with tampered(town, ROWS, LISTED.format(number=sold.setl_id)):
        bad = await first_bad(town)
        assert bad.entry_id == int(sold.setl_id)
        assert bad.what.endswith("its block is not listed")


async def test_step_that_listed_nothing_is_named(town: Town) -> None:
    await town.list_statements()
    sold = await a_sale(town, listed=False)
    statement = (
        "insert into settlement.listing (journal, after_block, through_block)"
        " select j.journal, 1000000, 2000000 from ledger.journal j"
    )
    async with tampered(town, "settlement.listing", statement):
        bad = await first_bad(town)
        assert bad.entry_id == int(sold.setl_id)
        assert bad.what.endswith("is missing")


async def test_row_of_no_settlement_is_named(town: Town) -> None:
    sold = await a_sale(town)
    own = int(sold.setl_id)
    for number, institution in ((own + 1, "s.institution"), (own, "'H44190099999'")):
        statement = STRAY.format(number=number, institution=institution, beside=own)
        async with tampered(town, ROWS, statement):
            bad = await first_bad(town)
            assert bad.what == "statement row without its settlement"
            assert bad.entry_id == number


async def test_lanes_are_searched_for_strays_where_a_row_was_met_from_no_entry(town: Town) -> None:
    """Two counts tell; so the search itself runs in the test above and not in a quiet ledger."""
    sold = await a_sale(town)
    known = {"orphan_settlements", "stray_statement_rows"}
    assert await strays_that_cannot_be(town) == known
    own = int(sold.setl_id)
    stray = STRAY.format(number=own + 1, institution="s.institution", beside=own)
    async with tampered(town, ROWS, stray):
        assert await strays_that_cannot_be(town) == known - {"stray_statement_rows"}
    async with tampered(town, "settlement.settlement", ORPHAN.format(beside=own)):
        assert await strays_that_cannot_be(town) == known - {"orphan_settlements"}
        assert (await first_bad(town)).what == "settlement without a ledger entry"


async def strays_that_cannot_be(town: Town) -> frozenset[str]:
    """What a verification that has walked all blocks need not search the lanes for."""
    walked = SettlementCheck(None)
    async with verify_pool(town.owner_dsn) as pool:
        assert (await verify(pool, guarded_owner=AGENCY, extra=walked)).ok
        async with pool.acquire() as connection:
            return await without_strays(connection, walked.met)


async def test_row_of_somebody_insured_elsewhere_belongs_to_its_settlement(town: Town) -> None:
    sold = await a_sale(town)
    await insured_elsewhere(town, sold)
    assert (await town.verified()).ok
    table = "settlement.insured_elsewhere"
    for change in ("institution = 'H44190099999'", "setl_on = setl_on - 1", "setl_id = 1"):
        async with tampered(town, table, f"update {table} set {change}"):  # noqa: S608
            bad = await first_bad(town)
            assert bad.what == "row of somebody insured elsewhere without its settlement"
