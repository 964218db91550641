"""渠道对账 in the console: found, looked at, proposed by one person and confirmed by another."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date, datetime

import pytest
import pytest_asyncio
from msgspec.structs import replace

from loadtest.channel_days import Recipe, a_day, keep_day
from settlement.books.bill import BillKind
from settlement.books.channel_matching import Class
from settlement.books.difference_states import UNDER_WAY
from settlement.console.rights import Role
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_matching import Class as RegionClass
from settlement.elsewhere.regional_matching import Compared, Row
from settlement.finance.books import open_books
from settlement.finance.matching import match
from settlement.storage import differences as store
from settlement.storage.bills import Asked, BillKey, keep_asked
from settlement.storage.differences import Filter
from settlement.storage.regional_differences import (
    ComparedDay,
    end_differences,
    keep_differences,
)
from tests.kit import population
from tests.kit.console import NAMES, Browser, Office, an_office
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECIPES = (Recipe.ONLY_OURS, Recipe.AMOUNT, Recipe.DAY_EDGE, Recipe.NUMBERLESS)
CLERK, SUPERVISOR = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town with a matched day."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            day = a_day([(one, 12_300) for one in RECIPES], lanes=town.lanes)
            day.ours = [replace(one, institution=population.PHARMACY.code) for one in day.ours]
            await keep_day(town.owner, day, town.lanes)
            town.clock.move_to(datetime(2026, 11, 26, 9, 0))
            books = await open_books(town.owner, clock=town.clock)
            on = date(2026, 11, 16)
            assert (await match(books, on, on)).is_explained
            yield office


async def number_of(office: Office, found: Class) -> int:
    which = Filter(found=found.value, all_states=True)
    return (await store.listed(office.town.owner, which, 1))[0].number


async def act(browser: Browser, number: int, what: str, **form: str) -> str:
    """An act from the page of a difference, and the page that it ends on."""
    path = f"/console/differences/{number}"
    page = await browser.get(path)
    seen = form.pop("seen", page.field("seen"))
    page = await browser.post(f"{path}/{what}", seen=seen, **form)
    return (await browser.get(path)).text if page.status == 303 else page.text


async def test_worklist_shows_what_is_under_way_and_narrows_it(office: Office) -> None:
    browser = await office.signed_in(CLERK)
    page = await browser.get("/console/differences")
    assert all(word in page.text for word in ("仅本方有", "金额不符", "仅渠道有", "10 天"))
    only_ours = str(await number_of(office, Class.ONLY_OURS))
    edge = str(await number_of(office, Class.DAY_EDGE))
    assert only_ours in page.text
    assert edge not in page.text
    assert edge in (await browser.get("/console/differences?all=1")).text
    assert only_ours not in (await browser.get("/console/differences?class=amount")).text
    assert only_ours not in (await browser.get("/console/differences?age=30")).text
    odd = await browser.get("/console/differences?class=%27--&age=x&channel=%3Cscript%3E")
    assert odd.status == 200
    assert only_ours in odd.text


async def test_today_counts_what_differs_for_those_who_work_on_it(office: Office) -> None:
    """Each sees what their own worklist has; who has none is not told."""
    clerk = await office.signed_in(CLERK)
    listed = await store.counted(office.town.owner)
    under_way = sum(one.rows for one in listed if one.state in UNDER_WAY)
    assert under_way > 0

    def shown(text: str) -> int | None:
        found = re.search(r"<dt>待处理差异</dt><dd>(\d+)", text)
        return None if found is None else int(found[1])

    assert shown((await clerk.get("/console/")).text) == under_way
    own = await office.signed_in(NAMES[Role.INSTITUTION])
    mine = await store.counted(office.town.owner, population.PHARMACY.code)
    assert shown((await own.get("/console/")).text) == sum(
        one.rows for one in mine if one.state in UNDER_WAY
    ) < under_way
    operator = await office.signed_in(NAMES[Role.OPERATOR])
    assert shown((await operator.get("/console/")).text) is None


async def test_worklist_says_which_bills_do_not_come(office: Office) -> None:
    """To those who look after all institutions."""
    browser = await office.signed_in(CLERK)
    assert "尚未收到的渠道账单" not in (await browser.get("/console/differences")).text
    key = BillKey(
        lane=1, channel="alipay", merchant="2088000000000009", kind=BillKind.TRADE,
        day=date(2026, 11, 25),
    )  # fmt: skip
    await keep_asked(
        office.town.owner, Asked(key=key, at=office.town.clock(), said="尚未出账")
    )
    page = await browser.get("/console/differences")
    assert all(word in page.text for word in ("尚未收到的渠道账单", "2088000000000009"))


async def test_one_proposes_and_another_confirms(office: Office) -> None:
    number = await number_of(office, Class.ONLY_OURS)
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    page = (await clerk.get(f"/console/differences/{number}")).text
    assert "借 待收款" in page
    assert "确认并入账" not in page
    assert "待复核" in await act(
        clerk, number, "propose", correction="void", reason="渠道查无此单"
    )
    assert "确认并入账" in (await chief.get(f"/console/differences/{number}")).text
    text = await act(chief, number, "confirm", reason="已核对")
    assert "已更正" in text
    assert "记账" in text
    report = await office.town.verified()
    assert report.ok, report.first_bad


async def test_nobody_confirms_their_own(office: Office) -> None:
    number = await number_of(office, Class.AMOUNT)
    chief = await office.signed_in(SUPERVISOR)
    await act(chief, number, "propose", correction="make-up", reason="渠道多一分")
    text = await act(chief, number, "confirm", reason="自己确认")
    assert "以外的人确认" in text
    assert "自己确认" in text


async def test_the_second_of_two_is_told_and_keeps_what_was_typed(office: Office) -> None:
    number = await number_of(office, Class.ONLY_THEIRS)
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    seen = (await clerk.get(f"/console/differences/{number}")).field("seen")
    await act(chief, number, "assign", reason="我来处理", taken_from="")
    text = await act(
        clerk, number, "propose", seen=seen, correction="note", reason="我写了很久"
    )
    assert "已有变化" in text
    assert "我写了很久" in text


async def test_what_is_explained_books_nothing(office: Office) -> None:
    number = await number_of(office, Class.ONLY_THEIRS)
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    await act(clerk, number, "propose", correction="note", reason="渠道测试款")
    assert "待处理" in await act(chief, number, "reject", reason="请附依据")
    await act(clerk, number, "propose", correction="note", reason="渠道测试款，函 12")
    text = await act(chief, number, "confirm", reason="已核对")
    assert "已更正" in text
    assert "记账 <code>" not in text


async def test_auditor_acts_on_nothing_and_institutions_see_their_own(office: Office) -> None:
    number = await number_of(office, Class.ONLY_THEIRS)
    auditor = await office.signed_in(NAMES[Role.AUDITOR])
    assert "确认并入账" not in (await auditor.get(f"/console/differences/{number}")).text
    finance = await office.signed_in(NAMES[Role.INSTITUTION])
    assert (await finance.get(f"/console/differences/{number}")).status == 404
    own = await number_of(office, Class.ONLY_OURS)
    assert (await finance.get(f"/console/differences/{own}")).status == 200
    other = f"?institution={population.OTHER_PHARMACY.code}&all=1"
    assert str(own) in (await finance.get(f"/console/differences{other}")).text


async def test_in_english(office: Office) -> None:
    browser = await office.signed_in(CLERK)
    await browser.get("/console/")
    await browser.post("/console/language", to="en", back="/console/differences")
    page = await browser.get("/console/differences?all=1")
    assert "Differences with channels" in page.text
    assert "only ours" in page.text


async def test_clearing_accounts_lead_from_a_month_to_rows_and_differences(
    office: Office,
) -> None:
    """清算账户: scores and what is open; a day, its accounts, rows and differences."""
    browser = await office.signed_in(CLERK)
    page = await browser.get("/console/clearing?month=2026-11")
    assert all(word in page.text for word in ("结清率", "未结清账龄", "微信支付", "2026-11-16"))
    assert population.PHARMACY.name in page.text
    day = await browser.get("/console/clearing/day?day=2026-11-16")
    number = str(await number_of(office, Class.DAY_EDGE))
    assert f"/console/differences/{number}" in day.text
    assert "收退款明细" not in day.text
    code = population.PHARMACY.code
    shop = await browser.get(f"/console/clearing/day?day=2026-11-16&institution={code}")
    assert "收退款明细" in shop.text
    assert "手续费记账" in shop.text
    odd = await browser.get("/console/clearing?month=%27--&channel=%3Cscript%3E")
    assert odd.status == 200
    assert "月份请写成" in odd.text


async def test_institution_finance_sees_its_own_clearing_accounts_alone(office: Office) -> None:
    """Whatever it asks for: another's accounts are not in any statement."""
    own = await office.signed_in(NAMES[Role.INSTITUTION])
    strange = str(await number_of(office, Class.ONLY_THEIRS))
    edge = str(await number_of(office, Class.DAY_EDGE))
    for path in ("day?day=2026-11-16", "day?day=2026-11-16&institution=H44190000009"):
        page = await own.get(f"/console/clearing/{path}")
        assert page.status == 200
        assert edge in page.text
        assert strange not in page.text
    month = await own.get("/console/clearing?month=2026-11&institution=H44190000009")
    assert population.PHARMACY.code in month.text
    assert "H44190000009" not in month.text
    assert "机构不明" not in month.text


async def test_what_regions_do_not_agree_on_is_on_the_worklist_of_the_agency(
    office: Office,
) -> None:
    where = ComparedDay(lane=3, region="430100", side=Side.TREATMENT, day=date(2026, 11, 20))
    ours = Row(
        case_no="441900-2611000300001000777", reversal=False, total_fen=9_900, fund_fen=4_000,
        account_fen=500,
    )  # fmt: skip
    found = Compared(
        key=ours.key, found=RegionClass.ONLY_OURS, ours=ours, theirs=None, hub=ours
    )
    await keep_differences(office.town.owner, where, [found], office.town.clock())
    clerk, own = (
        await office.signed_in(CLERK), await office.signed_in(NAMES[Role.INSTITUTION])
    )
    page = (await clerk.get("/console/differences")).text
    told = page.partition("与其他统筹区和平台的差异")[2]
    assert all(text in told for text in (ours.case_no, "430100", "应收", "仅本方有", "45.00"))
    assert ours.case_no not in (await own.get("/console/differences")).text
    await end_differences(
        office.town.owner, where, at=office.town.clock(), actor="zhang", note="已查明",
    )  # fmt: skip
    assert ours.case_no not in (await clerk.get("/console/differences")).text
