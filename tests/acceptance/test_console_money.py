"""资金流入 in the console: a file is brought, checked, proposed by one and confirmed by another."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from settlement.console.rights import Role
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import Citizen
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
