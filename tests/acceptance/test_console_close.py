"""月结 in the console: a month from its first step to its seals, by two people."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator
from datetime import date, datetime

import pytest
import pytest_asyncio

from settlement.books.proving import check_proof, read_proof
from settlement.console.rights import Role
from settlement.console.words import Words
from settlement.console.works import CANCELLED, Works
from settlement.finance.days import close_days
from settlement.finance.errand_tasks import MonthTask
from settlement.finance.errands import Errand, Place
from settlement.storage.seals import Home
from tests.kit import population
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import CLASS_A, some
from tests.kit.spreadsheet import sheets_of
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOVEMBER = "/console/close/2026-11"
WAITS = "select exists (select 1 from pg_locks l where not l.granted)"
CLERK, SUPERVISOR = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console in December, over a town whose November has sales; its days are open."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            for seller in (town.pharmacy, town.other_pharmacy):
                await seller.sell(town.someone(), some(CLASS_A))
            town.clock.move_to(datetime(2026, 12, 2, 9, 0))
            yield office


async def act(
    office: Office, browser: Browser, what: str, reason: str = "月结"
) -> Page:
    """A step from the page of the month, and the page that it ends on."""
    await browser.get(NOVEMBER)
    return await office.over(await browser.post(f"{NOVEMBER}/{what}", reason=reason), browser)


async def test_what_stands_in_the_way_is_said_and_nothing_is_proposed(office: Office) -> None:
    clerk = await office.signed_in(CLERK)
    months = (await clerk.get("/console/close")).text
    assert "2026-12" in months and "2026-11" in months and "本月未结束" in months
    shown = (await clerk.get(NOVEMBER)).text
    assert "天未日结" in shown and "未核验" in shown and "项未通过" in shown
    assert "尚未核定" in shown, "what does not stand in the way is told as well"
    assert "请填写事由" in (await act(office, clerk, "begin", "")).text
    assert "开始结账" in (await act(office, clerk, "begin")).text
    page = await act(office, clerk, "propose", "已写明原因")
    assert "还不能结账" in page.text and "日结" in page.text
    again = re.search(r"/console/close/2026-11\?work=\d+", page.text)
    if again is not None:
        page = await clerk.get(again.group())
    assert 'value="已写明原因"' in page.text, "what was typed is still there"


async def test_a_month_is_closed_by_two_and_sealed(office: Office) -> None:
    town = office.town
    home = Home(region=population.HOME.region, lanes=town.lanes)
    await close_days(town.owner, home, through=date(2026, 11, 30), at=town.clock(), key=None)
    await town.list_statements()
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    assert "核验通过" in (await act(office, chief, "verify")).text
    page = await act(office, chief, "propose")
    assert "已提出结账" in page.text, re.findall(r'role="alert">(.*?)</div>', page.text, re.S)
    own = (await act(office, chief, "confirm")).text
    assert "不能确认自己" in own
    assert "您是提出人" in (await chief.get(NOVEMBER)).text
    assert (await act(office, clerk, "confirm")).status == 403
    assert "已提出结账" in (await act(office, clerk, "propose")).text
    assert "已结，报告" in (await act(office, chief, "confirm", "已核对")).text
    report = json.loads(await clerk.fetch(f"{NOVEMBER}/report"))
    assert report["region"] == population.HOME.region
    sheets = sheets_of(await clerk.fetch(f"{NOVEMBER}/report?format=xlsx"))
    assert list(sheets) == ["结算汇总", "基金收支", "应付定点机构", "试算平衡"]
    assert population.PHARMACY.code in {row[0] for row in sheets["应付定点机构"] if row}
    signed = hashlib.sha256(await clerk.fetch(f"{NOVEMBER}/report")).hexdigest()
    assert signed in sheets["试算平衡"][1][0], "a print leads to what two people signed"
    assert "已封存" in (await act(office, chief, "seal")).text
    said = [(actor, subject) for actor, subject, _ in await office.audited("console.month-confirm")]
    assert (SUPERVISOR, "month 2026-11") in said
    assert (await town.verified()).ok


async def test_seals_are_published_and_an_institution_gets_its_own_proof(office: Office) -> None:
    clerk = await office.signed_in(CLERK)
    finance = await office.signed_in(NAMES[Role.INSTITUTION])
    path = "/console/seals/2026-11"
    assert population.OTHER_PHARMACY.code in (await clerk.get(path)).text
    own = (await finance.get(f"{path}?institution={population.OTHER_PHARMACY.code}")).text
    assert population.OTHER_PHARMACY.code not in (await finance.get(path)).text
    assert f"<code>{population.OTHER_PHARMACY.code}" not in own
    published = json.loads(await finance.fetch(f"{path}/published"))
    assert len(published["seals"]) == 2
    proof = read_proof(
        await finance.fetch(f"{path}/proof?institution={population.OTHER_PHARMACY.code}")
    )
    assert proof.institution == population.PHARMACY.code
    assert check_proof(proof, None).holds
    assert proof.seal in [one["seal"] for one in published["seals"]]
    assert (await clerk.get(f"{path}/proof?institution=H00000000000")).status == 404
    assert (await clerk.get("/console/seals/2026-12")).status == 404


async def test_long_work_is_watched_and_cancelled(office: Office) -> None:
    town = office.town
    works = Works()
    errand = Errand(
        place=Place(owner_dsn=town.owner_dsn, app_dsn=town.app_dsn, data_dir="/nowhere"),
        task=MonthTask(month=date(2026, 12, 1), act="begin"), actor="测试", reason="取消",
        at=town.clock(),
    )  # fmt: skip
    holder = town.owner.transaction()
    await holder.start()
    await town.owner.execute("lock table settlement.month_step in access exclusive mode")
    work = works.start(
        errand, title=Words("开始结账", "begin"), subject="month 2026-12", back="/console/close"
    )
    assert works.in_the_way("month 2026-12") is work
    await works.wait(work, 0.3)
    while not await town.owner.fetchval(WAITS):
        await works.wait(work, 0.1)
    assert await works.cancel(work, "测试")
    await holder.rollback()
    assert work.said is CANCELLED
    assert works.in_the_way("month 2026-12") is None
    assert not await town.owner.fetchval(
        "select count(*) from settlement.month_step where month = $1", date(2026, 12, 1)
    )
