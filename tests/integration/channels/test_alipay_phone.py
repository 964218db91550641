"""扫码支付 and 手机网站支付: addresses that a payer's phone opens, and what becomes of orders."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.phone_window import ACT_PATH
from protocol.alipay.bills import trade_bill
from settlement.channels.port import OnPhones, PhoneDoor
from settlement.payments.payment import (
    Handed,
    NotificationRefused,
    OrderKey,
    Outcome,
    PhoneOrder,
    RefundOrder,
    Verdict,
)
from tests.integration.channels.alipay_world import AlipayWorld, alipay_world

BACK = "https://pay.example.org/cashier/token"


class Payers:
    """A merchant who is granted it, and payers with phones."""

    def __init__(self, world: AlipayWorld, way: str) -> None:
        self.world, self.way = world, way
        channel = world.channel
        assert isinstance(channel, OnPhones) and channel.phone is not None
        self.channel, self.door = channel, channel.phone

    def order(self, number: str = "P000000001", **more: object) -> PhoneOrder:
        now = self.world.clock()
        told: dict[str, object] = {
            "order_no": number, "sent_at": now, "expires_at": now + timedelta(minutes=5),
            "amount_fen": 1234, "payer": "", "subject": "测试医院 {1&2}", "back_url": BACK,
            "notify_url": self.world.door.url,
        }  # fmt: skip
        return PhoneOrder(**told | more)  # type: ignore[arg-type]

    async def handed(self, order: PhoneOrder) -> str:
        handed = await self.door.hand(order)
        assert isinstance(handed, Handed), handed
        assert (handed.outcome.verdict, handed.call) == (Verdict.PAYER_ACTION, {})
        return handed.url

    async def does(self, url: str, act: str = "pay") -> str:
        """What the payer does with the address, in Alipay."""
        place = f"{self.world.simulator.url}{ACT_PATH}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(place, json={"url": url, "act": act}) as reply,
        ):
            said = json.loads(await reply.read())["said"]
        await self.world.clock.advance(0)
        return str(said)


@pytest_asyncio.fixture(params=["precreate", "wap"])
async def payers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Payers]:
    """By either of its ways."""
    async with alipay_world(tmp_path, {"phone": request.param}) as world:
        yield Payers(world, request.param)


def key(order: PhoneOrder) -> OrderKey:
    return OrderKey(
        order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen,
        expires_at=order.expires_at,
    )  # fmt: skip


async def verdicts(payers: Payers, order: PhoneOrder) -> tuple[Verdict, Verdict]:
    """Of a query, and of a withdrawal after it."""
    found = await payers.channel.query(key(order))
    return found.verdict, (await payers.door.withdraw(key(order))).verdict


async def test_order_is_opened_paid_told_refunded_and_on_the_days_bill(payers: Payers) -> None:
    order = payers.order()
    url = await payers.handed(order)
    assert (await payers.channel.query(key(order))).verdict is Verdict.UNKNOWN  # nobody opened it
    assert await payers.does(url, "look") == "ok"
    assert (await payers.channel.query(key(order))).verdict is Verdict.PAYER_ACTION
    assert await payers.does(url, "cancel") == "cancel"
    assert await payers.does(url) == "ok"
    assert await payers.does(url) == "fail"
    [told] = payers.world.door.taken
    assert (told.order_no, told.outcome.amount_fen) == (order.order_no, 1234)
    paid = await payers.channel.query(key(order))
    assert (paid.verdict, paid.reference) == (Verdict.SUCCESS, told.outcome.reference)
    refund = RefundOrder(
        order=key(order), reference=paid.reference, refund_no="R1", sent_at=order.sent_at,
        amount_fen=234,
    )  # fmt: skip
    assert (await payers.channel.refund(refund)).verdict is Verdict.SUCCESS
    day = order.sent_at.date()
    await payers.world.clock.advance(86_400)
    file = await payers.channel.bill(day)
    assert file
    rows = trade_bill(file).rows
    assert [row.out_trade_no for row in rows] == [order.order_no] * 2


async def test_same_order_again_is_the_same(payers: Payers) -> None:
    order = payers.order()
    first, again = await payers.handed(order), await payers.handed(order)
    assert await payers.does(first, "look") == await payers.does(again, "look") == "ok"
    assert await payers.does(again) == "ok"
    assert await payers.does(first) == "fail"


async def test_withdrawn_order_cannot_be_paid(payers: Payers) -> None:
    unopened, opened = payers.order(), payers.order("P000000002")
    urls = [await payers.handed(unopened), await payers.handed(opened)]
    await payers.does(urls[1], "look")
    assert await verdicts(payers, unopened) == (Verdict.UNKNOWN, Verdict.SUCCESS)
    assert await verdicts(payers, opened) == (Verdict.PAYER_ACTION, Verdict.SUCCESS)
    assert [await payers.does(url) for url in urls] == ["fail", "fail"]
    for order in (unopened, opened):  # again
        assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS
    assert (await payers.channel.query(key(opened))).verdict is Verdict.FAILED


async def test_paid_order_is_not_withdrawn_but_refunded(payers: Payers) -> None:
    order = payers.order()
    await payers.does(await payers.handed(order))
    assert await verdicts(payers, order) == (Verdict.SUCCESS, Verdict.FAILED)


async def test_order_that_expired_cannot_be_paid(payers: Payers) -> None:
    orders = payers.order(), payers.order("P000000002")
    urls = [await payers.handed(order) for order in orders]
    await payers.does(urls[1], "look")
    await payers.world.clock.advance(301)
    assert [await payers.does(url) for url in urls] == ["fail", "fail"]
    for order in orders:
        assert (await payers.channel.query(key(order))).verdict is Verdict.FAILED


async def test_order_that_may_still_be_opened_has_not_failed(payers: Payers) -> None:
    now = payers.world.clock()
    order = payers.order(expires_at=now + timedelta(minutes=10))
    await payers.handed(order)
    await payers.world.clock.advance(400)
    assert (await payers.channel.query(key(order))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("fault", [Fault.UNDO_AGAIN, Fault.LOST_AFTER, Fault.WRONG_SIGNATURE])
@pytest.mark.parametrize("act", ["", "look"])
async def test_withdrawal_that_is_not_certain_is_repeated(
    payers: Payers, fault: Fault, act: str
) -> None:
    order = payers.order()
    url = await payers.handed(order)
    if act:
        await payers.does(url, act)
    payers.world.simulator.faults.add(Rule(fault=fault, operation=Operation.UNDO))
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.UNKNOWN
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS
    assert await payers.does(url) == "fail"


async def test_nobody_asks_who_pays(payers: Payers) -> None:
    door: PhoneDoor = payers.door
    assert (door.asks_who, door.sign_in(BACK, "pay"), await door.payer("code")) == (False, "", "")


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.NOT_JSON, Fault.WRONG_SIGNATURE, Fault.BUSY],
)
async def test_answer_that_is_none_leaves_it_open(tmp_path: Path, fault: Fault) -> None:
    async with alipay_world(tmp_path, {"phone": "precreate"}) as world:
        payers = Payers(world, "precreate")
        world.simulator.faults.add(Rule(fault=fault, operation=Operation.HAND))
        lost = await payers.door.hand(payers.order())
        assert isinstance(lost, Outcome) and lost.verdict is Verdict.UNKNOWN
        assert lost.exchange is not None
        assert await payers.does(await payers.handed(payers.order())) == "ok"


async def test_number_that_is_closed_is_refused(tmp_path: Path) -> None:
    async with alipay_world(tmp_path, {"phone": "precreate"}) as world:
        payers = Payers(world, "precreate")
        order = payers.order()
        await payers.door.withdraw(key(order))
        refused = await payers.door.hand(order)
        assert isinstance(refused, Outcome)
        assert (refused.verdict, refused.code) == (Verdict.FAILED, "ACQ.TRADE_HAS_CLOSE")


async def test_page_that_was_changed_opens_nothing(tmp_path: Path) -> None:
    async with alipay_world(tmp_path, {"phone": "wap"}) as world:
        payers = Payers(world, "wap")
        url = await payers.handed(payers.order())
        cheaper = url.replace("12.34", "0.01")
        assert cheaper != url and await payers.does(cheaper, "look") == "fail"
        asked = parse_qs(urlsplit(url).query)
        assert asked["return_url"] == [BACK]
        assert f'"quit_url":"{BACK}"' in asked["biz_content"][0]
        assert await payers.does(url, "look") == "ok"


async def test_forged_notification_of_such_an_order_is_refused(payers: Payers) -> None:
    url = await payers.handed(payers.order())
    rule = Rule(fault=Fault.NOTICE_FORGED, operation=Operation.NOTICE)
    payers.world.simulator.faults.add(rule)
    await payers.does(url)
    forged, genuine = payers.world.door.came
    assert isinstance(forged, NotificationRefused) and genuine in payers.world.door.taken


async def test_window_in_a_browser_shows_the_order_and_takes_the_payment(payers: Payers) -> None:
    order = payers.order()
    url = await payers.handed(order)
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            text = await page.text()
        assert "12.34" in text and "确认付款" in text and "测试医院 {1&amp;2}" in text
        action = text.partition('action="')[2].partition('"')[0]
        async with session.post(f"{payers.world.simulator.url}{action}") as page:
            assert "已付款" in await page.text()
    assert (await payers.channel.query(key(order))).verdict is Verdict.SUCCESS


async def test_merchant_who_is_not_granted_it_has_no_door(tmp_path: Path) -> None:
    async with alipay_world(tmp_path) as world:
        assert world.channel.phone is None
