"""异地清算 in the console: a month with other regions, prepayments and their alarms, one period
down to its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import date, datetime
from functools import partial

import msgspec
import pytest
import pytest_asyncio

from protocol.hub.clearing import DayList
from settlement.console.rights import Role
from settlement.elsewhere.regional_clearing import Mark, Side
from settlement.said import Said
from settlement.serve import regional_prepaid as prepaid
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_desk import Named, acting_on
from settlement.serve.regional_files import keep_as_it_came
from settlement.serve.regional_marks import mark_cases
from settlement.serve.regional_periods import Found, acting
from settlement.serve.regional_prepaid import PrepaidAct
from settlement.serve.regional_stating import state
from settlement.who import Who
from tests.kit.console import NAMES, Office, an_office
from tests.kit.payouts import assert_good
from tests.kit.population import CLASS_A, REGION, some
from tests.kit.regions import CHANGSHA, HUNAN, KitLeg, an_operator, treated_here, treated_there
from tests.kit.tampering import found, tampered
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


async def test_files_of_a_month_are_had_as_they_came_by_those_who_may(office: Office) -> None:
    lists = {
        f"{by}.json": msgspec.json.encode(
            DayList(
                told_by=by, treated=REGION, insured=CHANGSHA, day=date(2026, 12, 5), rows=()
            )
        )
        for by in (CHANGSHA, "hub")
    }  # fmt: skip
    books = await an_operator(office.town)
    for files in (lists, lists, {"x.json": lists["hub.json"]}):
        assert_good(await keep_as_it_came(books, Said(0, "compared"), files, CHEN))
    refused = {"r.json": lists["hub.json"].replace(b"2026-12-05", b"2026-12-06")}
    assert (await keep_as_it_came(books, Said(1, "refused"), refused, CHEN)).status == 1
    clerk = await office.signed_in(NAMES[Role.CLERK])
    assert "/console/regions/files?month=2026-12" in (await clerk.get("/console/regions")).text
    page = (await clerk.get("/console/regions/files?month=2026-12")).text
    numbers = re.findall(r"/console/regions/files/([0-9]{19})/file", page)
    assert len(numbers) == 2 and "日清单" in page and "平台" in page
    got = {(await clerk.get(f"/console/regions/files/{one}/file")).text for one in numbers}
    assert got == {one.decode() for one in lists.values()}
    assert (await clerk.get(f"/console/regions/files/{10**18}/file")).status == 404
    assert "没有收下" in (await clerk.get("/console/regions/files?month=2026-11")).text
    assert "月份不正确" in (await clerk.get("/console/regions/files?month=2026-1x")).text
    finance = await office.signed_in(NAMES[Role.INSTITUTION])
    for address in ("files", f"files/{numbers[0]}/file"):
        assert (await finance.get(f"/console/regions/{address}")).status == 403
    noted = await office.town.owner.fetchval(
        "select count(*) from settlement.audit where action = 'console.download-region-file'"
    )
    assert noted == 2
    assert (await office.town.verified()).ok
    async with tampered(
        office.town, "settlement.bill_content",
        "update settlement.bill_content set content = set_byte(content, 9, 0)",
    ):  # fmt: skip
        assert "bytes are not those that came" in await found(office.town)
