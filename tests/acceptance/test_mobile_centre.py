"""The mobile-payment centre's own envelope, and wallets that confirm (医保混合支付).

A held order pays nothing until its wallet says so; then once, for the amounts that the payer saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
import pytest_asyncio

from settlement.gateway import NotYours
from settlement.payments.mobile_timers import HOLD_SECONDS
from settlement.payments.wallets import owner_of
from tests.kit.mobile import (
    Answered,
    Caller,
    Order,
    Platform,
    a_caller,
    confirmation,
    held_fen,
)
from tests.kit.population import CLASS_A, CLASS_C, DEAR, HOSPITAL, Citizen, some
from tests.kit.profiles import policies_where
from tests.kit.receiving import a_receiver
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.sealing import OTHER
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
WALLET = "WECHAT"


@pytest_asyncio.fixture(loop_scope="module")
async def platform(town: Town) -> AsyncIterator[Platform]:
    """The hospital's; nothing stays held when a test is over."""
    yield Platform(town, town.hospital)
    await town.end_orders(after_seconds=HOLD_SECONDS)
    assert await held_fen(town, HOSPITAL.code) == 0


@pytest_asyncio.fixture(loop_scope="module")
async def wallet(town: Town) -> Caller:
    """WeChat, as the centre knows it."""
    return await a_caller(town, owner_of(WALLET), "wallet-wechat-000001")


@pytest_asyncio.fixture(loop_scope="module")
async def sender(town: Town) -> Caller:
    """The hospital's platform, with a registered key."""
    return await a_caller(town, HOSPITAL.code, "mobile-hospital-00001")


async def held(platform: Platform, whom: Citizen) -> tuple[Order, Reply]:
    """An order that waits for its wallet."""
    order = await platform.upload(whom, some(DEAR, 2), some(CLASS_C))
    reply = await order.pay(wallet=WALLET)
    assert_done(reply)
    assert reply.text("ordStas", "data") == "1"
    return order, reply


