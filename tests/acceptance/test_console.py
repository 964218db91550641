"""The console as the agency's people use it: signing in, looking for a case, acting together."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.console import server, totp
from settlement.console.rights import Role
from settlement.console.router import IDLE_MAX, SESSION_MAX
from settlement.console.today import Figures, Today
from settlement.console.words import yuan
from settlement.payments.payment import Verdict
from settlement.storage.payments import open_payments
from tests.kit import population
from tests.kit.console import Office, a_console, an_office
from tests.kit.importing import Office as Agency
from tests.kit.importing import rows_of
from tests.kit.population import CLASS_A, CLASS_C, DEAR, newcomer, some
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET
from tests.kit.town import Town, a_town
from tests.kit.waiting import until
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = "Eigenes-Wort-4711"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town whose books are right in the end."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield office


@pytest.fixture
def town(office: Office) -> Town:
    """The town behind it."""
    return office.town


async def refused_refund(town: Town, refund_no: str) -> int:
    """A sale is taken back, and WeChat does not refund it; the number of the return."""
    scanner = Scanner(population.PHARMACY, town.service)
    town.channels.wechat.refund_verdicts.append(Verdict.FAILED)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    await scanner.refund(order["order_no"], refund_no)
    return (await open_payments(town.owner, limit=100))[-1]


async def test_stranger_is_shown_the_door(office: Office) -> None:
    browser = office.browser()
    page = await browser.get("/console/")
    assert (page.status, page.location) == (303, "/console/sign-in")
    page = await browser.follow()
    assert page.status == 200
    assert "用户名" in page.text
    assert "SameSite=Strict" in page.cookies[0] and "HttpOnly" in page.cookies[0]


async def test_clerk_signs_in_looks_and_signs_out(office: Office) -> None:
    clerk = await office.signed_in("jing")
    page = await clerk.follow()
    assert page.status == 200
    assert "测试jing" in page.text and "今日" in page.text
    assert 'href="/console/audit"' not in page.text
    await clerk.post("/console/sign-out")
    assert (await clerk.get("/console/")).location == "/console/sign-in"
    assert ("jing", "user jing", "") in await office.audited("console.sign-in")


async def test_first_password_is_changed_before_anything_else(office: Office) -> None:
    password = await office.hire("neu", Role.CLERK, must_change=True)
    browser = office.browser()
    await browser.sign_in("neu", password)
    assert (await browser.get("/console/search")).location == "/console/password"
    page = await browser.get("/console/password")
    for old, new, again, said in (
        ("wrong", OWN, OWN, "原密码不正确"),
        (password, "kurz", "kurz", "至少 12 位"),
        (password, OWN, OWN + "x", "不一致"),
        (password, password, password, "不得与原密码相同"),
    ):
        page = await browser.post(
            "/console/password", old_password=old, new_password=new, new_password_again=again
        )
        assert said in page.text
    other = office.browser()
    await other.sign_in("neu", password)
    page = await browser.post(
        "/console/password", old_password=password, new_password=OWN, new_password_again=OWN
    )
    assert page.status == 303
    assert "密码已修改" in (await browser.follow()).text
    assert (await other.get("/console/")).location == "/console/sign-in"
    assert (await office.browser().sign_in("neu", password)).status == 401
    assert (await office.browser().sign_in("neu", OWN)).status == 303


async def test_second_factor_is_asked_for_and_each_code_counts_once(office: Office) -> None:
    password = await office.hire("zwei", Role.CLERK)
    browser = await office.signed_in("zwei")
    page = await browser.get("/console/second-factor")
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
    assert found is not None and "<svg" in page.text
    key = found.group(1)
    page = await browser.post(
        "/console/second-factor", key=page.field("key"), code="000000"
    )
    assert "不正确" in page.text and key in page.text
    page = await browser.post(
        "/console/second-factor", key=page.field("key"), code=code_now(office, key)
    )
    assert page.status == 303
    again = office.browser()
    assert (await again.sign_in("zwei", password)).status == 401
    used = code_now(office, key)
    assert (await again.sign_in("zwei", password, code=used)).status == 401
    office.town.clock.pass_by(timedelta(seconds=60))
    fresh = code_now(office, key)
    assert (await again.sign_in("zwei", password, code=fresh)).status == 303
    assert (await office.browser().sign_in("zwei", password, code=fresh)).status == 401
    office.town.clock.pass_by(timedelta(hours=2))


async def test_session_ends_when_nobody_is_there_and_after_a_working_day(office: Office) -> None:
    clerk = await office.signed_in("jing")
    clock = office.town.clock
    clock.pass_by(IDLE_MAX - timedelta(seconds=1))
    assert (await clerk.get("/console/search")).status == 200
    for _ in range(3):
        clock.pass_by(timedelta(minutes=9))
        await clerk.get("/console/?part=live")
    assert (await clerk.get("/console/search")).status == 303, "a refreshing page kept it alive"
    clerk = await office.signed_in("jing")
    for _ in range(int(SESSION_MAX / timedelta(minutes=15))):
        assert (await clerk.get("/console/search")).status == 200
        clock.pass_by(timedelta(minutes=15))
    assert (await clerk.get("/console/search")).status == 303


async def test_expired_sign_in_keeps_what_was_typed_for_the_same_user_alone(office: Office) -> None:
    pay_no = await refused_refund(office.town, "K1")
    clerk = await office.signed_in("jing")
    await clerk.get(f"/console/payments/{pay_no}")
    office.town.clock.pass_by(IDLE_MAX + timedelta(minutes=1))
    page = await clerk.post(f"/console/payments/{pay_no}/propose", reason="现金<b>已退</b>")
    assert page.status == 401 and "已保留" in page.text
    kept = page.field("kept")
    other = office.browser()
    await other.get("/console/sign-in")
    page = await other.post(
        "/console/sign-in", name="fu", password=office.passwords["fu"], kept=kept
    )
    assert page.location == "/console/"
    page = await clerk.post("/console/sign-in", name="jing", password=office.passwords["jing"])
    assert page.location == f"/console/payments/{pay_no}"
    page = await clerk.follow()
    assert "现金&lt;b&gt;已退&lt;/b&gt;" in page.text
    assert "propose-given-back" not in page.text, "it was done without being asked for"
    assert "现金" not in (await clerk.get(f"/console/payments/{pay_no}")).text


async def test_sign_out_everywhere(office: Office) -> None:
    one, two = await office.signed_in("jing"), await office.signed_in("jing")
    await one.get("/console/")
    await one.post("/console/sign-out-everywhere")
    assert (await two.get("/console/")).location == "/console/sign-in"


async def test_settlement_is_found_by_each_of_its_numbers(office: Office, town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A), some(CLASS_C))
    sold = await town.pharmacy.send(message)
    scanner = Scanner(population.PHARMACY, town.service)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    paid = await scanner.scan(order)
    reference = paid.legs[-1].reference
    clerk = await office.signed_in("jing")
    for by, text, number in (
        ("setl_id", sold.setl_id, sold.setl_id),
        ("msgid", message.msgid, sold.setl_id),
        ("order_no", str(order["order_no"]), paid.settlement_id),
        ("order_no", reference, paid.settlement_id),
    ):
        page = await clerk.get(f"/console/search?by={by}&text={text}")
        assert f"/console/settlements/{number}" in page.text, (by, text)
    assert "没有找到" in (await clerk.get("/console/search?by=setl_id&text=1")).text


async def test_settlement_is_found_by_its_invoice_listed_or_not(office: Office, town: Town) -> None:
    sale = town.pharmacy.sale(town.someone(), some(CLASS_A))
    sold = await town.pharmacy.send(sale.edited({"input.druginfo.invono": "FP-4711"}))
    clerk = await office.signed_in("jing")
    address = "/console/search?by=invoice_no&text=FP-4711"
    assert f"/console/settlements/{sold.setl_id}" in (await clerk.get(address)).text
    await town.list_statements()
    assert f"/console/settlements/{sold.setl_id}" in (await clerk.get(address)).text


async def test_case_tells_its_life(office: Office, town: Town) -> None:
    citizen = town.someone()
    sold = await town.pharmacy.sell(citizen, some(CLASS_A), some(CLASS_C))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    clerk = await office.signed_in("jing")
    page = await clerk.get(f"/console/settlements/{sold.setl_id}")
    assert page.status == 200
    total = yuan(round(sold.money("medfee_sumamt") * 100))
    for text in (total, "重新计算结果一致", "医药收入", "个人账户", CLASS_A.item.code):
        assert text in page.text, text
    assert f"/console/settlements/{cancelled.setl_id}" in page.text
    name = citizen.insured.identity.name
    assert name not in page.text and name[0] + "*" in page.text
    assert citizen.number not in page.text
    english = await in_english(office, f"/console/settlements/{sold.setl_id}")
    for text in ("computed again: the same to the fen", "personal account", "revenue", total):
        assert text in english, text
    assert ("jing", f"settlement {sold.setl_id}", "") in await office.audited(
        "console.view-settlement"
    )


async def test_person_is_found_by_the_whole_certificate_number_alone(
    office: Office, town: Town
) -> None:
    citizen = town.someone()
    sold = await town.pharmacy.sell(citizen, some(CLASS_A))
    number = citizen.insured.identity.certificate_no
    clerk = await office.signed_in("jing")
    await clerk.get("/console/search")
    page = await clerk.post("/console/search/person", certificate=number[:-1])
    assert "没有此证件号码" in page.text
    page = await clerk.post("/console/search/person", certificate=number)
    assert page.status == 303 and number not in page.location
    address = page.location
    page = await clerk.follow()
    assert f"/console/settlements/{sold.setl_id}" in page.text
    assert number not in page.text
    assert (await (await office.signed_in("fu")).get(address)).status == 404, "an address travelled"
    assert ("jing", f"person {citizen.number}", "") in await office.audited("console.view-person")
    everything = await town.owner.fetch("select a.subject, a.note from settlement.audit a")
    assert not any(number in row["subject"] + row["note"] for row in everything)


async def test_person_is_found_by_the_whole_name_and_namesakes_are_listed(
    office: Office, town: Town, tmp_path: Path
) -> None:
    """Who is asked for is in no address and not in the audit; a name that changed is no longer
    found, and more namesakes than are listed are not hidden."""
    agency, name = Agency(town=town, directory=tmp_path), "测试同名"
    people = [newcomer(n) for n in range(700, 722)]
    await agency.bring("persons", [rows_of(people[0])])
    sold = await town.pharmacy.sell(people[0], some(CLASS_A))
    await agency.bring("persons", [rows_of(people[0], psn_name=name)])
    clerk = await office.signed_in("jing")
    await clerk.get("/console/search")
    page = await clerk.post("/console/search/name", name=name[:-1])
    assert page.status == 200 and "没有此姓名" in page.text
    page = await clerk.post("/console/search/name", name="测试 同名 ")
    assert page.status == 303 and name not in page.location
    page = await clerk.follow()
    assert f"/console/settlements/{sold.setl_id}" in page.text and name not in page.text
    await agency.bring("persons", [rows_of(one, psn_name=name) for one in people[1:3]])
    page = await clerk.post("/console/search/name", name=name)
    assert page.text.count("/console/people/") == 3
    assert name not in page.text.replace(f'value="{name}"', "")
    assert "未全部列出" not in page.text
    await agency.bring("persons", [rows_of(one, psn_name=name) for one in people[3:]])
    page = await clerk.post("/console/search/name", name=name)
    assert page.text.count("/console/people/") == 20 and "未全部列出" in page.text
    await agency.bring("persons", [rows_of(one) for one in people[1:]])
    page = await clerk.post("/console/search/name", name=name)
    assert page.status == 303
    await clerk.get("/console/search")
    page = await clerk.post("/console/search/name", name=people[5].insured.identity.name)
    assert page.status == 303
    noted = [note for _, subject, note in await office.audited("console.search-person")
             if subject.startswith("name #")]
    assert noted == ["not found", "found 1", "found 3", "found 20", "found 1", "found 1"]
    everything = await town.owner.fetch("select a.subject, a.note from settlement.audit a")
    assert not any(name in row["subject"] + row["note"] for row in everything)


async def test_two_people_give_a_refund_back(office: Office, town: Town) -> None:
    pay_no = await refused_refund(town, "Z1")
    clerk, chief = await office.signed_in("jing"), await office.signed_in("fu")
    page = await clerk.get("/console/doubt")
    assert str(pay_no) in page.text and "待人工退款" in page.text
    path = f"/console/payments/{pay_no}"
    await clerk.get(path)
    assert "请填写事由" in (await clerk.post(f"{path}/propose", reason=" ")).text
    assert (await clerk.post(f"{path}/propose", reason="现金退还")).status == 303
    assert "尚待另一人确认" in (await clerk.follow()).text
    assert (await clerk.post(f"{path}/confirm", reason="现金退还")).status == 403
    await chief.get(path)
    assert (await chief.post(f"{path}/confirm", reason="已核对收据")).status == 303
    assert "已退款" in (await chief.follow()).text
    assert str(pay_no) not in (await chief.get("/console/doubt")).text
    actors = [actor for actor, subject, _ in await office.audited("confirm-given-back")
              if subject.startswith(f"payment {pay_no}/")]  # fmt: skip
    assert actors == ["fu"]


async def test_nobody_confirms_what_they_proposed(office: Office, town: Town) -> None:
    pay_no = await refused_refund(town, "Z2")
    chief = await office.signed_in("fu")
    await chief.get(f"/console/payments/{pay_no}")
    await chief.post(f"/console/payments/{pay_no}/propose", reason="现金退还")
    await chief.follow()
    page = await chief.post(f"/console/payments/{pay_no}/confirm", reason="现金退还")
    assert "须由 fu 以外的人确认" in page.text


async def test_refund_is_tried_again_from_the_console(office: Office, town: Town) -> None:
    pay_no = await refused_refund(town, "Z3")
    clerk = await office.signed_in("jing")
    await clerk.get(f"/console/payments/{pay_no}")
    page = await clerk.post(f"/console/payments/{pay_no}/retry", reason="渠道已充值")
    assert page.status == 303
    await town.resolve(seconds=0)
    assert "已退款" in (await clerk.get(f"/console/payments/{pay_no}")).text


async def test_switch_is_turned_in_two_steps(office: Office, town: Town) -> None:
    operator = await office.signed_in("yun")
    await operator.get("/console/switches")
    order = {"kind": "institution", "subject": population.OTHER_PHARMACY.code, "reason": "核查"}
    wrong = await operator.post("/console/switches", **{**order, "subject": "P00000000000"})
    assert "没有这个对象" in wrong.text and "P00000000000" in wrong.text
    page = await operator.post("/console/switches", **order)
    assert "请核对后确认" in page.text and population.OTHER_PHARMACY.name in page.text
    assert not await office.audited("suspend")
    sealed = page.field("sealed")
    page = await operator.post("/console/switches", **{**order, "reason": "x"}, sealed=sealed)
    assert "与上一步不一致" in page.text
    page = await operator.post("/console/switches", **order, on="yes", sealed=sealed)
    assert "已停用" in (await operator.follow()).text
    assert await office.audited("suspend") == [
        ("yun", f"institution {order['subject']}", "核查")
    ]
    page = await operator.post("/console/switches", **order, on="no")
    page = await operator.post(
        "/console/switches", **order, on="no", sealed=page.field("sealed")
    )
    assert "已恢复" in (await operator.follow()).text


async def test_channel_is_stopped_by_its_name(office: Office, town: Town) -> None:
    operator = await office.signed_in("yun")
    await operator.get("/console/switches")
    order = {"kind": "channel", "subject": "unionpay", "reason": "银联故障"}
    wrong = await operator.post("/console/switches", **{**order, "subject": "yinlian"})
    assert "没有这个对象" in wrong.text
    page = await operator.post("/console/switches", **order)
    assert "支付渠道" in page.text and "银联" in page.text and "不再开始新的收款" in page.text
    await operator.post("/console/switches", **order, on="yes", sealed=page.field("sealed"))
    assert ("yun", "channel unionpay", "银联故障") in await office.audited("suspend")
    page = await operator.post("/console/switches", **order, on="no")
    await operator.post("/console/switches", **order, on="no", sealed=page.field("sealed"))


async def test_today_is_read_on_while_nobody_looks(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Today.figures
    looks: list[datetime] = []

    async def counted(self: Today, at: datetime, **whose: None) -> Figures:
        looks.append(at)
        return await read(self, at, institution=None, base=None)

    monkeypatch.setattr(Today, "figures", counted)
    monkeypatch.setattr(server, "WARM_SECONDS", 0.0)

    async def looked_twice() -> bool:
        return len(looks) > 1

    with temporary_directory() as directory:
        async with a_console(town, directory):
            await until(looked_twice)


async def test_today_adds_up_what_was_settled(office: Office, town: Town) -> None:
    town.clock.pass_by(timedelta(seconds=3))  # what was read before counts as new until then
    before = await figures(office)
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    town.clock.pass_by(timedelta(seconds=3))
    after = await figures(office)
    assert after[0] - before[0] == 1
    assert after[1] - before[1] == round(sold.money("medfee_sumamt") * 100)


async def test_supervisor_keeps_the_users(office: Office) -> None:
    chief = await office.signed_in("fu")
    await chief.get("/console/users")
    new = {"name": "hilfe", "display_name": "测试<i>", "role": "clerk", "reason": "入职"}
    page = await chief.post("/console/users/add", **{**new, "name": "H!"})
    assert "用户名为2至32位" in page.text
    page = await chief.post("/console/users/add", **new)
    found = re.search(r'<code class="big">([^<]+)</code>', page.text)
    assert found is not None and "测试&lt;i&gt;" in page.text
    assert "用户名已存在" in (await chief.post("/console/users/add", **new)).text
    assert (await office.browser().sign_in("hilfe", found.group(1))).status == 303
    change = {"name": "hilfe", "reason": "离职"}
    assert (await chief.post("/console/users/change", what="lock", **change)).status == 303
    assert (await office.browser().sign_in("hilfe", found.group(1))).status == 401
    await chief.get("/console/users")
    page = await chief.post("/console/users/change", what="lock", name="fu", reason="x")
    assert "不得更改自己的账号" in page.text


def code_now(office: Office, key_text: str) -> str:
    """What the authenticator shows."""
    key = base64.b32decode(key_text)
    return totp.code_of(key, totp.step_of(office.town.clock()))


async def in_english(office: Office, address: str) -> str:
    """A page as a clerk who reads English sees it."""
    clerk = await office.signed_in("jing")
    await clerk.get("/console/")
    page = await clerk.post("/console/language", to="en", back=address)
    assert page.location == address
    return (await clerk.follow()).text


async def figures(office: Office) -> tuple[int, int]:
    """Settlements and fees in fen that the first page says."""
    page = await (await office.signed_in("jing")).get("/console/")
    numbers = re.findall(r"<dd>([0-9,.]+)", page.text)
    return int(numbers[0].replace(",", "")), int(re.sub("[,.]", "", numbers[1]))
