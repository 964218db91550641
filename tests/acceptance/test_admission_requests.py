"""Admission from the patient's phone, confirmed by the ward (微信入院登记)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio

from protocol.hospital import AdmissionLine
from protocol.scan import ScanReply
from settlement.chart import ChannelAccount
from tests.kit.cashier import Cashier, Order, a_cashier, owed_fen
from tests.kit.counter import Message
from tests.kit.population import Citizen
from tests.kit.reply import assert_done, assert_refused
from tests.kit.scanner import leg
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admission

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NUMBERS = count(1)
DAY_SECONDS = 86_400.0


@pytest_asyncio.fixture(loop_scope="module")
async def cashier(town: Town) -> AsyncIterator[Cashier]:
    """The hospital's."""
    async with a_cashier(town) as cashier:
        yield cashier


def request_of(citizen: Citizen, **more: object) -> Order:
    """What the hospital's small program in the phone sends."""
    return {
        "order_no": f"A{next(_NUMBERS):06d}", "operator": "MINI", "insutype": "310",
        "person_code": citizen.patient.person.certno, "ward": "心内科一病区", "amount": "500",
        "pay_code": WALLET, **more,
    }  # fmt: skip


async def a_request(town: Town, cashier: Cashier) -> tuple[Citizen, Order]:
    """Somebody who has asked for a bed, and paid."""
    citizen = town.someone()
    order = request_of(citizen)
    reply = await cashier.ask_for_a_stay(order)
    assert reply.status == "settled", reply
    return citizen, order


async def listed(cashier: Cashier, order: Order) -> AdmissionLine | None:
    """The request as the ward sees it; None where it does not."""
    found = await cashier.requests()
    return next((one for one in found.requests if one.order_no == order["order_no"]), None)


async def admitted(
    cashier: Cashier, order: Order, message: Message, **changes: object
) -> ScanReply:
    """The ward sends what 2401 says."""
    return await cashier.admit(order["order_no"], message.edited(changes))


async def test_ward_admits_and_the_deposit_is_the_stay_s(town: Town, cashier: Cashier) -> None:
    citizen, order = await a_request(town, cashier)
    line = await listed(cashier, order)
    assert line is not None
    assert (line.psn_no, line.paid, line.ward) == (citizen.number, "500.00", "心内科一病区")
    message = admission(town.hospital, citizen)
    reply = await admitted(cashier, order, message)
    assert (reply.status, reply.message) == ("settled", "已办理入院，预交金已转入")
    stay_no = str(reply.mdtrt_id)
    assert (await cashier.deposits(stay_no)).left == "500.00"
    assert await listed(cashier, order) is None
    again = await admitted(cashier, order, message)
    assert (again.mdtrt_id, again.replayed) == (stay_no, True)
    stay = StayInProgress(
        hospital=town.hospital, patient=citizen.patient, mdtrt_id=stay_no, stay_no="Z"
    )
    refused = await town.hospital.send(stay.withdrawal())
    assert_refused(refused, "STAY_HAS_DEPOSITS", field="input.data.mdtrt_id")
    back = await cashier.refund(order["order_no"], "AR1", amount="100")
    assert leg(back, "wechat") == ("100.00", "returned")
    assert (await cashier.deposits(stay_no)).left == "400.00"


async def test_ward_that_refuses_gives_the_deposit_back(town: Town, cashier: Cashier) -> None:
    citizen, order = await a_request(town, cashier)
    owed = await owed_fen(town, ChannelAccount.DEPOSITS)
    some_of_it = await cashier.refund(order["order_no"], "AR2", amount="100")
    assert some_of_it.err_code == "REQUEST_REFUND_WHOLE"
    back = await cashier.refund(order["order_no"], "AR3")
    assert (back.status, leg(back, "wechat")) == ("refunded", ("500.00", "returned"))
    assert await owed_fen(town, ChannelAccount.DEPOSITS) == owed - 50_000
    assert await listed(cashier, order) is None
    late = await admitted(cashier, order, admission(town.hospital, citizen))
    assert late.err_code == "REQUEST_ENDED"


