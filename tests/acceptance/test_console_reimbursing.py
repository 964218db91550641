"""手工报销 in the console: papers from the counter to the bank, by two people, without a shell."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from zipfile import ZipFile

import pytest
import pytest_asyncio

from settlement.console.rights import Role
from settlement.numbers import lane_in
from settlement.storage import console_reimbursements as store
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import CLASS_A, CLASS_B, DEAR, Citizen, some
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "/console/reimbursements"
CLERK, SUPERVISOR = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]
HEAD = (
    "人员编号,姓名,机构编码,发票号码,险种,医疗类别,就诊或入院日期,就诊结束或出院日期,发票金额,户名,银行账号,"
    "开户行,医疗目录编码,费用发生日期,数量,单价,明细金额\n"
)
ACCOUNT = "9999000055556666"


class Desks:
    """The two people at their browsers."""

    def __init__(self, office: Office, clerk: Browser, chief: Browser) -> None:
        self.office = office
        self.clerk = clerk
        self.chief = chief

    async def act(self, browser: Browser, page: str, what: str, **form: str) -> Page:
        """Something done on a page, and the page that it ends on."""
        await browser.get(page)
        sent = await browser.post(f"{page}/{what}", **{"reason": "窗口受理", **form})
        return await self.office.over(sent, browser)

    async def bring(
        self, browser: Browser, page: str, what: str, text: str, **form: str
    ) -> Page:
        """A file brought on a page."""
        await browser.get(page)
        content = text.encode()
        sent = await browser.bring(
            f"{page}/{what}", "材料.csv", content, **{"reason": "窗口受理", **form}
        )
        return await self.office.over(sent, browser)

    async def accepted(self, text: str) -> str:
        """Papers are taken in; the page of the first of them."""
        page = await self.bring(self.clerk, LIST, "accept", text)
        found = re.search(r"([0-9]{19}) 已受理", page.text)
        assert found is not None, page.text
        return f"{LIST}/{found.group(1)}"

    async def settled(self, text: str) -> str:
        """And booked by two people."""
        page = await self.accepted(text)
        await self.act(self.clerk, page, "calculate")
        assert "已复核记账" in (await self.act(self.chief, page, "confirm")).text
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desks(database: FreshDatabase) -> AsyncIterator[Desks]:
    """A console over a town."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield Desks(
                office, await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
            )


def papers(town: Town, whom: Citizen, invoice: str, *, total: str = "60.00") -> str:
    """A visit yesterday with two lines."""
    day = town.clock.local.date()
    about = (
        f"{whom.number},{whom.insured.identity.name},{town.hospital.code},{invoice},310,11,"
        f"{day},{day},{total},测试甲,{ACCOUNT},测试银行"
    )
    return (
        f"{HEAD}{about},{CLASS_A.item.code},{day},4,12.50,50.00\n"
        f"{about},{CLASS_B.item.code},{day},1,10.00,10.00\n"
    )


async def test_papers_at_fault_are_named_and_none_is_taken(desks: Desks) -> None:
    town = desks.office.town
    whom = town.someone()
    wrong = await desks.bring(
        desks.clerk, LIST, "accept", papers(town, whom, "44190001", total="61.00")
    )
    assert "第 2 行 medfee_sumamt" in wrong.text and whom.number not in wrong.text
    odd = await desks.bring(
        desks.clerk, LIST, "accept", papers(town, whom, "44190001"), matter="12"
    )
    assert "19 位" in odd.text and 'value="12"' in odd.text
    page = await desks.accepted(papers(town, whom, "44190001"))
    again = await desks.bring(desks.clerk, LIST, "accept", papers(town, whom, "44190001"))
    assert "已用于报销" in again.text
    sent_back = await desks.act(desks.clerk, page, "refuse", reason="缺费用清单")
    assert "不予报销：缺费用清单" in sent_back.text and "已办结" in sent_back.text
    blank = (await desks.clerk.fetch(f"{LIST}/papers.csv")).decode("utf-8-sig")
    assert set(HEAD.strip().split(",")) <= set(blank.strip().split(","))


