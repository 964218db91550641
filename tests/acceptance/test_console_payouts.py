"""拨付 in the console: a month of institutions from its statement to the bank's word."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import datetime
from zipfile import ZipFile

import pytest
import pytest_asyncio

from settlement.console.rights import Role
from tests.kit import population
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import CLASS_A, some
from tests.kit.spreadsheet import sheets_of
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERIOD = "/console/payouts/2026-11-01"
PHARMACY, OTHER = population.PHARMACY.code, population.OTHER_PHARMACY.code
CLERK, SUPERVISOR = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]
ACCOUNT = {"name": "测试医药机构", "account": "9999000011112222", "bank": "测试银行"}


class Desks:
    """The two people at their browsers."""

    def __init__(self, office: Office, clerk: Browser, chief: Browser) -> None:
        self.office = office
        self.clerk = clerk
        self.chief = chief

    async def act(self, browser: Browser, page: str, what: str, **form: str) -> Page:
        """Something done on a page, and the page that it ends on."""
        await browser.get(page)
        sent = await browser.post(f"{page}/{what}", **{"reason": "月度拨付", **form})
        return await self.office.over(sent, browser)

    async def bring(
        self, browser: Browser, page: str, what: str, name: str, text: str
    ) -> Page:
        """A file brought on a page."""
        await browser.get(page)
        sent = await browser.bring(f"{page}/{what}", name, text.encode(), reason="按文件")
        return await self.office.over(sent, browser)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desks(database: FreshDatabase) -> AsyncIterator[Desks]:
    """A console in December over a town whose November has sales."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            for seller in (town.pharmacy, town.other_pharmacy):
                await seller.sell(town.someone(), some(CLASS_A))
            town.clock.move_to(datetime(2026, 12, 8, 9, 0))
            yield Desks(
                office, await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
            )


async def test_a_period_is_stated_and_an_institution_sees_its_own(desks: Desks) -> None:
    refused = await desks.act(desks.clerk, "/console/payouts", "state", period="2026-12")
    assert "尚未结束" in refused.text
    page = await desks.act(desks.clerk, "/console/payouts", "state", period="2026-11")
    assert "已核定" in page.text
    listed = (await desks.clerk.get(PERIOD)).text
    assert PHARMACY in listed and OTHER in listed
    finance = await desks.office.signed_in(NAMES[Role.INSTITUTION])
    own = await finance.get(f"{PERIOD}/{PHARMACY}")
    assert "应拨" in own.text and "确认应拨" not in own.text
    assert (await finance.get(f"{PERIOD}/{OTHER}")).status == 404
    assert OTHER not in (await finance.get(PERIOD)).text
    assert (await finance.get(f"/console/payees/{OTHER}")).status == 403


async def test_deductions_come_by_file_and_another_person_books_them(desks: Desks) -> None:
    head = "机构编码,调整类型,金额,依据,说明\n"
    wrong = await desks.bring(
        desks.clerk, PERIOD, "adjust", "扣款.csv", f"{head}{PHARMACY},没有,1.00,文1,\n"
    )
    assert "第 2 行" in wrong.text and "未入账" in wrong.text
    rows = f"{head}{PHARMACY},审核扣款,1.50,文1,超量\n{OTHER},质保金预留,0.50,文2,\n"
    first = await desks.bring(desks.clerk, PERIOD, "adjust", "扣款.csv", rows)
    assert "尚待另一人确认" in first.text
    again = await desks.bring(desks.clerk, PERIOD, "adjust", "扣款.csv", rows)
    assert "未再改动" in again.text
    await desks.chief.get(PERIOD)
    batch = desks.chief.page.field("batch")
    assert batch
    booked = await desks.act(desks.chief, PERIOD, "batch", batch=batch)
    assert "已入账 2 笔" in booked.text
    typed = {"kind": "deduction", "amount": "1.005", "source": "文3", "note": "打错"}
    odd = await desks.act(desks.clerk, f"{PERIOD}/{PHARMACY}", "adjust", **typed)
    assert "至多两位小数" in odd.text and 'value="1.005"' in odd.text


async def test_a_deduction_of_a_case_is_on_the_page_of_the_case(desks: Desks) -> None:
    case = await desks.office.town.owner.fetchval(
        "select t.setl_id from settlement.settlement t where t.institution = $1", PHARMACY
    )
    typed = {"kind": "deduction", "amount": "0.10", "source": "审1", "note": "超量"}
    odd = await desks.act(desks.clerk, f"{PERIOD}/{PHARMACY}", "adjust", **typed, setl_id="12")
    assert "19 位数字" in odd.text and 'value="12"' in odd.text
    page = await desks.act(
        desks.clerk, f"{PERIOD}/{PHARMACY}", "adjust", **typed, setl_id=str(case)
    )
    assert f"/console/settlements/{case}" in page.text
    shown = await desks.clerk.get(f"/console/settlements/{case}")
    assert "审1" in shown.text and "待另一人确认" in shown.text
    await desks.chief.get(PERIOD)
    batch = desks.chief.page.field("batch")
    assert batch
    booked = await desks.act(desks.chief, PERIOD, "batch", batch=batch)
    assert "已入账 1 笔" in booked.text
    finance = await desks.office.signed_in(NAMES[Role.INSTITUTION])
    shown = await finance.get(f"/console/settlements/{case}")
    assert "审1" in shown.text and "已入账" in shown.text and "-0.10" in shown.text


