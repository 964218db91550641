"""The console's reading pages over a town: bills, policies, catalogue, institutions, filings and
notices; what each role may read of them, and what is audited."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from html import unescape

import aiohttp
import pytest
import pytest_asyncio

from loadtest.simulators.receiver import Fault
from settlement.channels.registry import NO_TILLS
from settlement.console import institution_pages, policy_pages
from settlement.console.rights import Role
from settlement.finance.bill_books import open_books
from settlement.finance.bill_import import Order, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.policy.loader import shipped_files
from settlement.storage.bills import BillFile
from settlement.storage.policies import keep_files
from tests.kit import population, registrar
from tests.kit.channel_bills import MERCHANT, wechat_bill
from tests.kit.citizen_app import a_city_app
from tests.kit.console import NAMES, Browser, Office, an_office
from tests.kit.mobile import Platform
from tests.kit.population import CLASS_A, some
from tests.kit.receiving import a_receiver
from tests.kit.registrar import DISEASE, DISEASE_NAME
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLERK, OPERATOR, FINANCE = NAMES[Role.CLERK], NAMES[Role.OPERATOR], NAMES[Role.INSTITUTION]
DAY = date(2026, 11, 21)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town of its own."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield office


async def took(town: Town, content: bytes, at: datetime) -> BillFile:
    """A bill that an operator took by hand."""
    books = await open_books(town.owner, NO_TILLS, clock=lambda: at)
    received = Received(name="20261121_trade.csv", open=lambda: io.BytesIO(content))
    claimed = Claimed(merchant=MERCHANT)
    (taken,) = await take(books, received, claimed, Order(actor="zhang", reason="测试"))
    return taken.file


async def test_bills_are_listed_by_day_with_what_was_late_and_replaced(office: Office) -> None:
    first, corrected = wechat_bill(DAY, "12.34", "1.00"), wechat_bill(DAY, "2.34", "1012.34")
    former = await took(office.town, first, datetime(2026, 11, 23, 3, tzinfo=UTC))
    latter = await took(office.town, corrected, datetime(2026, 11, 23, 4, tzinfo=UTC))
    clerk = await office.signed_in(CLERK)
    month = (await clerk.get("/console/bills?month=2026-11")).text
    assert "2026-11-21" in month and "微信支付" in month and "未配置商户" in month
    day = (await clerk.get(f"/console/bills?day={DAY}&channel=wechat")).text
    assert all(text in day for text in ("迟到", str(latter.file_no), str(former.file_no), "取代"))
    assert "1,014.68" in day
    page = (await clerk.get(f"/console/bills/{former.file_no}")).text
    assert "已被更正" in page and former.sha256.hex() in page
    assert await clerk.fetch(f"/console/bills/{latter.file_no}/file") == corrected
    digest = hashlib.sha256(corrected).hexdigest()
    told = await office.audited("console.download-bill")
    assert told == [(CLERK, f"bill {latter.file_no}", digest)]
    for odd in ("/console/bills?day=x&month='", "/console/bills?day=2026-11-21&from=99"):
        assert (await clerk.get(odd)).status == 200
    operator = await office.signed_in(OPERATOR)
    assert (await operator.get(f"/console/bills/{latter.file_no}")).status == 200
    assert (await operator.get(f"/console/bills/{latter.file_no}/file")).status == 403


async def test_bill_that_is_not_as_it_came_breaks_off(office: Office) -> None:
    owner = office.town.owner
    kept = await took(office.town, wechat_bill(DAY, "5.00"), datetime(2026, 11, 23, 5, tzinfo=UTC))
    keep = "update settlement.bill_content set packed = $2, content = $3 where sha256 = $1"
    rows = "select b.packed, b.content from settlement.bill_content b where b.sha256 = $1"
    true = await owner.fetchrow(rows, kept.sha256)
    assert true is not None
    await owner.execute(keep, kept.sha256, False, b"something else")
    clerk = await office.signed_in(CLERK)
    with pytest.raises(aiohttp.ClientError):
        await clerk.fetch(f"/console/bills/{kept.file_no}/file")
    await owner.execute(keep, kept.sha256, *true)


async def test_lists_that_are_longer_than_their_page_go_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(institution_pages, "SHOWN_MAX", 2)
    monkeypatch.setattr(policy_pages, "SHOWN_MAX", 1)
    clerk = await office.signed_in(CLERK)
    for first, shown in (
        ("/console/institutions", [one.code for one in population.INSTITUTIONS]),
        ("/console/catalogue?text=XB9", ["XB900TESTCLASSB"]),
    ):
        path: str | None = first
        seen = ""
        while path is not None:
            page = (await clerk.get(path)).text
            seen += page
            more = re.search(r'class="act" href="([^"]+)"', page)
            path = None if more is None else unescape(more.group(1))
        assert all(seen.count(f"<code>{code}</code>") == 1 for code in shown)
    for odd in ("payments_after=x", f"cases_after={'9' * 19}", f"payments_after={'1' * 19}"):
        assert (await clerk.get(f"/console/doubt?{odd}")).status == 200


async def test_versions_of_the_profile_are_compared_in_words(office: Office) -> None:
    shipped = shipped_files()["441900.toml"].decode()
    changed = shipped.replace('cancel_order = "latest_first"', 'cancel_order = "free"')
    await keep_files(
        office.town.owner, {"441900.toml": changed.encode()}, actor="lin",
        reason="粤医保函〔2026〕99号（测试）", at=office.town.clock(),
    )  # fmt: skip
    clerk = await office.signed_in(CLERK)
    page = (await clerk.get("/console/policy")).text
    assert "粤医保函〔2026〕99号（测试）" in page and "东莞市职工基本医疗保险（演示）" in page
    told = (await clerk.get("/console/policy/difference?name=441900.toml")).text
    assert all(word in told for word in ("撤销顺序", "先撤销较晚的", "不限顺序", "lin"))
    assert "日结" not in told.split("不同的设置")[1]
    for odd in ("name=nothing.toml", "name=441900.toml&before=9", "name=441900.toml&after=x"):
        assert (await clerk.get(f"/console/policy/difference?{odd}")).status == 404


async def test_catalogue_is_found_by_code_or_name_with_its_periods(office: Office) -> None:
    finance = await office.signed_in(FINANCE)
    by_code = (await finance.get("/console/catalogue?text=XA904")).text
    assert "XA904TESTEXPIRED" in by_code and "2025-12-31" in by_code and "已失效" in by_code
    assert "甲类" in by_code and "西药费" in by_code
    gone = await finance.get("/console/catalogue?text=XA904&on=2026-11-01")
    assert "没有找到" in gone.text
    by_name = await finance.get(f"/console/catalogue?text={CLASS_A.item.name}")
    assert CLASS_A.item.code in by_name.text
    after = f"after={CLASS_A.item.code}&after_day={CLASS_A.item.effective_from}"
    rest = await finance.get(f"/console/catalogue?text=X&{after}")
    assert CLASS_A.item.code not in rest.text and "XB900TESTCLASSB" in rest.text


async def test_an_institution_shows_what_it_is_owed_to_those_who_may_see_money(
    office: Office,
) -> None:
    town = office.town
    await town.pharmacy.sell(town.someone(), some(CLASS_A))
    await town.list_statements()
    code, other = population.PHARMACY.code, population.OTHER_PHARMACY.code
    clerk = await office.signed_in(CLERK)
    page = (await clerk.get(f"/console/institutions/{code}")).text
    assert "应付余额（元）</dt><dd>12.50" in page and "无等级" in page and "定点药店购药" in page
    assert "今日结算</dt><dd>1" in page
    operator = await office.signed_in(OPERATOR)
    page = (await operator.get(f"/console/institutions/{code}")).text
    assert "应付余额" not in page and "账户余额" not in page
    finance = await office.signed_in(FINANCE)
    assert (await finance.get(f"/console/institutions/{code}")).status == 200
    assert (await finance.get(f"/console/institutions/{other}")).status == 404
    rest = (await clerk.get(f"/console/institutions?after={code}")).text
    assert other in rest and f">{code}<" not in rest


async def filed(office: Office) -> tuple[str, str]:
    """A disease that the hospital filed for somebody; the number, and the certificate."""
    citizen = office.town.someone()
    hospital = office.town.hospital
    reply = await hospital.send(registrar.disease(hospital, citizen))
    return registrar.number_of(reply), citizen.insured.identity.certificate_no


async def of_person(browser: Browser, certificate: str) -> str:
    """What the form for certificate numbers leads to."""
    await browser.get("/console/filings")
    page = await browser.post("/console/filings/person", certificate=certificate)
    assert certificate not in page.location
    return (await browser.follow()).text if page.status == 303 else page.text


async def test_filings_are_found_without_naming_anybody(office: Office) -> None:
    number, certificate = await filed(office)
    clerk = await office.signed_in(CLERK)
    for query in ("", "?kind=2", "?state=stands", "?kind=2&state=stands"):
        listed = (await clerk.get(f"/console/filings{query}")).text
        assert number in listed and DISEASE_NAME not in listed, query
    for query in ("?kind=1", "?state=over", "?state=withdrawn", "?before=1-2611000100001000001"):
        assert number not in (await clerk.get(f"/console/filings{query}")).text, query
    found = await clerk.get(f"/console/filings?number={number}")
    assert found.location == f"/console/filings/{number}"
    assert "没有这个编号" in (await clerk.get("/console/filings?number=26110001")).text
    page = (await clerk.get(f"/console/filings/{number}")).text
    assert DISEASE in page and DISEASE_NAME in page and "病种" in page
    assert certificate not in page
    assert number in await of_person(clerk, certificate)
    assert "没有此证件号码" in await of_person(clerk, "999999198001019999")
    assert (CLERK, f"filing {number}", "") in await office.audited("console.view-filing")
    searched = await office.audited("console.search-filings")
    assert [note for _, _, note in searched] == ["found", "not found"]
    assert all(certificate not in subject for _, subject, _ in searched)


async def test_a_persons_own_filing_shows_what_was_asked_for_and_no_number(office: Office) -> None:
    citizen = office.town.someone()
    async with a_city_app(office.town) as app:
        number = (await app.file(citizen, reason="探亲")).said["matter_no"]
    clerk = await office.signed_in(CLERK)
    assert "个人网办" in (await clerk.get("/console/filings")).text
    page = (await clerk.get(f"/console/filings/{number}")).text
    for said in ("个人网办", "其他临时外出就医人员", "四川省", "探亲"):
        assert said in page, said
    assert citizen.number not in page


async def test_a_withdrawn_filing_is_on_the_list_of_those(office: Office) -> None:
    citizen, hospital = office.town.someone(), office.town.hospital
    message = registrar.disease(hospital, citizen)
    reply = await hospital.send(message)
    await hospital.send(registrar.withdrawal(hospital, citizen, message, reply))
    number = registrar.number_of(reply)
    clerk = await office.signed_in(CLERK)
    assert number in (await clerk.get("/console/filings?state=withdrawn")).text
    assert number not in (await clerk.get("/console/filings?state=stands")).text
    assert "已撤销" in (await clerk.get(f"/console/filings/{number}")).text


async def test_finance_of_an_institution_sees_no_filing_of_another(office: Office) -> None:
    number, certificate = await filed(office)
    finance = await office.signed_in(FINANCE)
    assert number not in (await finance.get("/console/filings")).text
    assert (await finance.get(f"/console/filings/{number}")).status == 404
    assert "没有此证件号码" in await of_person(finance, certificate)


async def test_a_notice_that_waits_is_shown_with_its_attempts(office: Office) -> None:
    town, code = office.town, population.HOSPITAL.code
    async with a_receiver(town, code) as told:
        told.receiver.plan = [Fault.ERROR]
        order = await Platform(town, town.hospital).upload(town.someone(), some(CLASS_A))
        await order.pay()
        await told.deliver()
        clerk, finance = await office.signed_in(CLERK), await office.signed_in(FINANCE)
        page = (await clerk.get("/console/notices")).text
        assert "对方未接收" in page and "移动支付通知" in page and code in page
        assert code in (await clerk.get(f"/console/notices?institution={code}&kind=mobile")).text
        assert "没有这样的通知" in (await clerk.get("/console/notices?kind=sms")).text
        (case_no, *_) = [one.case_no for one in await told.owed()]
        page = (await clerk.get(f"/console/notices/{case_no}")).text
        assert "发送记录" in page and "对方未接收" in page
        assert code not in (await finance.get("/console/notices")).text
        assert (await finance.get(f"/console/notices/{case_no}")).status == 404