async def test_papers_become_money_by_two_people_and_the_bank(desks: Desks) -> None:
    town = desks.office.town
    whom, other = town.someone(), town.someone()
    first = await desks.accepted(papers(town, whom, "44190002"))
    calculated = await desks.act(desks.clerk, first, "calculate")
    assert "35.40" in calculated.text and "已核算" in calculated.text
    for browser in (desks.clerk, desks.chief):
        shown = (await browser.get(first)).text
        assert ("复核并记账" in shown) == (browser is desks.chief)
        assert whom.number not in shown and ACCOUNT not in shown and "***6666" in shown
        assert whom.insured.identity.name not in shown
        assert "59.00 元 × 60% → 35.40 元" in shown, "whoever confirms sees why"
    assert (await desks.act(desks.clerk, first, "confirm")).status == 403
    booked = await desks.act(desks.chief, first, "confirm")
    assert "已复核记账" in booked.text
    second = await desks.settled(papers(town, other, "44190003"))

    assert "提出拨付" in (await desks.act(desks.clerk, LIST, "propose")).text
    ordered = await desks.act(desks.chief, LIST, "order")
    assert "下达拨付 2 笔，70.80 元" in ordered.text
    archive = ZipFile(io.BytesIO(await desks.clerk.fetch(f"{LIST}/bank-files")))
    (name,) = (one for one in archive.namelist() if one.endswith("-1.csv"))
    table = list(csv.DictReader(io.StringIO(archive.read(name).decode())))
    assert [row["账号"] for row in table] == [ACCOUNT] * 2
    by_page = {f"{LIST}/{row['订单号'][1:20]}": row for row in table}
    results = ((by_page[first], "成功"), (by_page[second], "退汇"))
    rows = "".join(
        f"{row['订单号']},{row['金额']},{result},B{place}\n"
        for place, (row, result) in enumerate(results)
    )
    head = "订单号,金额,结果,银行流水号\n"
    mixed = f"{head}{rows}P44190099001-20261101-1,1.00,成功,B9\n"
    refused = await desks.bring(desks.clerk, "/console/payouts", "bank", mixed)
    assert "请拆成两个文件" in refused.text
    read = await desks.bring(desks.clerk, "/console/payouts", "bank", head + rows)
    assert "尚待另一人确认" in read.text
    await desks.chief.get("/console/payouts")
    done = await desks.office.over(
        await desks.chief.post(
            "/console/payouts/bank/confirm", file=desks.chief.page.field("file"), reason="核对"
        ),
        desks.chief,
    )
    assert "已入账" in done.text and "退汇 1 笔" in done.text
    assert "已拨付" in (await desks.clerk.get(first)).text
    await pay_it_to_another_account(desks, second)


async def pay_it_to_another_account(desks: Desks, page: str) -> None:
    """What came back is owed again, and whoever entered the account does not order it."""
    typed = {"name": "测试甲", "account": "12", "bank": "测试银行"}
    assert "8 至 32 位" in (await desks.act(desks.chief, page, "account", **typed)).text
    typed["account"] = "9999000077778888"
    assert "***8888" in (await desks.act(desks.chief, page, "account", **typed)).text
    await desks.act(desks.clerk, page, "propose")
    assert "下达拨付</button>" not in (await desks.chief.get(page)).text
    own = await desks.act(desks.chief, page, "order")
    assert "以外的人下达" in own.text
    await desks.act(desks.clerk, page, "account", **typed)
    await desks.act(desks.chief, page, "propose")
    assert "以外的人下达" in (await desks.act(desks.chief, page, "order")).text
    assert ("fu", page.replace(f"{LIST}/", "reimbursement "), "窗口受理") in (
        await desks.office.audited("console.reimburse-order")
    )


async def test_a_mistake_is_taken_back_by_two_people(desks: Desks) -> None:
    town = desks.office.town
    whom = town.someone()
    page = await desks.settled(papers(town, whom, "44190004"))
    await desks.act(desks.clerk, page, "ask-cancel", reason="录错发票")
    assert "已撤销" in (await desks.act(desks.chief, page, "cancel")).text
    again = await desks.accepted(papers(town, whom, "44190004"))
    await desks.act(desks.clerk, again, "calculate")
    amended = await desks.bring(
        desks.clerk, again, "amend", papers(town, whom, "44190005")
    )
    assert "第 2 份" in amended.text and "44190005" in amended.text
    other = await desks.bring(
        desks.clerk, again, "amend", papers(town, town.someone(), "44190006")
    )
    assert "参保人与原材料不一致" in other.text
    assert (await town.verified()).ok


async def test_they_are_found_by_state_number_and_person(desks: Desks) -> None:
    town = desks.office.town
    whom = town.someone()
    page = await desks.accepted(papers(town, whom, "44190007"))
    number = page.removeprefix(f"{LIST}/")
    assert number in (await desks.clerk.get(f"{LIST}?state=accepted")).text
    assert number not in (await desks.clerk.get(f"{LIST}?state=paid")).text
    assert "没有这个受理编号" in (await desks.clerk.get(f"{LIST}?number=12")).text
    assert (await desks.clerk.get(f"{LIST}?number={number}")).location == page
    await desks.clerk.get(LIST)
    sent = await desks.clerk.post(
        f"{LIST}/person", certificate=whom.insured.identity.certificate_no
    )
    assert sent.status == 303 and whom.number not in sent.location
    assert number in (await desks.clerk.follow()).text
    assert "没有此证件号码" in (
        await desks.clerk.post(f"{LIST}/person", certificate="999999000000000000")
    ).text
    viewed = [subject for _, subject, _ in await desks.office.audited(
        "console.view-reimbursement"
    )]  # fmt: skip
    assert f"reimbursement {number}" not in viewed, "a list is no look at papers"
    await desks.clerk.get(page)
    assert (CLERK, f"reimbursement {number}", "") in await desks.office.audited(
        "console.view-reimbursement"
    )