async def test_deposits_come_back_by_the_scores_of_a_year(desks: Desks) -> None:
    head = "机构编码,质保金,考核得分\n"
    rows = f"{head}{OTHER},0.50,90\n"
    await desks.clerk.get(PERIOD)
    sent = await desks.clerk.bring(
        f"{PERIOD}/deposits", "得分.csv", rows.encode(), reason="年度考核"
    )
    assert "请填写依据" in sent.text
    for text, source, said in (
        (f"{head}{OTHER},0.50,优\n", "考核1", "第 2 行"), (rows, "考核1", "尚待另一人确认"),
    ):  # fmt: skip
        await desks.clerk.get(PERIOD)
        sent = await desks.clerk.bring(
            f"{PERIOD}/deposits", "得分.csv", text.encode(), reason="年度考核", source=source
        )
        assert said in (await desks.office.over(sent, desks.clerk)).text
    await desks.chief.get(PERIOD)
    booked = await desks.act(desks.chief, PERIOD, "batch", batch=desks.chief.page.field("batch"))
    assert "已入账 1 笔" in booked.text
    assert "质保金返还" in (await desks.clerk.get(f"{PERIOD}/{OTHER}")).text
    assert (CLERK, "payout 2026-11-01", "年度考核") in await desks.office.audited(
        "console.payout-deposits"
    )


async def test_an_account_holds_once_two_people_typed_it(desks: Desks) -> None:
    for code in (PHARMACY, OTHER):
        page = f"/console/payees/{code}"
        assert "尚待另一人确认" in (await desks.act(desks.chief, page, "propose", **ACCOUNT)).text
        own = await desks.act(desks.chief, page, "confirm", **ACCOUNT)
        assert "以外的人确认" in own.text
        assert "已生效" not in own.text
        assert "尚待" in (await desks.act(desks.clerk, page, "propose", **ACCOUNT)).text
        other = {**ACCOUNT, "account": "9999000011112223"}
        assert "未生效" in (await desks.act(desks.chief, page, "confirm", **other)).text
        done = await desks.act(desks.chief, page, "confirm", **ACCOUNT)
        assert "已生效" in done.text and ACCOUNT["account"] not in done.text


async def test_what_is_confirmed_is_ordered_by_another_and_the_bank_says_the_rest(
    desks: Desks,
) -> None:
    assert "已确认 2 家" in (await desks.act(desks.clerk, PERIOD, "confirm")).text
    assert "提出拨付" in (await desks.act(desks.clerk, PERIOD, "propose")).text
    assert (await desks.act(desks.clerk, PERIOD, "order")).status == 403
    assert "下达拨付 2 家" in (await desks.act(desks.chief, PERIOD, "order")).text
    archive = ZipFile(io.BytesIO(await desks.clerk.fetch(f"{PERIOD}/bank-files")))
    assert "每次下达单独成文件" in (await desks.clerk.get(PERIOD)).text
    (name,) = (one for one in archive.namelist() if one.endswith("-1.csv"))
    assert re.fullmatch("payout-20261101-202612[0-9]{8}-1.csv", name)
    table = list(csv.DictReader(io.StringIO(archive.read(name).decode())))
    assert [row["账号"] for row in table] == [ACCOUNT["account"]] * 2
    rows = "".join(
        f"{row['订单号']},{row['金额']},{result},B{place}\n"
        for place, (row, result) in enumerate(zip(table, ("成功", "退汇"), strict=True))
    )
    text = f"订单号,金额,结果,银行流水号\n{rows}"
    read = await desks.bring(desks.clerk, "/console/payouts", "bank", "回单.csv", text)
    assert "尚待另一人确认" in read.text
    await desks.chief.get("/console/payouts")
    sent = await desks.chief.post(
        "/console/payouts/bank/confirm", file=desks.chief.page.field("file"), reason="核对"
    )
    done = await desks.office.over(sent, desks.chief)
    assert "已入账" in done.text and "退汇 1 笔" in done.text
    again = await desks.bring(desks.clerk, "/console/payouts", "bank", "回单.csv", text)
    assert "未再改动" in again.text
    page = (await desks.clerk.get(PERIOD)).text
    assert "已退汇" in page and "已拨付" in page
    assert "应拨合计" in (await desks.clerk.fetch(f"{PERIOD}/{PHARMACY}/notice")).decode()
    book = await desks.clerk.fetch(f"{PERIOD}/{PHARMACY}/notice?format=xlsx")
    assert "应拨合计" in sheets_of(book)["拨付通知"][2]
    vouchers = "/console/payouts/vouchers?since=2026-12-01&until=2026-12-31"
    assert "拨付付讫" in (await desks.clerk.fetch(vouchers)).decode()
    town = desks.office.town
    assert (await town.verified()).ok
    said = await desks.office.audited("console.payout-order")
    assert (SUPERVISOR, "payout 2026-11-01", "月度拨付") in said
