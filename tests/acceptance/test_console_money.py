"""资金流入 in the console: a file is brought, checked, proposed by one and confirmed by another."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from settlement.console.rights import Role
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.spreadsheet import sheets_of
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = "人员编号,金额,来源,基金支付类型,凭证号\n"
MONEY = "/console/money"
CLERK, SUPERVISOR = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield office


async def checked(office: Office, browser: Browser, text: str, name: str = "划拨.csv") -> Page:
    """A file is brought; the preview, once it is there."""
    await browser.get(MONEY)
    sent = await browser.bring(
        f"{MONEY}/check", name, text.encode(), subject="accounts", month="2026-11"
    )
    assert sent.status == 303, sent.text
    for work in office.works.all_of():
        await office.works.wait(work, 60)
    return await browser.get(sent.location)


async def proposed(office: Office, browser: Browser) -> Page:
    """What the preview shows is proposed."""
    told = re.search(r'action="(/console/money/checked/[0-9a-f]+/propose)"', browser.page.text)
    assert told is not None, browser.page.text
    sent = await browser.post(
        told.group(1), subject="accounts", month="2026-11", reason="十一月划拨"
    )
    return await office.over(sent, browser)


def someone(office: Office) -> tuple[Citizen, str]:
    """Somebody with an account, and their number."""
    citizen = office.town.someone()
    return citizen, citizen.insured.person_no


async def test_faults_are_named_by_row_and_nothing_is_taken(office: Office) -> None:
    clerk = await office.signed_in(CLERK)
    _, number = someone(office)
    page = await checked(
        office, clerk, f"{HEAD}{number},1.00,个人缴费划入,,A\nX999999,2.00,不知道,,B\n"
    )
    assert "有错误" in page.text and "第 3 行" in page.text
    assert "待另一人确认" not in page.text
    assert "还没有文件" in (await clerk.get(MONEY)).text


async def test_one_proposes_another_confirms_and_the_same_file_books_nothing_twice(
    office: Office,
) -> None:
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    citizen, number = someone(office)
    before = await office.town.balance_fen(citizen)
    text = f"{HEAD}{number},12.34,个人缴费划入,,A\n"
    page = await checked(office, clerk, text)
    assert "没有错误" in page.text and "12.34" in page.text
    assert "尚未入账" in (await proposed(office, clerk)).text
    assert await office.town.balance_fen(citizen) == before
    listed = (await chief.get(MONEY)).text
    found = re.search(r'href="(/console/money/accounts/\d+)"', listed)
    assert found is not None
    file = found.group(1)
    assert "确认并入账" not in (await clerk.get(file)).text
    await chief.get(file)
    empty = await chief.post(f"{file}/confirm", reason="")
    assert "请填写事由" in empty.text
    done = await office.over(await chief.post(f"{file}/confirm", reason="已核对合计"), chief)
    assert "已入账" in done.text
    assert await office.town.balance_fen(citizen) == before + 1_234
    again = await checked(office, clerk, text)
    assert "此文件已接收过" in again.text and "没有可入账的行" in again.text
    assert "propose" not in again.text
    assert (SUPERVISOR, f"money file {file.rsplit('/', 1)[1]}", "已核对合计") in (
        await office.audited("console.money-confirm")
    )


async def test_a_file_for_an_ended_session_is_not_kept_and_what_was_typed_is(
    office: Office,
) -> None:
    clerk = await office.signed_in(CLERK)
    await clerk.get(MONEY)
    office.town.clock.pass_by(timedelta(minutes=21))
    page = await clerk.bring(
        f"{MONEY}/check", "晚.csv", HEAD.encode() * 9000, subject="accounts", month="2026-10"
    )
    assert page.status == 401 and page.field("kept")
    page = await clerk.post("/console/sign-in", name=CLERK, password=office.passwords[CLERK])
    assert 'value="2026-10"' in (await clerk.get(page.location)).text
    stranger = office.browser()
    page = await stranger.bring(f"{MONEY}/check", "x.csv", b"x" * 3_000_000, month="2026-10")
    assert page.status == 401


async def test_interest_of_a_year_is_computed_checked_and_booked_by_two(office: Office) -> None:
    town, page = office.town, "/console/money/interest"
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    for typed, said in (
        ({"year": "26"}, "请填写年份"), ({"year": "2026", "rate": "1.505"}, "年利率请填写百分数"),
        ({"year": "2026"}, "参数未定年利率，请填写"), ({"year": "2026", "rate": "1.5"}, "尚未结束"),
    ):  # fmt: skip
        await clerk.get(page)
        sent = await clerk.post(f"{page}/compute", reason="年度计息", **typed)
        refused = await office.over(sent, clerk)
        assert said in refused.text and "--" not in refused.main, said
    town.clock.move_to(datetime(2027, 1, 5, 9, 0))
    clerk, chief = await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
    await clerk.get(page)
    sent = await clerk.post(f"{page}/compute", reason="年度计息", year="2026", rate="1.5")
    done = await office.over(sent, clerk)
    assert "年利率 rate 150 bp" in done.text and "open-" not in done.text
    made = re.search(r'action="(/console/money/interest/check/[0-9a-f]{64})"', (
        await clerk.get(page)
    ).text)  # fmt: skip
    assert made is not None
    checking = await clerk.post(made.group(1))
    for work in office.works.all_of():
        await office.works.wait(work, 60)
    shown = await clerk.get(checking.location)
    for said in ("没有错误", "2026-12", "interest-2026.csv"):
        assert said in shown.text
    told = re.search(r'action="(/console/money/checked/[0-9a-f]+/propose)"', shown.text)
    assert told is not None
    sent = await clerk.post(told.group(1), subject="accounts", month="2026-12", reason="年度计息")
    assert "尚未入账" in (await office.over(sent, clerk)).text
    found = re.search(r'href="(/console/money/accounts/\d+)"', (await chief.get(MONEY)).text)
    assert found is not None
    await chief.get(found.group(1))
    booked = await chief.post(f"{found.group(1)}/confirm", reason="已核对合计")
    assert "已入账" in (await office.over(booked, chief)).text
    assert (CLERK, "interest 2026", "年度计息") in await office.audited("console.money-interest")
    assert (await town.verified()).ok


async def test_a_month_is_downloaded_as_a_table(office: Office) -> None:
    auditor = await office.signed_in(NAMES[Role.AUDITOR])
    accounts = await auditor.fetch("/console/money/report?subject=accounts&month=2026-12")
    lines = accounts.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("来源,代码,笔数") and lines[1].startswith("利息,interest,")
    await office.town.pharmacy.sell(office.town.someone(), some(CLASS_A))
    funds = (await auditor.fetch("/console/money/report?subject=income&month=2027-01")).decode()
    assert "仅支出" in funds and "征缴收入" in funds
    table = sheets_of(
        await auditor.fetch("/console/money/report?subject=income&month=2027-01&format=xlsx")
    )["基金收支"]
    assert "征缴收入" in table[2] and "未导入收入，仅列支出" in table[3]
    assert table[-1][0] == "合计" and table[-1][-3].startswith("=SUM(")
    moved = "/console/money/report?subject=accounts&month=2026-12&format=xlsx"
    assert "利息" in {row[0] for row in sheets_of(await auditor.fetch(moved))["个人账户划拨"]}
    assert (await auditor.get("/console/money/report?subject=x&month=2026-12")).status == 400
    assert [one[0] for one in await office.audited("console.download-money")] == ["shen"] * 4
    assert (await auditor.get("/console/money/interest")).status == 403