async def test_held_order_pays_once_its_wallet_confirms(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    whom = town.someone()
    before = await town.balance_fen(whom)
    order, reply = await held(platform, whom)
    assert await town.rows_of(whom) == []
    assert await held_fen(town, HOSPITAL.code) > 0
    assert await town.balance_fen(whom) == before - int(reply.money("psnAcctPay", "data") * 100)
    said = confirmation(order, reply)
    first = await wallet.send("confirm", said, wallet=True)
    assert (first.code, first.data["ordStas"]) == (0, "6")
    assert await held_fen(town, HOSPITAL.code) == 0
    [row] = await town.rows_of(whom)
    assert row["infno"] == "6202"
    assert row["cash_fen"] == int(reply.money("ownPayAmt", "data") * 100)
    again = await wallet.send("confirm", said, wallet=True)
    assert again.data == first.data
    assert len(await town.rows_of(whom)) == 1
    found = await order.ask()
    assert (found.text("setlType", "data"), found.text("callType", "data")) == ("ALL", "2")


async def test_racing_confirmations_pay_once(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    order, reply = await held(platform, town.someone())
    said = confirmation(order, reply)
    both = await asyncio.gather(*(wallet.send("confirm", said, wallet=True) for _ in range(4)))
    assert {one.code for one in both} == {0}
    assert len(await town.rows_of(order.whom)) == 1


async def test_while_it_is_held_the_person_settles_nothing_else(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    whom = town.someone()
    order, reply = await held(platform, whom)
    sale = town.pharmacy.sale(whom, some(CLASS_A))
    assert_refused(
        await town.pharmacy.send(sale), "UNDERTAKING_OPEN", field="input.druginfo.psn_no",
        retry="later",
    )  # fmt: skip
    lines = {"mdtrt_id": order.mdtrt_id, "chrg_bchno": "0000", "psn_no": whom.number}
    withdrawn = await town.hospital.ask("2205", {"data": lines})
    assert_refused(
        withdrawn, "UNDERTAKING_OPEN", field="input.data.chrg_bchno", retry="later"
    )
    assert (await wallet.send("confirm", confirmation(order, reply), wallet=True)).code == 0
    assert_done(await town.pharmacy.send(sale))


async def test_order_that_nobody_confirms_is_free_again(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    whom = town.someone()
    before = await town.balance_fen(whom)
    order, reply = await held(platform, whom)
    assert await town.end_orders(after_seconds=HOLD_SECONDS - 1) == 0
    assert await town.end_orders(after_seconds=1) == 1
    assert await town.balance_fen(whom) == before
    assert await order.state() == "15"
    late = await wallet.send("confirm", confirmation(order, reply), wallet=True)
    assert (late.code, late.data["err_code"]) == (-1, "MOBILE_ORDER_EXPIRED")
    assert await town.rows_of(whom) == []
    assert_done(await (await platform.upload(whom, some(DEAR))).pay())


async def test_wallet_gives_an_order_up(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    order, _ = await held(platform, town.someone())
    closed = await wallet.send("close", {"payOrdId": order.number}, wallet=True)
    assert (closed.code, closed.data) == (0, {"success": True})
    assert await order.state() == "12"


async def test_held_order_can_be_withdrawn_by_whoever_uploaded_it(
    town: Town, platform: Platform
) -> None:
    order, _ = await held(platform, town.someone())
    assert_done(await order.withdraw())
    assert await held_fen(town, HOSPITAL.code) == 0


@pytest.mark.parametrize("name", ["feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt"])
async def test_one_fen_of_difference_pays_nothing(
    town: Town, platform: Platform, wallet: Caller, name: str
) -> None:
    order, reply = await held(platform, town.someone())
    said = confirmation(order, reply)
    said[name] = Decimal(str(said[name])) + Decimal("0.01")
    refused = await wallet.send("confirm", said, wallet=True)
    assert refused.data["err_code"] == "MOBILE_SPLIT_DIFFERS"
    assert await order.state() == "1"


async def test_wallet_confirms_only_what_names_it(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    order, reply = await held(platform, town.someone())
    other = await a_caller(town, owner_of("OTHERPAY"), "wallet-otherpay-0001")
    said = confirmation(order, reply)
    assert await refusal(other, said) == "MOBILE_WALLET_DIFFERS"
    plain = await platform.upload(town.someone(), some(DEAR))
    paid = await plain.pay()
    assert await refusal(wallet, confirmation(plain, paid)) == "MOBILE_WALLET_DIFFERS"
    assert await refusal(wallet, {**said, "payOrdId": "ORD0"}) == "MOBILE_ORDER_UNKNOWN"
    assert await refusal(wallet, {"payOrdId": order.number}) == "MOBILE_WALLET_UNREADABLE"


async def refusal(wallet: Caller, said: dict[str, object]) -> str:
    """The code that a confirmation is refused with."""
    return str((await wallet.send("confirm", said, wallet=True)).data["err_code"])


async def test_notices_of_a_held_order_come_with_hold_and_payment(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    async with a_receiver(town, HOSPITAL.code) as told:
        order, reply = await held(platform, town.someone())
        await told.deliver()
        assert told.book.topics == ["6204"]
        [first] = told.book.entries
        assert msgspec.json.decode(first.data)["thdPayType"] == WALLET
        await wallet.send("confirm", confirmation(order, reply), wallet=True)
        await told.deliver()
        assert told.book.topics == ["6204", "6302"]


async def test_centre_and_interface_mean_the_same(
    town: Town, platform: Platform, sender: Caller
) -> None:
    whom = town.someone()
    message = await platform.order(whom, some(DEAR, 2))
    sent = message.envelope["input"]
    assert isinstance(sent, dict)
    uploaded = await sender.send("uldFeeInfo", sent["data"])
    assert uploaded.code == 0, uploaded
    again = await town.hospital.send(message)
    assert again.text("payOrdId", "data") == uploaded.data["payOrdId"]
    order = Order(platform, whom, message, again)
    payment = order.payment(await platform.token(whom)).envelope["input"]
    assert isinstance(payment, dict)
    paid = await sender.send("pay_order", payment["data"])
    assert paid.data["ordStas"] == "4"
    found = order.enquiry().envelope["input"]
    assert isinstance(found, dict)
    shown = await sender.send("query_order_info", found["data"])
    assert shown.data["fundPay"] == paid.data["fundPay"]
    refund = order.refund(await order.ask()).envelope["input"]
    assert isinstance(refund, dict)
    assert (await sender.send("refund_Order", refund["data"])).data["refStatus"] == "SUCC"
    gone = await sender.send("revoke_order", found["data"])
    assert (gone.code, gone.data["err_code"]) == (-1, "MOBILE_ORDER_PAID")
    assert gone.data["err_field"] == "payOrdId"


async def test_region_may_take_the_centres_envelope_alone(
    town: Town, platform: Platform, sender: Caller
) -> None:
    order = await platform.upload(town.someone(), some(CLASS_C))
    await town.restart(policies_where("mobile_plain", False))
    try:
        platform.counter = town.hospital
        assert_refused(await order.ask(), "MOBILE_PLAIN_REFUSED")
        asked = order.enquiry().envelope["input"]
        assert isinstance(asked, dict)
        assert (await sender.send("query_order_info", asked["data"])).data["ordStas"] == "0"
    finally:
        await town.restart()


async def test_strangers_do_not_come_in(town: Town, sender: Caller, wallet: Caller) -> None:
    centre = town.service.mobile_centre
    assert centre is not None
    forged = Caller(town=town, party=sender.party, key=OTHER)
    assert await denied(centre.institution("pay_order", forged.sealed({}))) == "SIGNATURE_WRONG"
    old = sender.sealed({}, stamp="20200101000000")
    assert await denied(centre.institution("pay_order", old)) == "TIMESTAMP_REFUSED"
    assert await denied(centre.institution("pay_order", b"{")) == "MOBILE_ENVELOPE_UNREADABLE"
    assert await denied(centre.institution("pay_order", b'{"appId":"X"}')) == "ACCESS_KEY_UNKNOWN"
    as_wallet = centre.institution("pay_order", wallet.sealed({}))
    assert await denied(as_wallet) == "INSTITUTION_NOT_YOURS"
    as_institution = centre.wallet("confirm", sender.sealed({}))
    assert await denied(as_institution) == "INSTITUTION_NOT_YOURS"
    assert await centre.institution("no_such", b"{}") is None


async def denied(coming: object) -> str:
    """The code at the door."""
    with pytest.raises(NotYours) as raised:
        await coming  # type: ignore[misc]
    return raised.value.code


async def test_time_in_the_envelope_may_be_half_an_hour_off(
    town: Town, sender: Caller
) -> None:
    stamp = f"{town.clock.local - timedelta(minutes=29):%Y%m%d%H%M%S}"
    centre = town.service.mobile_centre
    assert centre is not None
    reply = await centre.institution("pay_order", sender.sealed({"payOrdId": "X"}, stamp=stamp))
    assert reply is not None
    said: Answered = sender.opened(reply.body)
    assert said.data["err_code"] == "FIELD_MISSING"
