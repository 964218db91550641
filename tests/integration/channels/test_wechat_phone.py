"""JSAPI支付: orders that wait for a payer's phone, signed calls, and the sign-in of a page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from msgspec import structs, to_builtins

from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.wechat_phone import PAYER, PHONE_PATH, SIGN_IN_PATH
from protocol.scan import PhoneCall
from protocol.wechat.bills import trade_bill
from settlement.channels.port import OnPhones, PhoneDoor
from settlement.channels.signer import Signer
from settlement.channels.wechat import WechatChannel
from settlement.payments.payment import (
    Handed,
    Notified,
    OrderKey,
    Outcome,
    PhoneOrder,
    RefundOrder,
    Verdict,
)
from tests.kit.wechat import NoticeDesk, WechatStage, door, wechat_stage

BACK = "https://pay.example.org/cashier/token"


class Payers:
    """A merchant who is granted it, and payers with phones."""

    def __init__(self, stage: WechatStage, channel: WechatChannel) -> None:
        self.stage = stage
        self.channel = channel
        assert isinstance(channel, OnPhones) and channel.phone is not None
        self.door: PhoneDoor = channel.phone

    def order(self, number: str = "J000000001", **more: object) -> PhoneOrder:
        now = self.stage.clock()
        told: dict[str, object] = {
            "order_no": number, "sent_at": now, "expires_at": now + timedelta(minutes=5),
            "amount_fen": 1234, "payer": PAYER, "subject": "测试医院",
        }  # fmt: skip
        return PhoneOrder(**told | more)  # type: ignore[arg-type]

    async def handed(self, order: PhoneOrder) -> PhoneCall:
        handed = await self.door.hand(order)
        assert isinstance(handed, Handed), handed
        assert handed.outcome.verdict is Verdict.PAYER_ACTION
        assert handed.outcome.exchange is not None and PAYER not in handed.outcome.exchange.request
        return PhoneCall(**handed.call)

    async def does(self, call: PhoneCall, act: str = "pay") -> str:
        """What WeChat's window on the phone says."""
        content = {"call": to_builtins(call), "act": act}
        url = f"{self.stage.simulator.url}{PHONE_PATH}"
        async with aiohttp.ClientSession() as session, session.post(url, json=content) as reply:
            said = json.loads(await reply.read())["err_msg"]
        return str(said).removeprefix("get_brand_wcpay_request:")


@pytest_asyncio.fixture(params=["v3", "v2"])
async def payers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Payers]:
    """Whichever transport the merchant's other payments use."""
    async with wechat_stage(tmp_path, request.param) as stage:
        signer, url = Signer(1), stage.simulator.url
        channel = door(
            stage.simulator, url, request.param, signer, phone=True, connect_seconds=30.0,
            answer_seconds=60.0, sign_in_url=url + SIGN_IN_PATH, open_api_url=url,
        )  # fmt: skip
        yield Payers(stage, channel)
        await channel.close()
        signer.close()


def key(order: PhoneOrder) -> OrderKey:
    return OrderKey(
        order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen
    )


async def test_order_waits_is_paid_and_told(payers: Payers) -> None:
    desk = NoticeDesk(payers.channel)
    async with desk.open() as url:
        order = payers.order(notify_url=url)
        call = await payers.handed(order)
        assert (await payers.channel.query(key(order))).verdict is Verdict.PAYER_ACTION
        assert await payers.does(call, "cancel") == "cancel"
        assert await payers.does(call) == "ok"
        await payers.stage.move(1)
    [told] = desk.seen
    assert isinstance(told, Notified)
    assert (told.order_no, told.outcome.amount_fen) == (order.order_no, 1234)
    assert told.outcome.verdict is Verdict.SUCCESS
    found = await payers.channel.query(key(order))
    assert (found.verdict, found.reference) == (Verdict.SUCCESS, told.outcome.reference)


