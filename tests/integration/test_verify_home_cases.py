"""`settlement verify` holds settlements of people treated in other regions against what lies beside
them, and against what the ledger booked.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from protocol.hub.messages import Case, CaseTold
from tests.kit.abroad import Abroad
from tests.kit.tampering import tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD = "settlement of somebody treated in another region "
ROW = "settlement.home_case"
STRAY = "row of somebody treated elsewhere without its settlement"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town on one machine; its books are checked when it is left."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        yield town


async def a_case(town: Town) -> tuple[Abroad, Case, CaseTold]:
    """Somebody was treated in another region."""
    abroad = Abroad(town.service, town.clock)
    case = abroad.case(town.someone())
    return abroad, case, await abroad.settle(case)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("delete from settlement.home_case where setl_id = $1", "is missing"),
        ("update settlement.home_case set case_no = case_no || 'x' where setl_id = $1",
         "was changed"),
        ("update settlement.home_case set treated_region = '430200' where setl_id = $1",
         "was changed"),
        ("update settlement.home_case set setl_on = setl_on + 1 where setl_id = $1",
         "was changed"),
    ],
)  # fmt: skip
async def test_row_beside_a_settlement_is_as_it_was_written(
    town: Town, change: str, what: str
) -> None:
    _, _, settled = await a_case(town)
    assert (await town.verified()).ok
    async with tampered(town, ROW, change, int(settled.settlement_no)):
        report = await town.verified()
        assert report.first_bad is not None
        assert report.first_bad.what == BAD + what
        assert report.first_bad.entry_id == int(settled.settlement_no)


async def test_row_beside_no_settlement_is_named(town: Town) -> None:
    _, _, settled = await a_case(town)
    stray = (
        "insert into settlement.home_case (setl_id, setl_on, lane, treated_region, case_no,"
        " institution, institution_name, visit_no, filing)"
        " select h.setl_id + 1, h.setl_on, h.lane, h.treated_region, h.case_no, h.institution,"
        " h.institution_name, h.visit_no, h.filing from settlement.home_case h"
        " where h.setl_id = $1"
    )
    async with tampered(town, ROW, stray, int(settled.settlement_no)):
        report = await town.verified()
        assert report.first_bad is not None
        assert report.first_bad.what == STRAY


async def test_case_in_the_statement_of_an_institution_is_named(town: Town) -> None:
    _, _, settled = await a_case(town)
    await town.owner.execute(
        "insert into settlement.statement_row (setl_id, total_fen, fund_fen, account_fen, cash_fen,"
        " setl_on, business_day, lane, kind, institution, scheme, clearing_type)"
        " select t.setl_id, t.total_fen, t.fund_fen, t.account_fen, t.cash_fen,"
        " (t.setl_time + interval '8 hours')::date, t.business_day, t.lane, t.kind, t.institution,"
        " t.scheme, t.clearing_type from settlement.settlement t where t.setl_id = $1",
        int(settled.settlement_no),
    )
    report = await town.verified()
    await town.owner.execute(
        "delete from settlement.statement_row where setl_id = $1", int(settled.settlement_no)
    )
    assert report.first_bad is not None
    assert report.first_bad.what == BAD + "was changed"


async def test_cancel_and_reversal_hold_with_what_they_take_back(town: Town) -> None:
    abroad, case, settled = await a_case(town)
    await abroad.cancel(case, settled)
    abroad, case, settled = await a_case(town)
    await abroad.reverse(case)
    assert (await town.verified()).ok
