"""`/my/` on a telephone: a person sees, files, cancels and is told why not, without a script."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.people.matter_states import Happening
from tests.kit.browser import Page, a_browser, browser_path
from tests.kit.citizen_app import KEY, CitizenApp, a_city_app, until_known
from tests.kit.clerks import Office
from tests.kit.payouts import assert_good
from tests.kit.population import CLASS_A, DEAR, UNLISTED, Citizen, some
from tests.kit.reimbursing import Counter
from tests.kit.served import ROOT
from tests.kit.town import Town, a_town
from tests.kit.waiting import until
from tests.services import FreshDatabase

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(browser_path() is None, reason="there is no chromium: apt install chromium"),
]

TELEPHONE, HEIGHT = 360, 740
PICTURES = Path(os.environ.get("MY_PAGE_PICTURES") or ROOT / "build" / "my")
"""Where the pages are painted, to be looked at."""
PAGES = ("/my/", "/my/filings", "/my/filings/new", "/my/settlements", "/my/account", "/my/people",
         "/my/reimbursements")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A browser that never complains."""
    async with a_browser(tmp_path_factory.mktemp("browser")) as page:
        yield page
        assert page.complaints == []


async def enter(page: Page, app: CitizenApp, who: Citizen) -> None:
    """The app sends somebody here with a ticket."""
    await page.command("Network.clearBrowserCookies")
    await page.open(f"{app.url}/my/?ticket={app.token(who)}", width=TELEPHONE, height=HEIGHT)
    await page.wait_for("document.querySelector('h1')?.textContent === '我的医保'")


async def go(page: Page, app: CitizenApp, path: str) -> str:
    """A page of ours; its heading."""
    await page.open(f"{app.url}{path}", width=TELEPHONE, height=HEIGHT)
    return str(await page.ask("document.querySelector('h1').textContent"))


async def text(page: Page) -> str:
    return str(await page.ask("document.querySelector('main').innerText"))


async def submit(page: Page, heading: str) -> None:
    """The form is sent, and the next page is there."""
    await page.ask("document.body.dataset.old = 'yes'; document.forms[0].requestSubmit()")
    await page.wait_for(
        "document.body && !document.body.dataset.old"
        f" && document.querySelector('h1')?.textContent === '{heading}'"
    )


async def choose(page: Page, values: dict[str, str]) -> None:
    """Somebody fills in a form."""
    for name, value in values.items():
        await page.ask(
            f"{{ const all = document.getElementsByName('{name}');"
            f" const one = [...all].find(each => each.value === '{value}');"
            f" if (one?.type === 'radio') one.checked = true; else all[0].value = '{value}'; }}"
        )