async def test_paid_order_is_refunded_as_any(payers: Payers) -> None:
    order = payers.order()
    await payers.does(await payers.handed(order))
    paid = await payers.channel.query(key(order))
    refund = RefundOrder(
        order=key(order), reference=paid.reference, refund_no="R1", sent_at=order.sent_at,
        amount_fen=234,
    )  # fmt: skip
    await payers.channel.refund(refund)
    await payers.stage.move(5)
    assert (await payers.channel.query_refund(refund)).verdict is Verdict.SUCCESS
    assert payers.stage.kept_fen == 1000


async def test_it_stands_on_the_days_bill(payers: Payers) -> None:
    order = payers.order()
    await payers.does(await payers.handed(order))
    day = order.sent_at.date()
    await payers.stage.move(86_400)
    file = await payers.channel.bill(day)
    assert file
    [row] = trade_bill(file).rows
    assert (row.text("商户订单号"), row.text("交易类型")) == (order.order_no, "JSAPI")


async def test_same_order_again_is_the_same_and_another_payers_is_refused(payers: Payers) -> None:
    order = payers.order()
    first, again = await payers.handed(order), await payers.handed(order)
    assert (first.package, first.paySign != again.paySign) == (again.package, True)
    other = await payers.door.hand(structs.replace(order, payer="oSimPayer2"))
    assert isinstance(other, Outcome) and other.verdict is Verdict.UNKNOWN


async def test_call_that_was_changed_opens_nothing(payers: Payers) -> None:
    call = await payers.handed(payers.order())
    assert await payers.does(structs.replace(call, package="prepay_id=wx1")) == "fail"
    assert await payers.does(structs.replace(call, timeStamp="1")) == "fail"


async def test_withdrawn_order_cannot_be_paid(payers: Payers) -> None:
    order = payers.order()
    call = await payers.handed(order)
    for _ in range(2):
        assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS
    assert await payers.does(call) == "fail"
    assert (await payers.channel.query(key(order))).verdict is Verdict.FAILED


async def test_paid_order_is_not_withdrawn_but_refunded(payers: Payers) -> None:
    order = payers.order()
    await payers.does(await payers.handed(order))
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.FAILED


async def test_order_that_never_arrived_is_dead_once_nobody_can_be_handed_it(
    payers: Payers,
) -> None:
    order = payers.order()
    payers.stage.fault(Fault.LOST_BEFORE, Operation.OTHER)
    lost = await payers.door.hand(order)
    assert isinstance(lost, Outcome) and lost.verdict is Verdict.UNKNOWN
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.UNKNOWN
    await payers.stage.move(121)
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS


async def test_order_that_expired_cannot_be_paid(payers: Payers) -> None:
    call = await payers.handed(payers.order())
    await payers.stage.move(301)
    assert await payers.does(call) == "fail"


async def test_page_learns_who_holds_the_phone_once(payers: Payers) -> None:
    place = payers.door.sign_in(BACK, "pay")
    async with (
        aiohttp.ClientSession() as session, session.get(place, allow_redirects=False) as reply,
    ):
        back = urlsplit(reply.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
    told = parse_qs(back.query)
    assert told["state"] == ["pay"]
    [code] = told["code"]
    assert await payers.door.payer(code) == PAYER
    assert await payers.door.payer(code) == ""
    assert await payers.door.payer("") == ""


async def test_without_the_applications_secret_no_page_can_ask(payers: Payers) -> None:
    merchant, keys = payers.channel._merchant, payers.channel._keys
    keys.app_secret = ""
    signer = Signer(1)
    channel = WechatChannel(merchant, keys, signer=signer, clock=payers.stage.clock)
    assert channel.phone is not None
    assert channel.phone.sign_in(BACK, "pay") == ""
    assert await channel.phone.payer("code") == ""
    await channel.close()
    signer.close()


async def test_merchant_who_is_not_granted_it_has_no_door(payers: Payers) -> None:
    assert payers.stage.channel.phone is None
