"""A hospital collects, the whole way: signed HTTP requests to two worker processes, and simulated
channels that speak the real wires. Window, kiosk, bedside, and the patient's phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import cast

import pytest
import pytest_asyncio

from loadtest.simulators.channel_world import Channels, open_channels
from protocol.scan import ScanReply
from settlement.embedded.services import Services
from settlement.serve.supervisor import CHANNELS_VARIABLE
from tests.kit.cashier import CASH, Cashier, PayOverHttp
from tests.kit.counter import Message
from tests.kit.population import DEAR, some
from tests.kit.reply import assert_done
from tests.kit.scanner import leg
from tests.kit.served import ServedTown, a_served_town
from tests.kit.waiting import until
from tests.kit.ward import admission, admit
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

CERTAIN_SECONDS = 90.0


class Place(ServedTown):
    """Only for the type: a served town, its cashier, and what payers show."""

    cashier: Cashier
    codes: dict[str, dict[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    """A served town in which every channel's merchant is open."""
    folder = tmp_path_factory.mktemp("channels")
    environment = {
        **chosen_environment(services, database), CHANNELS_VARIABLE: str(folder / "channels.toml"),
    }
    async with (
        open_channels(folder, notify_base="") as channels,
        a_served_town(environment) as served,
    ):  # fmt: skip
        town = cast(Place, served)
        town.cashier = Cashier(PayOverHttp(served.gateway))
        town.codes = codes_of(channels)
        yield town


def codes_of(channels: Channels) -> dict[str, dict[str, str]]:
    """By channel and what their payer does."""
    return {
        name: table.get("test_auth_codes") or table.get("test_codes")  # type: ignore[union-attr]
        for name, table in channels.world.items()
    }


async def a_bill(town: Place) -> Message:
    """2207 of a visit of three boxes, as quoted."""
    visit = await town.hospital.open_visit(town.someone(), some(DEAR, 3))
    quoted = visit.quote(some(DEAR, 3)).edited({"input.data.acct_used_flag": "0"})
    return visit.settlement(quoted, await town.hospital.send(quoted))


async def certain(town: Place, order_no: object) -> ScanReply:
    """What stands of an order once it is known."""

    async def look() -> ScanReply | None:
        reply = await town.cashier.find(order_no)
        return None if reply.status in ("unknown", "payer_action", "refunding") else reply

    return await until(look, seconds=CERTAIN_SECONDS)


async def test_bill_is_paid_at_the_window(town: Place) -> None:
    order = town.cashier.visit_order(await a_bill(town), pay_code=town.codes["alipay"]["ok"])
    reply = await town.cashier.visit(order)
    assert (reply.status, leg(reply, "alipay")) == ("settled", ("3000.00", "paid")), reply
    back = await town.cashier.refund(order["order_no"], "HR1")
    assert (back.status, leg(back, "alipay")) == ("refunded", ("3000.00", "returned")), back


async def test_bill_is_paid_at_a_kiosk_although_the_answer_is_lost(town: Place) -> None:
    code = town.codes["unionpay"]["lost_answer"]
    order = town.cashier.visit_order(await a_bill(town), opter_type="2")
    assert (await town.cashier.visit(order)).status == "payer_action"
    await town.cashier.visit({**order, "pay_code": code})
    reply = await certain(town, order["order_no"])
    assert (reply.status, leg(reply, "unionpay")) == ("settled", ("3000.00", "paid")), reply


async def test_stay_is_settled_at_the_bedside_with_its_deposits(town: Place) -> None:
    cashier, codes = town.cashier, town.codes
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    await cashier.pay_in(stay.mdtrt_id, "500", pay_code=codes["wechat"]["ok"])
    await cashier.pay_in(stay.mdtrt_id, "300", tender=CASH)
    lost = cashier.deposit_order(stay.mdtrt_id, "20", pay_code=codes["alipay"]["lost_answer"])
    await cashier.deposit(lost)
    assert (await certain(town, lost["order_no"])).status == "settled"
    assert_done(await town.hospital.send(stay.discharge()))
    quoted = stay.quote(Decimal("4000.00"), account=False)
    message = stay.settlement(quoted, await town.hospital.send(quoted))
    order = cashier.visit_order(message, opter_type="3", pay_code=codes["alipay"]["ok"])
    reply = await cashier.visit(order)
    legs = {one.kind: one.amount for one in reply.legs}
    assert legs == {"fund": "2880.00", "deposit": "820.00", "alipay": "300.00"}, reply
    found = await cashier.deposits(stay.mdtrt_id)
    assert (found.applied, found.left) == ("820.00", "0.00")


async def test_patient_asks_on_the_phone_and_the_ward_admits(town: Place) -> None:
    cashier, citizen = town.cashier, town.someone()
    order = {
        "order_no": "HA1", "operator": "MINI", "insutype": "310", "amount": "500",
        "person_code": citizen.patient.person.certno, "ward": "测试病区",
        "pay_code": town.codes["wechat"]["ok"],
    }  # fmt: skip
    assert (await cashier.ask_for_a_stay(order)).status == "settled"
    [line] = (await cashier.requests()).requests
    assert (line.order_no, line.psn_no, line.paid) == ("HA1", citizen.number, "500.00")
    admitted = await cashier.admit("HA1", admission(town.hospital, citizen))
    assert admitted.status == "settled", admitted
    assert (await cashier.deposits(str(admitted.mdtrt_id))).left == "500.00"
    back = await cashier.refund("HA1", "HR2")
    assert back.status in ("refunding", "refunded"), back
    assert (await certain(town, "HA1")).status == "refunded"
