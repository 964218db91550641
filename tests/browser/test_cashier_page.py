"""`/cashier/…` on a telephone, in WeChat, Alipay, 云闪付 and elsewhere: a payer sees what is to be
paid, pays, and sees it paid.

WeChat's own window is the test: the page hands it a call, and is told what the payer did. Alipay's
and 云闪付's are the pages of the simulated channels.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import convert

from protocol.scan import PhoneCall, ScanReply
from tests.kit import population
from tests.kit.browser import Page, a_browser, browser_path
from tests.kit.phone import Phones, PhoneScanner, phones_of
from tests.kit.population import DEAR
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(browser_path() is None, reason="there is no chromium: apt install chromium"),
]

TELEPHONE, HEIGHT = 360, 740
PICTURES = os.environ.get("CASHIER_PAGE_PICTURES", "")
"""Where somebody who wants to look at the pages has them painted."""
WECHAT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 MicroMessenger/8.0.50"
IN_ALIPAY = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 AlipayClient/10.6.60"
IN_UNIONPAY = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (UnionPay/1.0 CloudPay)"
ELSEWHERE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130"
BRIDGE = """
window.WeixinJSBridge = { invoke(name, call, heard) { window.asked = { name, call, heard }; } };
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PhoneScanner]:
    """A till whose payers have phones."""
    async with phones_of(town, tmp_path_factory.mktemp("phones")) as phones:
        counter = PhoneScanner(population.PHARMACY, phones.service)
        counter.phones = phones
        yield counter


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """A browser that never complains; WeChat's when told so."""
    async with a_browser(tmp_path_factory.mktemp("browser")) as page:
        await page.command("Page.enable")
        await page.command("Page.addScriptToEvaluateOnNewDocument", source=BRIDGE)
        yield page
        assert page.complaints == []


async def opened(page: Page, order: ScanReply, *, agent: str = WECHAT) -> None:
    """The payer scans the code at the counter."""
    await page.command("Network.setUserAgentOverride", userAgent=agent)
    await page.open(str(order.cashier_url), width=TELEPHONE, height=HEIGHT)
    await page.wait_for("!document.getElementById('main').hidden")


async def invited(town: Town, counter: PhoneScanner) -> ScanReply:
    return await counter.scan(counter.order(town.someone(), DEAR, 3, pay_on_phone=True))


async def text(page: Page) -> str:
    return str(await page.ask("document.querySelector('main').innerText"))


async def taps(page: Page) -> PhoneCall:
    """The payer taps, is recognised, and WeChat is asked to open the order."""
    await page.ask("window.asked = undefined; document.querySelector('#ways button').click()")
    await page.wait_for("window.asked?.name === 'getBrandWCPayRequest'")
    told = json.loads(str(await page.ask("JSON.stringify(window.asked.call)")))
    return convert(told, PhoneCall)


async def hears(page: Page, said: str) -> None:
    await page.ask(f"window.asked.heard({{err_msg: 'get_brand_wcpay_request:{said}'}}); 1")


async def paint(page: Page, name: str) -> None:
    """For who wants to look."""
    if not PICTURES:
        return
    height = await page.ask("document.documentElement.scrollHeight")
    shot = await page.command(
        "Page.captureScreenshot", captureBeyondViewport=True,
        clip={"x": 0, "y": 0, "width": TELEPHONE, "height": height, "scale": 2},
    )  # fmt: skip
    picture = Path(PICTURES, f"{name}.png")
    await asyncio.to_thread(picture.write_bytes, base64.b64decode(shot["data"]))


async def test_payer_cancels_pays_and_sees_that_it_is_paid(
    town: Town, counter: PhoneScanner, page: Page
) -> None:
    phones: Phones = counter.phones
    order = await invited(town, counter)
    await opened(page, order)
    shown = await text(page)
    assert order.split and order.split.psn_cash_pay in shown
    assert "医保基金支付" in shown and "待支付" in shown and "本次应付" in shown
    await paint(page, "choose")
    call = await taps(page)
    assert "code=" not in str(await page.ask("location.href"))
    await hears(page, await phones.done(call, "cancel"))
    await page.wait_for("document.querySelector('main').innerText.includes('您已取消支付')")
    await paint(page, "cancelled")
    again = await taps(page)
    assert again.package == call.package
    await hears(page, await phones.done(again))
    await page.wait_for("document.querySelector('main').innerText.includes('支付成功')")
    assert not await page.ask("document.querySelector('#ways button')")
    assert "本次已付" in await text(page) and "本次应付" not in await text(page)
    await paint(page, "paid")
    assert (await counter.find(order.order_no)).status == "settled"


