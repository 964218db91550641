"""The console in a real browser, on a real server: each role's daily task from sign-in to sign-out,
in both languages. What it looks like is kept in build/console/."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ledger.money import yuan_text
from loadtest.simulators.channel_world import MCHID, Channels, open_channels
from settlement.clock import local_time, system_clock
from settlement.embedded.services import Services
from settlement.outbox import Kind
from settlement.rows import RowKind
from settlement.serve.supervisor import CHANNELS_VARIABLE
from settlement.storage.outbox import set_receiver
from tests.kit import population
from tests.kit.browser import Page, a_browser, browser_path
from tests.kit.channel_bills import wechat_bill
from tests.kit.command import settlement
from tests.kit.console_desk import PICTURES, Desk
from tests.kit.population import CLASS_A, CLASS_B, CLASS_C, some
from tests.kit.served import ServedTown, a_served_town, signed
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(browser_path() is None, reason="there is no chromium: apt install chromium"),
]

NOWHERE = "http://127.0.0.1:9/told"
OWN = "Eigenes-Wort-4711"
ROLES = {
    "jing": "clerk", "fu": "supervisor", "shen": "auditor", "yun": "operator", "ji": "institution",
}  # fmt: skip
NARROW = 390
READING = (
    ("bills", "按日和渠道", "By day and channel"),
    ("institution-files", "已收文件", "What came"),
    ("policy", "本统筹区待遇政策", "Policies of this region"),
    ("catalogue?text=XA904", "已失效", "over"),
    ("institutions", population.PHARMACY.code, population.PHARMACY.code),
    (f"institutions/{population.PHARMACY.code}", "账户余额", "Ledger accounts"),
    ("filings", "备案清单", "By certificate number"),
    ("notices", "待发通知", "Notices that wait"),
    ("regions", "时限", "What is due when"),
    ("regions/files", "已收文件", "What came"),
    ("reimbursements", "待办与近期", "What waits, and what came lately"),
)
"""Pages to read, with something that stands on each."""
TAB = 9
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


class Office:
    """A served town in which something happened, and who may sign in at its console."""

    def __init__(self, town: ServedTown, channels: Channels, environment: dict[str, str]) -> None:
        self.town = town
        self.url = town.gateway.url
        self._channels = channels
        self._environment = environment
        self._first: dict[str, str] = {}
        self.sold = ""
        self.certificate = ""

    async def hire(self) -> None:
        """One of each role, by the command; the first passwords are to be changed."""
        for name, role in ROLES.items():
            line = ["user", "add", name, "--display-name", f"测试{name}", "--role", role,
                    "--reason", "入职", "--actor", "测试",
                    "--data-dir", str(self.town.data)]  # fmt: skip
            if role == "institution":
                line += ["--institution", population.PHARMACY.code]
            ran = await asyncio.to_thread(settlement, line, self._environment)
            assert ran.returncode == 0, ran.stderr
            self._first[name] = ran.stdout.splitlines()[-1]

    async def do_business(self) -> None:
        """Sales, a cancel, a visit, payments by WeChat, one whose refund is refused, and notices
        that nobody takes."""
        town, pharmacy = self.town, population.PHARMACY
        await set_receiver(
            town.owner, pharmacy.code, Kind.WEBHOOK, (NOWHERE, town.pharmacy.caller.access_key),
            reason="测试", actor="测试", at=system_clock(),
        )  # fmt: skip
        citizen = town.someone()
        self.certificate = citizen.insured.identity.certificate_no
        sold = await town.pharmacy.sell(citizen, some(CLASS_A), some(CLASS_B), some(CLASS_C))
        self.sold = sold.setl_id
        await town.pharmacy.send(town.pharmacy.cancel(sold))
        await town.pharmacy.sell(citizen, some(CLASS_B))
        for _ in range(6):
            await town.other_pharmacy.sell(town.someone(), some(CLASS_A), some(CLASS_C))
        visit = await town.hospital.open_visit(town.someone(), some(CLASS_A), some(CLASS_B))
        await visit.settle(some(CLASS_A), some(CLASS_B))
        for number in range(3):
            await self.pay(f"W{number}")
        for language in ("zh", "en"):
            await self.pay(f"D{language}")
            await self.owe(f"D{language}")

    async def pay(self, order_no: str) -> None:
        """Somebody pays by WeChat."""
        codes = self._channels.wechat.credentials(MCHID)["test_auth_codes"]
        code = codes["ok"]  # type: ignore[index]
        line = {
            "med_list_codg": CLASS_C.item.code, "medins_list_codg": "C900", "cnt": 1,
            "pric": "8.00",
        }  # fmt: skip
        order = {"order_no": order_no, "operator": "1", "pay_code": code, "lines": [line]}
        assert (await self._send("/pay/scan", order))["status"] == "settled"

    async def owe(self, order_no: str) -> None:
        """The sale is taken back, and the channel has no money for it."""
        self._channels.wechat.shop.orders.balance_fen[MCHID] = 0
        refund = {"refund_no": f"R{order_no}", "operator": "1"}
        back = await self._send(f"/pay/{order_no}/refund", refund)
        self._channels.wechat.shop.orders.balance_fen.clear()
        assert back["legs"][0]["status"] == "refund_due", back

    async def _send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = signed(self.town.pharmacy.caller)
        came = await self.town.gateway.post(path, json.dumps(body).encode(), headers)
        told: dict[str, Any] = json.loads(came.body)
        return told

    def first_password(self, name: str) -> str:
        """The one that was handed over; it counts once."""
        return self._first.pop(name, "")

    def password(self, name: str) -> str:
        """The one that is chosen then."""
        return OWN


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A served town after a morning's work; its books are right in the end."""
    await asyncio.to_thread(PICTURES.mkdir, parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("channels")
    environment = chosen_environment(services, database)
    environment[CHANNELS_VARIABLE] = str(folder / "channels.toml")
    async with (
        open_channels(folder, notify_base="") as channels,
        a_served_town(environment) as town,
    ):  # fmt: skip
        office = Office(town, channels, environment)
        await office.hire()
        await office.do_business()
        yield office


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A browser that never complains."""
    async with a_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page
        assert page.complaints == []


@LANGUAGES
async def test_clerk_looks_for_a_case_and_proposes(
    office: Office, page: Page, language: str
) -> None:
    desk = Desk(office, page, "jing", language)
    await desk.enter()
    await desk.picture("today")
    await desk.open("search")
    await desk.picture("search")
    await desk.submit("main form", text=office.sold)
    await desk.picture("found")
    await desk.open(f"settlements/{office.sold}")
    await desk.picture("case")
    assert ("the same to the fen" if language == "en" else "一致") in await desk.text()
    await desk.open("search")
    await desk.submit("form[action$=person]", certificate=office.certificate)
    await desk.picture("person")
    assert office.certificate not in await page.ask("location.href") + await desk.text()
    await desk.open(await refusal(desk, f"RD{language}"))
    await desk.submit("form.column", "button[formaction$=propose]", reason="现金退还，收据已存")
    await desk.picture("proposed")
    await desk.leave()


@LANGUAGES
async def test_supervisor_confirms_and_keeps_the_users(
    office: Office, page: Page, language: str
) -> None:
    desk = Desk(office, page, "fu", language)
    await desk.enter()
    await desk.open(await refusal(desk, f"RD{language}"))
    await desk.picture("to-confirm")
    await desk.submit("form.column", "button[formaction$=confirm]", reason="已核对收据")
    await desk.picture("confirmed")
    assert ("refunded" if language == "en" else "已退款") in await desk.text()
    await desk.open("users")
    await desk.submit(
        "form[action$=add]", name=f"neu-{language}", display_name="测试新人", reason="入职"
    )
    await desk.picture("users")
    await desk.open("second-factor")
    await desk.picture("second-factor")
    await desk.leave()


@LANGUAGES
async def test_finance_brings_a_file_of_money_and_another_person_books_it(
    office: Office, page: Page, language: str, tmp_path: Path
) -> None:
    month = f"{local_time(system_clock()):%Y-%m}"
    person = office.town.someone().insured.person_no
    file = tmp_path / f"划拨-{language}.csv"
    file.write_text(f"人员编号,金额,来源,凭证号\n{person},120.50,个人缴费划入,{language}\n")
    desk = Desk(office, page, "jing", language)
    await desk.enter()
    await desk.open("money")
    await desk.choose("input[name=file]", file)
    await desk.submit("main form", subject="accounts", month=month)
    await desk.picture("money-preview")
    assert "120.50" in await desk.text()
    await desk.submit("form[action$=propose]", reason="月度划拨")
    await desk.picture("money-proposed")
    await desk.open("money")
    await desk.picture("money")
    await desk.open("money/interest")
    await desk.submit("#compute", reason="年度计息", year="2024", rate="1.5")
    await page.wait_for("!document.querySelector('[data-live] progress')")
    await desk.picture("money-interest-computed")
    await desk.open("money/interest")
    await desk.picture("money-interest")
    assert "interest-2024.csv" in await desk.text()
    await desk.leave()
    chief = Desk(office, page, "fu", language)
    await chief.enter()
    await chief.open("money")
    await chief.open(await newest(chief))
    await chief.picture("money-to-confirm")
    await chief.submit("form.column", "button[formaction$=confirm]", reason="已核对合计")
    await chief.picture("money-booked")
    assert ("all booked" if language == "en" else "全部入账") in await chief.text()
    await chief.open(f"close/{month}")
    await chief.picture("month-close")
    await chief.open("payouts")
    await chief.picture("payouts")
    await chief.leave()


@LANGUAGES
async def test_bill_that_did_not_come_is_brought_by_hand(
    office: Office, page: Page, language: str, tmp_path: Path
) -> None:
    yesterday = local_time(system_clock()).date() - timedelta(days=1)
    total = "14.34" if language == "zh" else "15.34"
    content = wechat_bill(yesterday, "12.34", f"{int(total[:2]) - 12}.00", merchant=MCHID)
    whole, cut = tmp_path / f"账单-{language}.csv", tmp_path / "cut.csv"
    whole.write_bytes(content)
    cut.write_bytes(content[:-40])
    desk = Desk(office, page, "jing", language)
    await desk.enter()
    for file, what in ((cut, "refused"), (whole, "checked")):
        await desk.open("bills")
        await desk.choose("#bring input[name=file]", file)
        await desk.submit("#bring")
        await desk.picture(f"bill-{what}")
    await desk.submit("#take", reason="渠道重发")
    await desk.picture("bill-taken")
    said = f"2 paid {total}" if language == "en" else f"收 2 笔 {total}"
    assert said in await desk.text()
    await desk.leave()


@LANGUAGES
async def test_file_of_an_institution_is_brought_and_compared(
    office: Office, page: Page, language: str, tmp_path: Path
) -> None:
    """In Chinese it lacks the second line and has another amount in the first; in English it is the
    corrected one, which takes its place."""
    today, own = local_time(system_clock()).date(), population.PHARMACY.code
    rows = await office.town.owner.fetch(
        "select s.setl_id, s.total_fen, s.fund_fen, s.account_fen, s.kind"
        " from settlement.settlement s where s.institution = $1 order by s.setl_id", own,
    )  # fmt: skip
    lines = [
        ",".join([
            str(row["setl_id"]), yuan_text(row["total_fen"]), yuan_text(row["fund_fen"]),
            yuan_text(row["account_fen"]), str(int(row["kind"] == RowKind.CANCEL)),
        ])
        for row in rows
    ]  # fmt: skip
    if language == "zh":
        lines = [lines[0].replace(".", "1.", 1), *lines[2:]]
    file = tmp_path / f"机构-{language}.csv"
    file.write_text("\n".join(["结算ID,医疗费总额,基金支付总额,个人账户支出,退费结算标志", *lines]))
    desk = Desk(office, page, "jing", language)
    await desk.enter()
    await desk.open("institution-files")
    await desk.choose("#bring input[name=file]", file)
    await desk.submit("#bring", institution=own, first=f"{today}", last=f"{today}")
    await desk.picture("institution-file-checked")
    await desk.submit("#take", reason="机构对账")
    await desk.picture("institution-file-taken")
    said = "the sums explain each other" if language == "en" else "由相符与各类差异完全说明"
    assert said in await desk.text()
    await desk.open("differences?channel=institution")
    await desk.picture("institution-differences")
    await desk.leave()


@LANGUAGES
async def test_papers_that_a_person_brings_are_reimbursed_by_two_people(
    office: Office, page: Page, language: str, tmp_path: Path
) -> None:
    desk = Desk(office, page, "jing", language)
    await desk.enter()
    await desk.open("reimbursements")
    await desk.choose("#accept input[name=file]", papers(office, language, tmp_path))
    await desk.submit("#accept", reason="窗口受理")
    await desk.picture("reimbursements")
    await desk.open(await newest(desk))
    await desk.submit("#act", reason="核算")
    await desk.picture("reimbursement-calculated")
    await desk.leave()
    chief = Desk(office, page, "fu", language)
    await chief.enter()
    await chief.open("reimbursements?state=calculated")
    await chief.open(await newest(chief))
    await chief.picture("reimbursement-to-confirm")
    await chief.submit("#act", "button[formaction$=confirm]", reason="已核对发票原件")
    await chief.submit("#act", "button[formaction$=propose]", reason="十一月报销款")
    await chief.picture("reimbursement-proposed")
    await chief.leave()
    await desk.enter()
    await desk.open("reimbursements?state=settled")
    await desk.open(await newest(desk))
    assert await page.ask("document.querySelector('#act button[formaction$=order]')") is None
    await page.command("Emulation.setEmulatedMedia", media="print")
    await desk.picture("reimbursement-printed")
    await page.command("Emulation.setEmulatedMedia", media="")
    await desk.leave()


def papers(office: Office, language: str, folder: Path) -> Path:
    """A file of one invoice that somebody brings."""
    whom, day = office.town.someone().insured, f"{local_time(system_clock()):%Y-%m-%d}"
    row = {
        "人员编号": whom.person_no, "姓名": whom.identity.name,
        "机构编码": population.HOSPITAL.code, "发票号码": f"4419{language.upper()}", "险种": "310",
        "医疗类别": "11", "就诊或入院日期": day, "就诊结束或出院日期": day, "发票金额": "50.00",
        "户名": "测试甲", "银行账号": "9999000055556666", "开户行": "测试银行",
        "医疗目录编码": CLASS_A.item.code, "费用发生日期": day, "数量": "4", "单价": "12.50",
        "明细金额": "50.00",
    }  # fmt: skip
    file = folder / f"材料-{language}.csv"
    file.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    return file


async def newest(desk: Desk) -> str:
    """The page of the file of money that came last."""
    href = await desk.page.ask(
        "document.querySelector('tbody a').getAttribute('href')"
    )
    return str(href).removeprefix("/console/")


@LANGUAGES
async def test_operator_stops_an_institution_and_sends_a_notice_again(
    office: Office, page: Page, language: str
) -> None:
    desk = Desk(office, page, "yun", language)
    await desk.enter()
    await desk.open("switches")
    order = {"kind": "institution", "subject": population.OTHER_HOSPITAL.code, "reason": "飞行检查"}
    await desk.submit("main form.row", **order)
    await desk.picture("switch-step-two")
    await desk.submit("form.choices")
    await desk.picture("switched")
    await desk.submit("td form", reason="检查结束")
    await desk.submit("form.choices")
    await desk.open("doubt")
    await desk.picture("doubt")
    await desk.submit("td form", reason="地址已修复")
    assert ("sent again" if language == "en" else "将立即重发") in await desk.text()
    await desk.open("institutions")
    await desk.picture("institutions")
    await desk.leave()


@LANGUAGES
async def test_auditor_reads_what_the_others_did(
    office: Office, page: Page, language: str
) -> None:
    desk = Desk(office, page, "shen", language)
    await desk.enter()
    await desk.open("audit?actor=jing")
    await desk.picture("audit")
    assert office.sold in await desk.text()
    for path, zh, en in READING:
        await desk.open(path)
        await desk.picture(re.sub(r"\W+", "-", path))
        assert (en if language == "en" else zh) in await desk.text(), path
    await desk.open("users")
    assert await page.ask("document.querySelectorAll('main form').length") == 0
    await desk.open("switches")
    assert await page.ask("document.querySelectorAll('main form').length") == 0
    await desk.leave()


@LANGUAGES
async def test_finance_of_an_institution_sees_its_own(
    office: Office, page: Page, language: str
) -> None:
    desk = Desk(office, page, "ji", language)
    await desk.enter()
    await desk.picture("today")
    await desk.open("search")
    await desk.submit("main form", text=office.sold)
    assert office.sold in await desk.text()
    await desk.open("institutions")
    text = await desk.text()
    assert population.PHARMACY.code in text and population.HOSPITAL.code not in text
    await read_the_month(desk, f"{local_time(system_clock()):%Y-%m}")
    await print_a_sheet(desk, language)
    await desk.leave()


async def read_the_month(desk: Desk, month: str) -> None:
    """The statement of one's own institution, and its files as the page's links fetch them."""
    await desk.open(f"statements?month={month}")
    await desk.picture("statement")
    links = await desk.page.ask("[...document.querySelectorAll('a[download]')].map(a => a.href)")
    assert len(links) == 3
    for link, begins in zip(links, ("504b0304", "efbbbf", "25504446"), strict=True):
        first = await desk.page.ask(
            f"fetch({json.dumps(link)}).then(r => r.arrayBuffer()).then(b => "
            "[...new Uint8Array(b).slice(0, 4)].map(n => n.toString(16).padStart(2, '0')).join(''))"
        )
        assert str(first).startswith(begins), link


async def print_a_sheet(desk: Desk, language: str) -> None:
    """A settlement's sheet: looked at, printed, printed again, and its code checked."""
    number = desk.office.sold
    await desk.open(f"settlements/{number}/sheet")
    assert ("preview" if language == "en" else "预览") in await desk.text()
    await desk.picture("sheet-preview")
    await desk.submit("#print")
    await desk.submit("#print")
    assert ("a reprint" if language == "en" else "补打") in await desk.text()
    await desk.picture("sheet")
    await desk.page.command("Emulation.setEmulatedMedia", media="print")
    await desk.picture("sheet-on-paper")
    await desk.page.command("Emulation.setEmulatedMedia", media="")
    code = await desk.page.ask("document.querySelector('code.big').textContent")
    await desk.open("sheet-check")
    await desk.submit("main form", number=number, mark=str(code))
    await desk.picture("sheet-check")
    assert ("is right" if language == "en" else "相符") in await desk.text()


async def test_figures_come_anew_without_the_page(office: Office, page: Page) -> None:
    desk = Desk(office, page, "jing", "zh")
    await desk.enter()
    count = int(re.sub(r"\D", "", str(await page.ask(FIRST_FIGURE))))
    await page.ask("window.same = document.querySelector('dd')")
    await office.town.pharmacy.sell(office.town.someone(), some(CLASS_A))

    async def is_counted() -> bool:
        shown = re.sub(r"\D", "", str(await page.ask(FIRST_FIGURE)))
        return int(shown) == count + 1

    await until(is_counted)
    assert await page.ask("window.same.isConnected"), "the page was made anew"
    await desk.leave()


async def test_everything_can_be_reached_by_keyboard(office: Office, page: Page) -> None:
    desk = Desk(office, page, "jing", "zh")
    await desk.enter()
    await page.press("Tab", TAB)
    assert await page.ask("document.activeElement.className") == "skip"
    seen = set()
    for _ in range(12):
        await page.press("Tab", TAB)
        seen.add(await page.ask("document.activeElement.getAttribute('href') ?? ''"))
        width = await page.ask("getComputedStyle(document.activeElement).outlineWidth")
        assert width == "3px", "nobody sees where the keyboard is"
    assert {"/console/", "/console/doubt", "/console/search", "/console/institutions"} <= seen
    await desk.leave()


async def test_pages_fit_a_narrow_screen_and_paper(office: Office, page: Page) -> None:
    desk = Desk(office, page, "jing", "zh")
    await desk.enter()
    reading = [path for path, _, _ in READING]
    for path in (
        "", "doubt", "search", "differences", f"settlements/{office.sold}", "money",
        "money/interest", *reading,
    ):  # fmt: skip
        await page.open(f"{office.url}/console/{path}", width=NARROW)
        assert await page.ask("document.documentElement.scrollWidth") <= NARROW, path
    await desk.picture("case-narrow")
    await page.command("Emulation.setEmulatedMedia", media="print")
    await page.open(f"{office.url}/console/settlements/{office.sold}")
    await desk.picture("case-printed")
    hidden = "getComputedStyle(document.querySelector('.top')).display"
    assert await page.ask(hidden) == "none"
    await page.command("Emulation.setEmulatedMedia", media="")
    await desk.open("")
    await desk.leave()


FIRST_FIGURE = "document.querySelector('dd').firstChild.textContent"


async def refusal(desk: Desk, refund_no: str) -> str:
    """The page of the refund that its channel refused, found on the worklist."""
    await desk.open("doubt")
    href = await desk.page.ask(
        "[...document.querySelectorAll('tbody tr')].find(row => row.innerText.includes("
        f"{json.dumps(refund_no)})).querySelector('a').getAttribute('href')"
    )
    return str(href).removeprefix("/console/")


