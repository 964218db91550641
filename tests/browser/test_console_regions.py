"""A month with another region in a real browser, from its statements to zero, by two people; then
everything once more in English. What it looks like is kept in build/console/."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from ledger.money import yuan_text
from protocol.hub.clearing import ClearingRow, DayList
from settlement.console.rights import Role
from settlement.elsewhere.regional_statements import make_statement
from settlement.serve import regional_reconciling as reconciling
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.who import Who
from tests.integration.web.echo_gateway import EchoGateway
from tests.kit import population
from tests.kit.browser import Page, a_browser, browser_path
from tests.kit.console import NAMES, SOCKET, Office, an_office
from tests.kit.console_desk import PICTURES, Desk
from tests.kit.payouts import assert_good
from tests.kit.population import CLASS_A, REGION, some
from tests.kit.regions import (
    CHANGSHA,
    HUNAN,
    KitLeg,
    an_operator,
    region_balances,
    treated_here,
    treated_there,
)
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(browser_path() is None, reason="there is no chromium: apt install chromium"),
]

CLERK, CHIEF = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]
DAY = date(2026, 12, 7)
NARROW = 390
MONTH = f"regions/{DAY:%Y-%m}/{HUNAN}"


class House:
    """A console that a browser reaches, and what happened between the regions."""

    def __init__(self, office: Office, url: str, here: list[KitLeg], there: list[KitLeg]) -> None:
        self.office = office
        self.url = url
        self.here = here
        self.there = there

    def first_password(self, name: str) -> str:
        """Nobody has to change it."""
        return ""

    def password(self, name: str) -> str:
        """Of somebody."""
        return self.office.passwords[name]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(database: FreshDatabase) -> AsyncIterator[House]:
    """January, over a December with people from and in Changsha; of one day something differs."""
    await asyncio.to_thread(PICTURES.mkdir, parents=True, exist_ok=True)
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            town.clock.move_to(datetime(DAY.year, DAY.month, DAY.day, 9, 0))
            here, there = [], []
            for _ in range(3):
                sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
                here.append(await treated_here(town, sold.setl_id, CHANGSHA))
                there.append(await treated_there(town, CHANGSHA))
            town.clock.move_to(datetime(2027, 1, 8, 9, 0))
            await compare(office)
            server = WebServer(
                EchoGateway(), Board(directory, "test"),
                WebSettings(console_socket=directory / SOCKET),
            )  # fmt: skip
            listener = listen("127.0.0.1", 0)
            await server.start(listener)
            try:
                yield House(
                    office, f"http://127.0.0.1:{listener.getsockname()[1]}", here, there
                )
            finally:
                await server.stop(5.0)


async def compare(office: Office) -> None:
    """Changsha has nothing of that day."""
    nothing = DayList(told_by=CHANGSHA, treated=REGION, insured=CHANGSHA, day=DAY, rows=())
    books = await an_operator(office.town)
    told = reconciling.read_lists(books, DAY, {"day.json": msgspec.json.encode(nothing)})
    assert isinstance(told, reconciling.Told)
    who = Who(actor="测试", reason="日对账")
    assert_good(await reconciling.reconcile(books, told, who))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A browser that never complains."""
    async with a_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page
        assert page.complaints == []


def statement(house: House, folder: Path) -> Path:
    """What Changsha claims, as a file."""
    rows = [
        ClearingRow(
            case_no=leg.case_no, reversal=False, insured_region=REGION,
            institution="H99999900001", clearing_type="21", scheme="310",
            settled_on=leg.settled_on, total_fen=leg.total_fen, fund_fen=leg.fund_fen,
            account_fen=leg.account_fen,
        )
        for leg in house.there
    ]  # fmt: skip
    told = make_statement(
        rows, statement_no=f"{CHANGSHA}-440000-202612", month=DAY.replace(day=1),
        creditor=CHANGSHA, debtor="440000",
        stated_at=datetime.fromisoformat("2027-01-06T09:00:00+08:00"),
    )  # fmt: skip
    path = folder / "changsha.json"
    path.write_bytes(msgspec.json.encode(told))
    return path


async def test_month_is_worked_from_its_statements_to_zero(
    house: House, page: Page, tmp_path: Path
) -> None:
    clerk = Desk(house, page, CLERK, "zh")
    await clerk.enter()
    await state_and_take(clerk, statement(house, tmp_path))
    await dispute(clerk, house.there[1].case_no)
    await clerk.open(f"{MONTH}/receivable")
    await clerk.submit("#confirm", reason="核对无误")
    await clerk.submit("#send", reason="月度清算")
    sums = {"receivable": house.here, "payable": house.there}
    for side, legs in sums.items():
        await clerk.open(f"{MONTH}/{side}")
        amount = yuan_text(sum(leg.owed_fen for leg in legs))
        await clerk.submit("#notify", notice=f"T2026-12-{side}", amount=amount, reason="收到通知")
        await clerk.submit("#money", voucher=f"B-{side}", reason="银行已付")
    await clerk.picture("region-money-proposed")
    await clerk.open("regions/prepayments")
    await clerk.submit("#money", amount="5000", voucher="B-prepaid", reason="年初拨付")
    await clerk.open(f"regions/days/{DAY}/{CHANGSHA}/receivable")
    await page.ask("document.querySelector('[form=end]').click()")
    await clerk.submit("#end", reason="对方次日补记")
    await clerk.leave()
    chief = Desk(house, page, CHIEF, "zh")
    await chief.enter()
    await confirm_all(chief, sums)
    await chief.leave()
    assert await region_balances(house.office.town, CHANGSHA) == {}


