"""异地清算 in the console: a month with other regions, prepayments and their alarms, one period
down to its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import date, datetime
from functools import partial

import pytest
import pytest_asyncio

from settlement.console.rights import Role
from settlement.regional_clearing import Mark, Side
from settlement.said import Said
from settlement.serve import regional_prepaid as prepaid
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_desk import Named, acting_on
from settlement.serve.regional_marks import mark_cases
from settlement.serve.regional_periods import Found, acting
from settlement.serve.regional_prepaid import PrepaidAct
from settlement.serve.regional_stating import state
from settlement.who import Who
from tests.kit.console import NAMES, Office, an_office
from tests.kit.payouts import assert_good
from tests.kit.population import CLASS_A, some
from tests.kit.regions import CHANGSHA, HUNAN, KitLeg, an_operator, treated_here, treated_there
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHEN, LIN = Who(actor="陈会计", reason="月度清算"), Who(actor="林科长", reason="复核")
MONTH = date(2026, 12, 1)
PERIOD = f"/console/regions/2026-12/{HUNAN}/receivable"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town that has stated a month with Hunan, of which one row is disputed."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            town.clock.move_to(datetime(2026, 12, 5, 9, 0))
            legs = [await visitor(town), await visitor(town)]
            await treated_there(town, CHANGSHA)
            town.clock.move_to(datetime(2027, 1, 8, 9, 0))
            assert_good(await state(await an_operator(town), MONTH, None, CHEN, None))

            async def dispute(books: RegionalBooks, found: Found) -> Said:
                return await mark_cases(
                    books, found, Mark.OBJECTED, [legs[1].case_no], months=0, who=CHEN
                )

            named = Named(month=MONTH, party=HUNAN, side=Side.TREATMENT)
            assert_good(await acting_on(await an_operator(town), named, dispute))
            yield office


async def visitor(town: Town) -> KitLeg:
    """Somebody from Changsha buys here."""
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    return await treated_here(town, sold.setl_id, CHANGSHA)


async def leave(town: Town, fen: int) -> None:
    """Money is left with us, by two people."""
    for step, who in ((prepaid.propose, CHEN), (prepaid.move, LIN)):
        books = await an_operator(town)
        once = partial(
            step, books, HUNAN, Side.TREATMENT, PrepaidAct.IN, fen, f"B-{fen}", who
        )
        assert_good(await acting(books, HUNAN, once))


async def test_a_month_says_where_each_party_stands_and_what_is_due(office: Office) -> None:
    clerk = await office.signed_in(NAMES[Role.CLERK])
    page = (await clerk.get("/console/regions")).text
    assert "2026-12" in page, "the month that is over is cleared now"
    for words in ("湖南省", "应收", "有异议", "处理异议：撤回或延期", "2027-01-20", "陈会计"):
        assert words in page, words
    assert "尚无已申报" in (await clerk.get("/console/regions?month=2026-10")).text
    assert "月份不正确" in (await clerk.get("/console/regions?month=2026-1x")).text
    await clerk.post("/console/language", to="en", back="/console/")
    english = (await clerk.get("/console/regions")).text
    assert "settle objections: withdraw or postpone" in english


async def test_a_period_leads_to_its_rows(office: Office) -> None:
    clerk = await office.signed_in(NAMES[Role.CLERK])
    page = (await clerk.get(PERIOD)).text
    for words in ("提出异议", "月度清算", "441900-430000-202612", "有异议和延期的明细", "相符"):
        assert words in page, words
    file = await clerk.get(f"{PERIOD}/legs")
    rows = list(csv.DictReader(io.StringIO(file.text.lstrip("\ufeff"))))
    assert [row["mark"] for row in rows].count("有异议") == 1
    assert len(rows) == 2
    assert {row["region"] for row in rows} == {CHANGSHA}
    nobody = await clerk.get(f"{PERIOD}/legs?institution=H99999999999")
    assert len(nobody.text.splitlines()) == 1, "the heading"
    assert (await clerk.get(PERIOD.replace("receivable", "payable"))).status == 404
    assert (await clerk.get(PERIOD.replace(HUNAN, "999900"))).status == 404


async def test_a_prepayment_shows_its_use_and_what_ends_the_alarm(office: Office) -> None:
    clerk = await office.signed_in(NAMES[Role.CLERK])
    assert "没有预付金" in (await clerk.get("/console/regions")).text
    books = await an_operator(office.town)
    owed = (await prepaid.standing_of(books, HUNAN, Side.TREATMENT))[1].outstanding_fen
    await leave(office.town, owed)
    page = (await clerk.get("/console/regions")).text
    for words in ("红色预警", "100%", "对方存于本区"):
        assert words in page, words
    top_up = (await prepaid.standing_of(books, HUNAN, Side.TREATMENT))[1].top_up_fen
    await leave(office.town, top_up)
    page = (await clerk.get("/console/regions")).text
    assert "红色预警" not in page and "正常" in page