async def test_who_only_reads_sees_no_button_and_others_nothing(desks: Desks) -> None:
    town = desks.office.town
    page = await desks.accepted(papers(town, town.someone(), "44190008"))
    auditor = await desks.office.signed_in(NAMES[Role.AUDITOR])
    for path in (LIST, page):
        shown = await auditor.get(path)
        assert shown.status == 200
        for action in ("accept", "calculate", "refuse", "propose"):
            assert f"/{action}\"" not in shown.text, action
    for role in (Role.OPERATOR, Role.INSTITUTION):
        browser = await desks.office.signed_in(NAMES[role])
        for path in (LIST, page):
            assert (await browser.get(path)).status == 403
            assert "手工报销" not in (await browser.get("/console/")).text


async def test_scope_is_part_of_every_statement_although_no_role_with_one_may_look(
    desks: Desks,
) -> None:
    town = desks.office.town
    whom = town.someone()
    page = await desks.accepted(papers(town, whom, "44190012"))
    number = int(page.removeprefix(f"{LIST}/"))
    lane, since = lane_in(number), town.clock()
    for scope, seen in ((None, True), (town.hospital.code, True), (town.pharmacy.code, False)):
        waiting = await store.waiting(town.owner, scope, since)
        own = await store.of_person(town.owner, scope, lane, whom.number, limit=9)
        assert (number in {one.number for one in waiting}) == seen
        assert [one.number for one in own] == [number] * seen
        assert await store.may_see(town.owner, scope, lane, number) == seen


async def test_an_invoice_that_the_institution_settles_as_well_is_shown(desks: Desks) -> None:
    town = desks.office.town
    whom = town.someone()
    brought = papers(town, whom, "44190009").replace(town.hospital.code, town.pharmacy.code)
    page = await desks.settled(brought.replace(",310,11,", ",310,41,"))
    assert "重复" not in (await desks.clerk.get(page)).text
    sold = town.pharmacy.sale(whom, some(CLASS_A)).edited({"input.druginfo.invono": "44190009"})
    assert (await town.pharmacy.send(sold)).infcode == 0
    await town.list_statements()
    assert "重复" in (await desks.clerk.get(page)).text


def stay(town: Town, whom: Citizen, invoice: str, *, days_ago: int) -> str:
    """Three nights that the own account pays for as far as it goes."""
    ends = town.clock.local.date() - timedelta(days=days_ago)
    row = (
        f"{whom.number},{whom.insured.identity.name},{town.hospital.code},{invoice},310,21,"
        f"{ends - timedelta(days=3)},{ends},8000.00,测试甲,{ACCOUNT},测试银行,"
        f"{DEAR.item.code},{ends},4,2000.00,8000.00,1"
    )
    return f"{HEAD.strip()},个人账户使用标志\n{row}\n"


async def test_who_confirms_is_told_when_the_year_has_moved(desks: Desks) -> None:
    town = desks.office.town
    whom = town.someone()
    page = await desks.accepted(stay(town, whom, "44190010", days_ago=0))
    await desks.act(desks.clerk, page, "calculate")
    assert "年内情况已变" not in (await desks.chief.get(page)).text
    await desks.settled(stay(town, whom, "44190011", days_ago=20))
    assert "年内情况已变" in (await desks.chief.get(page)).text
    refused = await desks.act(desks.chief, page, "confirm")
    assert "已复核记账" not in refused.text and "重新核算" in refused.text
    await desks.act(desks.clerk, page, "calculate")
    assert "年内情况已变" not in (await desks.chief.get(page)).text


async def test_what_is_ordered_later_is_a_file_of_its_own(desks: Desks) -> None:
    """The bank has the first file and has said nothing of it: the second repeats none of it."""
    town = desks.office.town
    whose: list[dict[str, bytes]] = []
    for invoice in ("44190031", "44190032"):
        await desks.settled(papers(town, town.someone(), invoice))
        town.clock.move_to(town.clock.local + timedelta(minutes=1))
        assert "提出拨付" in (await desks.act(desks.clerk, LIST, "propose")).text
        assert "下达拨付" in (await desks.act(desks.chief, LIST, "order")).text
        archive = ZipFile(io.BytesIO(await desks.clerk.fetch(f"{LIST}/bank-files")))
        names = [one for one in archive.namelist() if one.endswith(".csv")]
        whose.append({name: archive.read(name) for name in names})
    before, after = whose
    assert {name: after.get(name) for name in before} == before
    (new,) = after.keys() - before.keys()
    assert new > max(before)
    assert len(list(csv.DictReader(io.StringIO(after[new].decode())))) == 1
    assert "每次下达单独成文件" in (await desks.clerk.get(LIST)).text