async def paint(page: Page, name: str) -> None:
    """For who wants to look."""
    height = await page.ask("document.documentElement.scrollHeight")
    shot = await page.command(
        "Page.captureScreenshot", captureBeyondViewport=True,
        clip={"x": 0, "y": 0, "width": TELEPHONE, "height": height, "scale": 2},
    )  # fmt: skip
    picture = PICTURES / f"{name}.png"
    await asyncio.to_thread(PICTURES.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(picture.write_bytes, base64.b64decode(shot["data"]))


async def test_person_sees_balance_settlements_and_how_every_fen_came_about(
    town: Town, app: CitizenApp, page: Page
) -> None:
    who = town.someone()
    settled = await town.pharmacy.sell(who, some(CLASS_A, 4), some(UNLISTED))
    gone = await town.pharmacy.sell(who, some(DEAR))
    await town.pharmacy.send(town.pharmacy.cancel(gone))
    await enter(page, app, who)
    balance = f"{await town.balance_fen(who) / 100:,.2f}"
    assert balance in await text(page)
    assert "ticket" not in await page.ask("location.href")
    await paint(page, "home")
    assert await go(page, app, "/my/settlements") == "结算记录"
    assert "已撤销" in await text(page)
    await paint(page, "settlements")
    await go(page, app, f"/my/settlements/{settled.setl_id}")
    shown = await text(page)
    assert "每一分钱都一致" in shown and str(settled.money("medfee_sumamt")) in shown
    await paint(page, "settlement")
    await go(page, app, "/my/account")
    assert "账户收支" in await text(page)
    await paint(page, "account")


async def test_person_files_care_outside_and_takes_it_back(
    town: Town, app: CitizenApp, page: Page
) -> None:
    who = town.someone()
    await enter(page, app, who)
    await go(page, app, "/my/filings/new")
    await paint(page, "filing_form")
    await choose(page, {"kind": "other", "province": "440000", "reason": "探亲"})
    await submit(page, "申请异地就医备案")
    why = await page.ask("document.querySelector('[role=alert]').textContent")
    assert "不需要异地备案" in why
    assert await page.ask("document.getElementsByName('reason')[0].value") == "探亲"
    await paint(page, "filing_refused")
    await choose(page, {"province": "510000"})
    await submit(page, "异地就医备案")
    assert "已生效" in await text(page) and "四川省" in await text(page)
    await paint(page, "matter")
    await page.ask("document.querySelector('details').open = true")
    await submit(page, "异地就医备案")
    assert "已撤销" in await text(page)
    assert "已撤销" in (await go(page, app, "/my/filings")) + await text(page)
    await paint(page, "filings")


async def test_relative_acts_and_the_page_says_for_whom(
    town: Town, app: CitizenApp, page: Page
) -> None:
    who, agent = town.people(2)
    await app.authorise(who, agent)
    await enter(page, app, agent)
    await go(page, app, "/my/people")
    await paint(page, "people")
    await go(page, app, f"/my/filings/new?for={who.number}")
    assert "代办" in await page.ask("document.querySelector('.acting').textContent")
    await choose(page, {"kind": "resident", "province": "430000"})
    await submit(page, "异地就医备案")
    assert "不能自行撤销" in await text(page)
    await paint(page, "matter_locked")
    [filed] = (await app.get(who, "filings")).said["matters"]
    assert filed["steps"][0]["by_no"] == agent.number
    assert await go(page, app, f"/my/account?for={town.someone().number}") == "无法显示"


async def test_papers_are_told_and_followed_to_the_counter(
    town: Town, app: CitizenApp, page: Page
) -> None:
    who, counter = town.someone(), Counter(town)
    on = town.clock.local.date() - timedelta(days=3)
    facts = {
        "institution": "H44190099999", "invoice_no": "99112255", "total": "8000",
        "begins_on": f"{on - timedelta(days=2)}", "ends_on": f"{on}", "phone": "10000000005",
    }  # fmt: skip
    await enter(page, app, who)
    assert await go(page, app, "/my/reimbursements") == "手工报销"
    await choose(page, facts)
    await submit(page, "手工报销")
    assert "H44190099999" in await text(page), "why not"
    kept = await page.ask("document.getElementsByName('invoice_no')[0].value")
    assert kept == facts["invoice_no"], "what was written is there"
    await paint(page, "papers-refused")
    await choose(page, {"institution": town.hospital.code})
    await submit(page, "医疗费报销预受理")
    receipt = int(str(await page.ask("location.pathname")).rsplit("/", 1)[1])
    shown = await text(page)
    assert "待办理" in shown and "就医日期" in shown and "有效期" not in shown
    await go(page, app, "/my/reimbursements")
    assert f"…{str(receipt)[-6:]}" in await text(page)
    brought = counter.papers(who, DEAR, nights=2, invoice_no="99112255")
    number = int(assert_good(await counter.accept(brought, matter_no=receipt)).text[:19])
    assert_good(await counter.calculate(number))
    assert_good(await counter.confirm(number))
    await go(page, app, "/my/reimbursements")
    shown = await text(page)
    assert "已复核" in shown and "6480.00" in shown
    assert f"…{str(receipt)[-6:]}" not in shown, "once, where it is now"
    await paint(page, "papers")
    await page.ask("document.querySelector('a[href*=settlements]').click()")
    await page.wait_for("document.querySelector('h1')?.textContent === '这笔费用怎么算'")


async def test_account_and_its_transfer(town: Town, app: CitizenApp, page: Page) -> None:
    who, office = town.someone(), Office(town)
    number = await office.bring_in(who)
    await office.book(number, Happening.PAID, 45_678, "LX-9", months=50)
    await enter(page, app, who)
    await go(page, app, "/my/account")
    assert "个人账户转入" in await text(page)
    await page.ask("document.querySelector('details').open = true")
    await choose(page, {"direction": "out", "province": "420000"})
    await submit(page, "个人账户转出")
    await paint(page, "transfer")


@pytest.mark.parametrize("path", PAGES)
async def test_page_fits_a_telephone_and_a_keyboard(
    town: Town, app: CitizenApp, page: Page, path: str
) -> None:
    await enter(page, app, town.borrowed())
    await go(page, app, path)
    assert await page.ask("document.documentElement.scrollWidth") <= TELEPHONE
    assert await page.ask("document.scripts.length") == 0
    assert await page.ask("document.documentElement.lang") == "zh-CN"
    foreign = "[...document.querySelectorAll('[src],link[href]')].filter(one => new URL(one.src"
    assert await page.ask(f"{foreign} || one.href).host !== location.host).length") == 0
    unnamed = (
        "[...document.querySelectorAll('input:not([type=hidden]),select')]"
        ".filter(one => !one.labels.length).length"
    )
    assert await page.ask(unnamed) == 0
    small = (
        "[...document.querySelectorAll('main button, main .button, main .way, main input:not("
        "[type=hidden]):not([type=radio]), main select, nav a')].filter(one => one.offsetParent"
        " && one.getBoundingClientRect().height < 44).length"
    )
    assert await page.ask(small) == 0
    for _ in range(2):
        await page.command("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab")
    assert await page.ask("document.activeElement !== document.body")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_stand_out_from_what_is_behind_them(
    town: Town, app: CitizenApp, page: Page, scheme: str
) -> None:
    """WCAG AA: 4.5 to 1 for text, of everything on the page that has any."""
    await enter(page, app, town.borrowed())
    await page.command(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    await go(page, app, "/my/")
    ratio, where = await page.ask(_WEAKEST)
    assert ratio >= 4.5, where
    await paint(page, f"home_{scheme}")
    await page.command("Emulation.setEmulatedMedia", features=[])


async def test_session_is_kept_from_scripts_and_ends_with_its_app(
    town: Town, app: CitizenApp, page: Page
) -> None:
    await enter(page, app, town.borrowed())
    assert await page.ask("document.cookie") == ""
    await town.switch("credential", KEY, on=True)

    async def ended() -> bool:
        return await go(page, app, "/my/") == "无法显示"

    await until(ended)
    await town.switch("credential", KEY, on=False)
    await until_known(app, town.borrowed())


_WEAKEST = """
(() => {
  const parse = text => { const p = text.match(/[\\d.]+/g).map(Number);
    return {rgb: p.slice(0, 3), a: p.length > 3 ? p[3] : 1}; };
  const light = rgb => { const c = rgb.map(v => v / 255).map(v => v <= .03928 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4); return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]; };
  const behind = one => { for (let at = one; at; at = at.parentElement) {
    const found = parse(getComputedStyle(at).backgroundColor);
    if (found.a > .99) return found.rgb; } return [255, 255, 255]; };
  let weakest = [21, ''];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !one.offsetParent) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color).rgb), light(behind(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < weakest[0]) weakest = [ratio, one.outerHTML];
  }
  return weakest;
})()
"""