async def state_and_take(clerk: Desk, file: Path) -> None:
    """What is owed to us is tried, then stated; what they claim is looked at, then taken."""
    await clerk.open("regions")
    await clerk.submit("#state", "button[formaction$=try]")
    await clerk.picture("region-tried")
    assert "可申报 3 笔" in await clerk.text()
    await clerk.submit("#state", "button:not([formaction])", reason="月度清算")
    await clerk.choose("#bring input[name=file]", file)
    await clerk.submit("#bring")
    await clerk.picture("region-checked")
    await clerk.submit("#take", reason="收表")
    await clerk.picture("regions-stated")


async def dispute(clerk: Desk, case: str) -> None:
    """A row is disputed by its box, and stands again; then all are confirmed."""
    await clerk.open(f"{MONTH}/payable")
    await clerk.picture("region-stated")
    box = f"document.querySelector('[name=\"case {case}\"]')"
    await clerk.page.ask(f"{box}.focus()")
    await clerk.page.press(" ", 32)
    assert await clerk.page.ask(f"{box}.checked"), "by the keyboard"
    await clerk.submit("#mark", reason="病历待查")
    await clerk.picture("region-objected")
    assert await clerk.page.ask("!document.querySelector('#confirm')")
    await clerk.page.ask(f"{box}.click()")
    await clerk.submit("#mark", "button[formaction$=withdraw]", reason="病历已补")
    await clerk.submit("#confirm", reason="核对无误")
    await clerk.picture("region-confirmed")


async def confirm_all(chief: Desk, sums: dict[str, list[KitLeg]]) -> None:
    """The other person books the money, closes, books the prepayment and ends the difference."""
    for side in sums:
        await chief.open(f"{MONTH}/{side}")
        if side == "payable":
            await chief.picture("region-to-book")
        await chief.submit(
            "#money", "button[formaction$=settle]", voucher=f"B-{side}", reason="核对凭证"
        )
        await chief.submit("#close", reason="本月办结")
        assert "已关闭" in await chief.text()
    await chief.picture("region-closed")
    await chief.page.command("Emulation.setEmulatedMedia", media="print")
    await chief.picture("region-printed")
    await chief.page.command("Emulation.setEmulatedMedia", media="")
    await chief.open("regions/prepayments")
    await chief.picture("region-prepaid-to-book")
    await chief.submit("form[action$=confirm]", voucher="B-prepaid", reason="核对凭证")
    assert "现有 5000.00 元" in await chief.text()
    await chief.open(f"regions/days/{DAY}/{CHANGSHA}/receivable")
    await chief.page.ask("document.querySelector('[form=end]').click()")
    await chief.picture("region-day")
    await chief.submit("#end", "button[formaction$=confirm]", reason="已核对")
    await chief.picture("region-day-ended")
    await chief.open("differences")
    await chief.picture("region-differences")


async def test_everything_is_there_in_english(house: House, page: Page) -> None:
    desk = Desk(house, page, CHIEF, "en")
    await desk.enter()
    for path, what, words in (
        ("regions?month=2026-12", "regions", "State what is owed to us"),
        (f"{MONTH}/payable", "region-closed", "It is closed."),
        ("regions/prepayments", "region-prepaid", "Fix the quota of a year"),
        (f"regions/days/{DAY}/{CHANGSHA}/receivable", "region-day", "Propose to end"),
    ):
        await desk.open(path)
        await desk.picture(what)
        assert words in await desk.text(), path
        await page.open(f"{house.url}/console/{path}", width=NARROW)
        assert await page.ask("document.documentElement.scrollWidth") <= NARROW, path
        await desk.picture(f"{what}-narrow")
    await desk.open("")
    await desk.leave()


async def test_institution_is_chosen_by_a_part_of_its_name(house: House, page: Page) -> None:
    desk = Desk(house, page, CHIEF, "zh")
    await desk.enter()
    await desk.open("statements")
    one = population.PHARMACY
    await page.ask("document.querySelector('[name=institution]').focus()")
    await page.command("Input.insertText", text=one.name[1:5])
    await page.wait_for("document.querySelector('datalist')?.options.length")
    offered = await page.ask("[...document.querySelector('datalist').options].map(o => o.value)")
    assert one.code in offered
    await page.ask("document.querySelector('[name=institution]').value = ''")
    await page.command("Input.insertText", text=one.name)
    await desk.submit("main form", month="2026-12")
    assert one.code in await page.ask("document.querySelector('[name=institution]').value")
    await desk.leave()
