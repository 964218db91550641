"""The simulated WeChat as an SDK sees it that we did not write: `wechatpayv3`.

It signs with its own code and checks our signatures with its own. It runs in threads, as its makers
meant it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from wechatpayv3 import WeChatPay, WeChatPayType

from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat import WechatSimulator
from loadtest.simulators.wechat_phone import PAYER, PHONE_PATH
from protocol.wechat.bills import trade_bill
from settlement.channels.wechat_bill import unpacked
from settlement.clock import local_time
from tests.kit.wechat import MCHID

AMOUNT = {"total": 1234, "currency": "CNY"}
SCENE = {"store_info": {"id": "0001"}}


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[WechatSimulator]:
    """On the machine's clock, which the SDK reads too."""
    one = WechatSimulator(clock=VirtualClock(), book=ChannelBook(tmp_path / "book"))
    one.add_merchant(MCHID)
    await one.start()
    yield one
    await one.stop()


async def sdk(simulator: WechatSimulator, *, by_certificate: bool = False) -> WeChatPay:
    """The SDK with the merchant's credentials, pointed at the simulator."""
    told = simulator.credentials(MCHID)

    def make() -> WeChatPay:
        made = WeChatPay(
            wechatpay_type=WeChatPayType.CODEPAY, mchid=told["mchid"], appid=told["appid"],
            private_key=told["merchant_private_key_pem"], apiv3_key=told["apiv3_key"],
            cert_serial_no=told["merchant_serial"], timeout=(5, 10),
            public_key=told["platform_public_key_pem"],
            public_key_id=told["platform_public_key_id"],
        )  # fmt: skip
        made._core._gate_way = told["base_url"]
        if by_certificate:
            made._core._public_key = made._core._public_key_id = None
            made._core._init_certificates()
        return made

    return await asyncio.to_thread(make)


async def said(call: Callable[..., tuple[int, Any]], **told: Any) -> tuple[int, dict[str, Any]]:
    """What the SDK says; it raises where it does not believe a signature."""
    status, text = await asyncio.to_thread(lambda: call(**told))
    return status, json.loads(text) if text else {}


async def pay(
    one: WeChatPay, simulator: WechatSimulator, number: str, *, who: str = "ok"
) -> tuple[int, dict[str, Any]]:
    """A payment of the test code `who`."""
    code = simulator.codes.test_codes()[who]
    return await said(
        one.pay, description="测试药店", out_trade_no=number, amount=AMOUNT,
        payer={"auth_code": code}, scene_info=SCENE, pay_type=WeChatPayType.CODEPAY,
    )  # fmt: skip


@pytest.mark.parametrize("by_certificate", [False, True])
async def test_sdk_pays_and_believes_the_answer(
    simulator: WechatSimulator, by_certificate: bool
) -> None:
    one = await sdk(simulator, by_certificate=by_certificate)
    status, paid = await pay(one, simulator, "SDK0000001")
    assert (status, paid["trade_state"], paid["amount"]["total"]) == (200, "SUCCESS", 1234)
    status, found = await said(one.query, out_trade_no="SDK0000001")
    assert (status, found["transaction_id"]) == (200, paid["transaction_id"])
    status, by_id = await said(one.query, transaction_id=paid["transaction_id"])
    assert (status, by_id) == (200, found)


async def test_sdk_does_not_believe_a_wrong_signature(simulator: WechatSimulator) -> None:
    one = await sdk(simulator)
    simulator.faults.add(Rule(fault=Fault.WRONG_SIGNATURE, operation=Operation.PAY))
    with pytest.raises(Exception, match="failed to verify"):
        await pay(one, simulator, "SDK0000001")


async def test_simulator_does_not_believe_another_merchants_signature(
    simulator: WechatSimulator,
) -> None:
    one = await sdk(simulator)
    simulator.add_merchant(MCHID)
    status, refused = await pay(one, simulator, "SDK0000001")
    assert (status, refused["code"]) == (401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("who", "status", "told"),
    [
        ("userpaying", 200, "USERPAYING"),
        ("not_enough", 403, "NOT_ENOUGH"),
        ("expired", 400, "AUTH_CODE_EXPIRED"),
    ],
)
async def test_sdk_sees_payers_who_do_not_pay(
    simulator: WechatSimulator, who: str, status: int, told: str
) -> None:
    came, answer = await pay(await sdk(simulator), simulator, "SDK0000001", who=who)
    assert (came, answer.get("trade_state") or answer["code"]) == (status, told)