async def test_request_that_nobody_answers_ends_and_the_deposit_goes_back(
    town: Town, cashier: Cashier
) -> None:
    citizen, order = await a_request(town, cashier)
    await town.resolve(seconds=DAY_SECONDS)
    assert await listed(cashier, order) is None
    late = await admitted(cashier, order, admission(town.hospital, citizen))
    assert late.err_code == "REQUEST_ENDED"
    assert await town.service.payments.expire_requests() == 1
    assert await town.service.payments.expire_requests() == 0
    await town.resolve(seconds=1)
    assert (await cashier.find(order["order_no"])).status == "refunded"


async def test_request_whose_money_is_not_there_yet_waits(town: Town, cashier: Cashier) -> None:
    citizen = town.someone()
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = request_of(citizen)
    assert (await cashier.ask_for_a_stay(order)).status == "payer_action"
    assert await listed(cashier, order) is None
    message = admission(town.hospital, citizen)
    assert (await admitted(cashier, order, message)).err_code == "UNDERTAKING_OPEN"
    town.channels.wechat.confirm(next(reversed(town.channels.wechat.book.asked)))
    await town.resolve(seconds=6)
    assert (await admitted(cashier, order, message)).status == "settled"


async def test_request_that_was_never_paid_admits_nobody(town: Town, cashier: Cashier) -> None:
    citizen = town.someone()
    town.channels.wechat.plays.append(Play.POOR)
    order = request_of(citizen)
    assert (await cashier.ask_for_a_stay(order)).status == "refused"
    assert await listed(cashier, order) is None
    message = admission(town.hospital, citizen)
    assert (await admitted(cashier, order, message)).err_code == "REQUEST_UNPAID"


async def test_request_sent_again_asks_once(town: Town, cashier: Cashier) -> None:
    _, order = await a_request(town, cashier)
    again = await cashier.ask_for_a_stay({**order, "pay_code": OTHER_WALLET})
    assert (again.status, again.replayed) == ("settled", True)
    other = await cashier.ask_for_a_stay({**order, "amount": "600"})
    assert other.err_code == "ORDER_CONFLICT"
    assert len([one for one in (await cashier.requests()).requests
                if one.order_no == order["order_no"]]) == 1  # fmt: skip


async def test_ward_sees_requests_of_its_own_hospital_and_admits_who_asked(
    town: Town, cashier: Cashier
) -> None:
    _, order = await a_request(town, cashier)
    somebody_else = admission(town.hospital, town.someone())
    reply = await admitted(cashier, order, somebody_else)
    assert reply.err_code == "VISIT_OF_OTHER_PERSON"
    deposit = await cashier.admit("D000000", somebody_else)
    assert (deposit.err_code, cashier.status) == ("ORDER_UNKNOWN", 404)


async def test_request_is_no_visit_to_anybody_else(town: Town, cashier: Cashier) -> None:
    citizen, _ = await a_request(town, cashier)
    found = await town.hospital.visits(citizen, care_type="21")
    assert_done(found)
    assert found.rows("mdtrtinfo") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "0"},                      "DEPOSIT_AMOUNT_WRONG"),
        ({"pay_code": ""},                     "PAY_CODE_MISSING"),
        ({"insutype": "390"},                  "SCHEME_NOT_ENROLLED"),
        ({"person_code": "134567890123456789"}, "PERSON_UNKNOWN"),
    ],
)  # fmt: skip
async def test_request_that_cannot_be_taken_is_refused(
    town: Town, cashier: Cashier, changes: Order, code: str
) -> None:
    reply = await cashier.ask_for_a_stay(request_of(town.borrowed(), **changes))
    assert (reply.status, reply.err_code) == ("refused", code)
