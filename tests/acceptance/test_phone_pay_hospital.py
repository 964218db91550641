"""Deposits, bills and requests of a bed that patients pay on their own phones (手机支付)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from protocol.scan import ScanReply
from tests.kit.cashier import Cashier, a_cashier
from tests.kit.population import DEAR, some
from tests.kit.reply import assert_done
from tests.kit.scanner import leg, pending_fen
from tests.kit.till_phone import ScriptedPhone
from tests.kit.town import Town, a_town
from tests.kit.ward import admission, admit
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASKET = some(DEAR, 3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        town.channels.wechat.phone = ScriptedPhone(town.channels.wechat)
        yield town


@pytest_asyncio.fixture(loop_scope="module")
async def cashier(town: Town) -> AsyncIterator[Cashier]:
    """The hospital's."""
    async with a_cashier(town) as cashier:
        yield cashier


async def paid(town: Town, cashier: Cashier, order: ScanReply) -> ScanReply:
    """The patient opens the order on the phone, and pays."""
    assert order.status == "payer_action", order
    body = msgspec.json.encode({"openid": "oTest"})
    reply = await cashier.service.payments.phone(order.order_no, body, cashier.caller)
    handed = msgspec.json.decode(reply.body, type=ScanReply)
    assert handed.phone
    town.channels.wechat.confirm(handed.phone.package.removeprefix("prepay_id="))
    await town.resolve(seconds=6)
    return await cashier.find(order.order_no)


async def test_deposit_is_paid_on_the_phone(town: Town, cashier: Cashier) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    order = cashier.deposit_order(stay.mdtrt_id, "500", pay_on_phone=True)
    reply = await paid(town, cashier, await cashier.deposit(order))
    assert (reply.status, leg(reply, "wechat")) == ("settled", ("500.00", "paid"))
    assert (await cashier.deposits(stay.mdtrt_id)).left == "500.00"


async def test_outpatient_bill_is_paid_on_the_phone_and_taken_back(
    town: Town, cashier: Cashier
) -> None:
    visit = await town.hospital.open_visit(town.someone(), BASKET)
    quoted = visit.quote(BASKET).edited({"input.data.acct_used_flag": "0"})
    quote = await town.hospital.send(quoted)
    assert_done(quote)
    order = cashier.visit_order(visit.settlement(quoted, quote), pay_on_phone=True)
    held = await cashier.visit(order)
    assert leg(held, "fund")[1] == "held"
    reply = await paid(town, cashier, held)
    assert (reply.status, leg(reply, "wechat")) == ("settled", ("3000.00", "paid"))
    back = await cashier.refund(order["order_no"], f"R{order['order_no']}")
    assert (back.status, leg(back, "wechat")[1]) == ("refunded", "returned")


async def test_request_of_a_bed_comes_with_a_deposit_from_the_phone(
    town: Town, cashier: Cashier
) -> None:
    citizen = town.someone()
    request = {
        "order_no": "APHONE1", "operator": "MINI", "insutype": "310", "ward": "测试病区",
        "person_code": citizen.patient.person.certno, "amount": "500", "pay_on_phone": True,
    }  # fmt: skip
    asked = await cashier.ask_for_a_stay(request)
    assert (await cashier.requests()).requests == []
    assert (await paid(town, cashier, asked)).status == "settled"
    assert [one.order_no for one in (await cashier.requests()).requests] == ["APHONE1"]
    reply = await cashier.admit("APHONE1", admission(town.hospital, citizen))
    assert reply.message == "已办理入院，预交金已转入"


async def test_stay_goes_on_where_nobody_paid(town: Town, cashier: Cashier) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    order = cashier.deposit_order(stay.mdtrt_id, "500", pay_on_phone=True)
    await cashier.deposit(order)
    await town.resolve(seconds=301)
    assert (await cashier.find(order["order_no"])).status == "refused"
    assert await pending_fen(town) == 0
    assert (await cashier.deposits(stay.mdtrt_id)).paid == "0.00"