async def test_sdk_reverses_refunds_and_is_notified(simulator: WechatSimulator) -> None:
    one = await sdk(simulator)
    seen: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        read = one.callback(request.headers, await request.read())
        seen.append(read)
        return web.json_response({"code": "SUCCESS", "message": "OK"})

    application = web.Application()
    application.router.add_post("/notify", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        await pay(one, simulator, "SDK0000001")
        await pay(one, simulator, "SDK0000002")
        await simulator.clock.advance(20)
        status, _ = await said(one.codepay_reverse, out_trade_no="SDK0000001")
        assert status == 200
        status, refund = await said(
            one.refund, out_refund_no="R1", out_trade_no="SDK0000002", reason="退药",
            amount={"refund": 234, "total": 1234, "currency": "CNY"},
            notify_url=f"http://127.0.0.1:{runner.addresses[0][1]}/notify",
        )  # fmt: skip
        assert (status, refund["status"]) == (200, "PROCESSING")
        await simulator.clock.advance(5)
        status, ended = await said(one.query_refund, out_refund_no="R1")
        assert (status, ended["status"]) == (200, "SUCCESS")
    finally:
        await runner.cleanup()
    assert [told["event_type"] for told in seen] == ["REFUND.SUCCESS"]
    assert seen[0]["resource"]["amount"]["refund"] == 234
    assert simulator.book.totals()["net_fen"] == 1000


async def test_sdk_prepares_signs_and_closes_an_order_for_a_phone(
    simulator: WechatSimulator,
) -> None:
    one = await sdk(simulator)
    told = {
        "description": "测试医院", "amount": AMOUNT, "payer": {"openid": PAYER},
        "notify_url": "https://pay.example.org/notify", "pay_type": WeChatPayType.JSAPI,
    }  # fmt: skip
    status, made = await said(one.pay, out_trade_no="SDKJ000001", **told)
    assert status == 200
    appid, package = simulator.shop.merchants[MCHID].appid, f"prepay_id={made['prepay_id']}"
    call = {
        "appId": appid, "timeStamp": "1795651200", "nonceStr": "n", "package": package,
        "signType": "RSA", "paySign": one.sign([appid, "1795651200", "n", package]),
    }  # fmt: skip
    async with aiohttp.ClientSession() as phone:
        for act, heard in (("cancel", "cancel"), ("pay", "ok")):
            body = {"call": call, "act": act}
            async with phone.post(simulator.url + PHONE_PATH, json=body) as reply:
                assert (await reply.text()).endswith(f':{heard}"}}')
    status, found = await said(one.query, out_trade_no="SDKJ000001")
    assert (found["trade_state"], found["trade_type"]) == ("SUCCESS", "JSAPI")
    assert (await said(one.close, out_trade_no="SDKJ000001"))[0] == 403
    await said(one.pay, out_trade_no="SDKJ000002", **told)
    assert (await said(one.close, out_trade_no="SDKJ000002"))[0] == 204
    _, closed = await said(one.query, out_trade_no="SDKJ000002")
    assert closed["trade_state"] == "CLOSED"


async def test_sdk_fetches_the_bill(simulator: WechatSimulator) -> None:
    # The SDK reads the machine's clock, so the payment is one of two days ago.
    at = simulator.clock() - timedelta(days=2)
    day = local_time(at).date().isoformat()
    empty = dict.fromkeys(("appid", "sub_mchid", "openid", "device", "trade_type", "attach"), "")
    simulator.book.write(
        Movement.PAID, at=at, day=day, merchant_no=MCHID, order_no="SDK0000001", reference="1",
        amount_fen=1234, details={**empty, "mchid": MCHID, "description": "药品, 常用"},
    )  # fmt: skip
    one = await sdk(simulator)
    status, place = await said(one.trade_bill, bill_date=day)
    assert status == 200 and place["hash_type"] == "SHA1"
    status, packed = await asyncio.to_thread(one.download_bill, url=place["download_url"])
    content = unpacked(packed)
    assert hashlib.sha1(content, usedforsecurity=False).hexdigest() == place["hash_value"]
    assert [row.text("商户订单号") for row in trade_bill(content).rows] == ["SDK0000001"]
