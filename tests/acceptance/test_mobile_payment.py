"""Mobile payment (移动支付): 6201, 6202, 6203, 6301, 6401, in the words of a platform.

CLASS_A is wholly in scope; of DEAR the outpatient fund pays a part and the account some.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.kit.mobile import Platform, held_fen
from tests.kit.population import CLASS_A, CLASS_C, DEAR, HOSPITAL, some
from tests.kit.reply import assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def platform(town: Town) -> AsyncIterator[Platform]:
    """The hospital's."""
    yield Platform(town, town.hospital)
    assert await held_fen(town, HOSPITAL.code) == 0


async def test_order_is_uploaded_paid_and_found(town: Town, platform: Platform) -> None:
    buyer = town.someone()
    before = await town.balance_fen(buyer)
    order = await platform.upload(buyer, some(DEAR, 2), some(CLASS_C))
    assert await order.state() == "0"
    assert await town.balance_fen(buyer) == before
    paid = await order.pay()
    assert_done(paid)
    money = {n: paid.money(n, "data") for n in ("feeSumamt", "ownPayAmt", "psnAcctPay", "fundPay")}
    assert money["feeSumamt"] == Decimal("4008.00")
    assert money["feeSumamt"] == money["ownPayAmt"] + money["psnAcctPay"] + money["fundPay"]
    assert money["ownPayAmt"] and money["fundPay"]
    assert paid.text("ordStas", "data") == "4"
    assert await town.balance_fen(buyer) == before - int(money["psnAcctPay"] * 100)
    found = await order.ask()
    assert found.money("fundPay", "data") == money["fundPay"]
    assert len(found.text("revsToken", "data")) == 40


async def test_settlement_of_an_order_is_a_settlement_like_any_other(
    town: Town, platform: Platform
) -> None:
    buyer = town.someone()
    order = await platform.upload(buyer, some(DEAR, 2))
    paid = await order.pay()
    extra = paid.node("data")["extData"]
    assert isinstance(extra, dict)
    setl_id = extra["setlinfo"]["setl_id"]
    named = {"psn_no": buyer.number, "setl_id": setl_id, "mdtrt_id": order.mdtrt_id}
    found = await town.hospital.ask("5203", {"data": named})
    assert_done(found)
    assert found.money("medfee_sumamt") == Decimal("4000.00")
    refused = await town.hospital.ask("2208", {"data": named})
    assert_refused(refused, "CANCEL_BY_MOBILE_REFUND", field="input.data.setl_id")


async def test_resends_get_the_first_answer(town: Town, platform: Platform) -> None:
    buyer = town.someone()
    order = await platform.upload(buyer, some(CLASS_A, 2))
    again = await town.hospital.send(order.uploaded)
    assert again.text("payOrdId", "data") == order.number
    assert again.warn_msg
    message = order.payment(await platform.token(buyer))
    first = await town.hospital.send(message)
    assert_same_answer(first, await town.hospital.send(message))
    assert len(await town.rows_of(buyer)) == 1


async def test_refund_of_all_is_the_exact_negative(town: Town, platform: Platform) -> None:
    buyer = town.someone()
    before = await town.balance_fen(buyer), await town.accumulators(buyer)
    order = await platform.upload(buyer, some(DEAR, 2))
    paid = await order.pay()
    message = order.refund(paid)
    reply = await town.hospital.send(message)
    assert_done(reply)
    assert reply.text("refStatus", "data") == "SUCC"
    assert_same_answer(reply, await town.hospital.send(message))
    settled, undone = await town.rows_of(buyer)
    assert undone["undoes_setl_id"] == settled["setl_id"]
    assert [undone[n] for n in ("fund_fen", "account_fen", "cash_fen")] == [
        -settled[n] for n in ("fund_fen", "account_fen", "cash_fen")
    ]
    assert await order.state() == "7"
    assert await town.balance_fen(buyer) == before[0]
    other = await town.hospital.send(order.refund(paid))
    assert_refused(other, "MOBILE_ORDER_REFUNDED", field="input.data.payOrdId")
