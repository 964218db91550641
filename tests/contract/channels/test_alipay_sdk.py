"""The simulated Alipay and our signing, held against a public SDK that others wrote.

The SDK checks each answer's signature over the raw node in its own way, and its requests have to
pass the simulator's check. Its calls block, so they run in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
import pytest_asyncio
from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayValidationError

from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.payer_codes import Behaviour
from protocol.alipay import gateway, notification, signing, trade
from protocol.alipay.notification import TradeNotice
from protocol.alipay.signing import PrivateKey, notice_text
from tests.integration.channels.alipay_world import APP_ID, NOON, AlipayWorld, alipay_world
from tests.unit.protocol.alipay import keys

pytestmark = pytest.mark.filterwarnings("ignore:X509.get_issuer is deprecated")

PRIVATE, ALIPAY = keys.private_pem("merchant").decode(), keys.public_pem("alipay").decode()


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[AlipayWorld]:
    async with alipay_world(tmp_path) as made:
        yield made


@pytest.fixture
def sdk(world: AlipayWorld) -> AliPay:
    made = AliPay(
        APP_ID, world.door.url, app_private_key_string=PRIVATE, alipay_public_key_string=ALIPAY
    )
    made._gateway = world.simulator.url + gateway.PATH
    return made


async def ask(call: Callable[..., Any], *given: Any, **named: Any) -> dict[str, Any]:
    """What the SDK makes of an answer; it raises for a wrong signature."""
    said: dict[str, Any] = await asyncio.to_thread(call, *given, **named)
    return said


async def test_sdk_pays_queries_and_refunds(world: AlipayWorld, sdk: AliPay) -> None:
    paid = await ask(
        sdk.api_alipay_trade_pay, "P1", "bar_code", world.code(), "测试药店 {1&2}",
        total_amount="88.80",
    )  # fmt: skip
    assert (paid["code"], paid["total_amount"]) == ("10000", "88.80")
    asked = await ask(sdk.api_alipay_trade_query, out_trade_no="P1")
    assert (asked["trade_status"], asked["trade_no"]) == ("TRADE_SUCCESS", paid["trade_no"])
    refunded = await ask(
        sdk.api_alipay_trade_refund, "30.00", out_trade_no="P1", out_request_no="R1"
    )
    assert (refunded["fund_change"], refunded["refund_fee"]) == ("Y", "30.00")
    found = await ask(sdk.api_alipay_trade_fastpay_refund_query, "R1", out_trade_no="P1")
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "30.00")
    await world.clock.advance(1)
    assert [one.order_no for one in world.door.taken] == ["P1", "P1"]


async def test_sdk_waits_for_a_payer_and_cancels(world: AlipayWorld, sdk: AliPay) -> None:
    code = world.code(Behaviour.USERPAYING_NEVER)
    paid = await ask(
        sdk.api_alipay_trade_pay, "P1", "bar_code", code, "测试", total_amount="1.00"
    )
    assert paid["code"] == "10003"
    cancelled = await ask(sdk.api_alipay_trade_cancel, out_trade_no="P1")
    assert (cancelled["retry_flag"], cancelled["action"]) == ("N", "close")
    absent = await ask(sdk.api_alipay_trade_query, out_trade_no="P9")
    assert (absent["code"], absent["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST")


async def test_sdk_makes_an_order_for_a_phone_and_closes_it(
    world: AlipayWorld, sdk: AliPay
) -> None:
    made = await ask(sdk.api_alipay_trade_precreate, "测试药店 {1&2}", "P1", "88.80")
    assert made["code"] == "10000"
    absent = await ask(sdk.api_alipay_trade_close, out_trade_no="P1")
    assert absent["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    async with aiohttp.ClientSession() as session, session.get(made["qr_code"]) as page:
        assert "88.80" in await page.text()
    waiting = await ask(sdk.api_alipay_trade_query, out_trade_no="P1")
    assert waiting["trade_status"] == "WAIT_BUYER_PAY"
    closed = await ask(sdk.api_alipay_trade_close, out_trade_no="P1")
    assert (closed["code"], closed["trade_no"]) == ("10000", waiting["trade_no"])
    again = await ask(sdk.api_alipay_trade_precreate, "测试药店 {1&2}", "P1", "88.80")
    assert again["sub_code"] == "ACQ.TRADE_HAS_CLOSE"


async def test_page_that_the_sdk_signs_is_opened_and_paid(world: AlipayWorld, sdk: AliPay) -> None:
    signed = sdk.api_alipay_trade_wap_pay("测试药店 {1&2}", "P1", "88.80")
    window = f"{world.simulator.url}{gateway.PATH}?{signed}"
    async with aiohttp.ClientSession() as session:
        async with session.get(window) as page:
            text = await page.text()
        action = text.partition('action="')[2].partition('"')[0]
        async with session.post(f"{world.simulator.url}{action}") as page:
            assert "已付款" in await page.text()
        async with session.get(window.replace("88.80", "0.01")) as page:
            assert page.status == 404
    asked = await ask(sdk.api_alipay_trade_query, out_trade_no="P1")
    assert (asked["trade_status"], asked["total_amount"]) == ("TRADE_SUCCESS", "88.80")


async def test_link_to_a_bill_is_dead_after_half_a_minute(
    world: AlipayWorld, sdk: AliPay
) -> None:
    await world.channel.pay(world.order())
    await world.clock.advance(86_400)
    content = {"bill_type": "trade", "bill_date": "2026-11-25"}
    said = await ask(sdk.server_api, trade.BILL_URL, content)
    async with aiohttp.ClientSession() as session:
        for seconds, status in ((30, 200), (1, 403)):
            await world.clock.advance(seconds)
            async with session.get(said["bill_download_url"]) as came:
                assert came.status == status


async def test_sdk_refuses_the_simulators_wrong_signature(world: AlipayWorld, sdk: AliPay) -> None:
    world.simulator.faults.add(Rule(fault=Fault.WRONG_SIGNATURE, operation=Operation.QUERY))
    with pytest.raises(AliPayValidationError):
        await ask(sdk.api_alipay_trade_query, out_trade_no="P1")


async def test_sdk_with_a_strangers_key_is_refused(world: AlipayWorld) -> None:
    stranger = AliPay(
        APP_ID, app_private_key_string=keys.private_pem("stranger").decode(),
        alipay_public_key_string=ALIPAY,
    )  # fmt: skip
    stranger._gateway = world.simulator.url + gateway.PATH
    said = await ask(stranger.api_alipay_trade_query, out_trade_no="P1")
    assert said["sub_code"] == "isv.invalid-signature"


async def test_sdk_in_certificate_mode_is_answered(world: AlipayWorld) -> None:
    sdk = DCAliPay(
        APP_ID, PRIVATE, keys.certificate_pem("merchant").decode(),
        keys.certificate_pem("alipay").decode(), keys.certificate_pem("root").decode(),
    )  # fmt: skip
    sdk._gateway = world.simulator.url + gateway.PATH
    said = await ask(sdk.api_alipay_trade_query, out_trade_no="P1")
    assert said["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_serials_of_certificates_are_those_of_the_sdk() -> None:
    pem = keys.certificate_pem("merchant")
    assert signing.certificate_serial(pem) == DCAliPay.get_cert_sn(pem)
    roots = [keys.certificate_pem("root", number=number) for number in (1, 2)]
    elliptic = keys.certificate_pem("root", number=3, elliptic=True)
    chain = b"\n".join([roots[0], elliptic, roots[1]])
    assert signing.root_serial(chain) == DCAliPay.get_root_cert_sn(chain.decode())


def test_our_request_is_signed_as_the_sdk_signs_it() -> None:
    sdk = AliPay(APP_ID, app_private_key_string=PRIVATE, alipay_public_key_string=ALIPAY)
    content = trade.OrderRequest(out_trade_no="P1")
    caller = gateway.Caller(app_id=APP_ID)
    unsigned = gateway.parameters(trade.QUERY, content, caller=caller, at=NOON)
    signature = PrivateKey(keys.rsa_key("merchant")).sign(signing.request_text(unsigned))
    assert dict(parse_qsl(sdk.sign_data(dict(unsigned))))["sign"] == signature


def test_our_page_is_signed_as_the_sdk_signs_it() -> None:
    sdk = AliPay(APP_ID, app_private_key_string=PRIVATE, alipay_public_key_string=ALIPAY)
    content = trade.WapPayRequest(
        out_trade_no="P1", total_amount="88.80", subject="测试 {1&2}", product_code="QUICK_WAP_WAY"
    )
    unsigned = gateway.parameters(
        trade.WAP_PAY, content, caller=gateway.Caller(app_id=APP_ID), at=NOON,
        return_url="https://pay.example.org/cashier/x",
    )  # fmt: skip
    signature = PrivateKey(keys.rsa_key("merchant")).sign(signing.request_text(unsigned))
    ours = dict(parse_qsl(gateway.page_query(unsigned, signature)))
    assert ours == dict(parse_qsl(sdk.sign_data(dict(unsigned))))


def test_our_notice_passes_the_check_of_the_sdk() -> None:
    sdk = AliPay(APP_ID, app_private_key_string=PRIVATE, alipay_public_key_string=ALIPAY)
    notice = TradeNotice(notify_id="1", subject="测试 1&2=3", total_amount="88.80")
    form = notification.form_to_sign(notice)
    signature = PrivateKey(keys.rsa_key("alipay")).sign(notice_text(form))
    received = notification.form_of(notification.signed_body(form, signature))
    sent_signature = received.pop("sign")
    assert sdk.verify(dict(received), sent_signature)
    assert not sdk.verify({**received, "total_amount": "88.81"}, sent_signature)