async def test_what_wechat_says_to_the_page_is_no_payment(
    town: Town, counter: PhoneScanner, page: Page
) -> None:
    order = await invited(town, counter)
    await opened(page, order)
    await taps(page)
    await hears(page, "ok")
    await page.wait_for("document.querySelector('main').innerText.includes('等待支付')")
    assert "支付成功" not in await text(page)
    await paint(page, "paying")
    await counter.cancel(order.order_no)
    await counter.phones.pass_by(30)
    await page.wait_for("document.querySelector('main').innerText.includes('本单已关闭')")
    await paint(page, "closed")


async def opens(page: Page, order: ScanReply, button: str, window: str) -> None:
    """The payer taps; the page opens the app's window, and there the payer confirms."""
    await page.ask(f"document.querySelector('#ways button.{button}').click()")
    await page.arrive(window)
    assert order.split and order.split.psn_cash_pay in str(
        await page.ask("document.body.innerText")
    )


@pytest.mark.parametrize(
    ("agent", "channel", "window"),
    [(IN_ALIPAY, "alipay", "模拟支付宝"), (IN_UNIONPAY, "unionpay", "模拟云闪付")],
    ids=["alipay", "unionpay"],
)
async def test_app_whose_browser_it_is_is_opened_and_paid_in(
    town: Town, counter: PhoneScanner, page: Page, agent: str, channel: str, window: str
) -> None:
    order = await invited(town, counter)
    await opened(page, order, agent=agent)
    offered = await page.ask("[...document.querySelectorAll('#ways button')].map(b => b.className)")
    assert offered == [channel]
    assert "扫一扫" not in await text(page)
    await paint(page, f"choose-{channel}")
    await opens(page, order, channel, window)
    await page.ask("document.querySelector('button').click()")
    await page.arrive("已付款")
    await counter.phones.channels.clock.advance(0)  # the channel tells
    await opened(page, order, agent=agent)
    await page.wait_for("document.querySelector('main').innerText.includes('支付成功')")
    await paint(page, f"paid-{channel}")
    assert (await counter.find(order.order_no)).status == "settled"


async def test_payer_leaves_alipay_and_pays_with_unionpay(
    town: Town, counter: PhoneScanner, page: Page
) -> None:
    order = await invited(town, counter)
    await opened(page, order, agent=ELSEWHERE)
    await opens(page, order, "alipay", "模拟支付宝")
    first = str(await page.ask("location.href"))
    await opened(page, order, agent=ELSEWHERE)
    assert "等待支付" in await text(page)
    await paint(page, "paying-elsewhere")
    await opens(page, order, "unionpay", "模拟云闪付")
    await page.open(first, width=TELEPHONE, height=HEIGHT)
    assert "订单已关闭" in str(await page.ask("document.body.innerText"))
    await counter.cancel(order.order_no)


async def test_another_browser_lists_what_the_institution_has(
    town: Town, counter: PhoneScanner, page: Page
) -> None:
    order = await invited(town, counter)
    await opened(page, order, agent=ELSEWHERE)
    offered = await page.ask("[...document.querySelectorAll('#ways button')].map(b => b.innerText)")
    assert order.split
    amount = order.split.psn_cash_pay
    assert offered == [f"支付宝 {amount} 元", f"云闪付 {amount} 元"]
    assert "也可用微信“扫一扫”打开本页后支付" in await text(page)
    await paint(page, "elsewhere")
    await counter.cancel(order.order_no)


async def test_page_without_a_script_opens_alipay(
    town: Town, counter: PhoneScanner, page: Page
) -> None:
    order = await invited(town, counter)
    await page.command("Emulation.setScriptExecutionDisabled", value=True)
    await page.command("Network.setUserAgentOverride", userAgent=ELSEWHERE)
    await page.open(f"{order.cashier_url}/plain", width=TELEPHONE, height=HEIGHT)
    await page.command("Emulation.setScriptExecutionDisabled", value=False)
    await paint(page, "plain")
    assert await page.ask("document.documentElement.scrollWidth <= innerWidth")
    await page.ask("document.querySelector('form button.alipay').click()")
    await page.arrive("点此打开支付宝")
    assert "/qr?" in str(await page.ask("document.querySelector('a.open').href"))
    await paint(page, "plain-opens")
    await counter.cancel(order.order_no)


async def test_everything_fits_a_narrow_telephone(
    town: Town, counter: PhoneScanner, page: Page
) -> None:
    order = await invited(town, counter)
    await opened(page, order)
    assert await page.ask("document.documentElement.scrollWidth <= innerWidth")
    small = await page.ask(
        "[...document.querySelectorAll('button')].every("
        "one => one.getBoundingClientRect().height >= 44)"
    )
    assert small
    await counter.cancel(order.order_no)
