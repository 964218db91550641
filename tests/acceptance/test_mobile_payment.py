"""Mobile payment (移动支付): 6201, 6202, 6203, 6301, 6401, in the words of a platform.

CLASS_A is wholly in scope; of DEAR the outpatient fund pays a part and the account some.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.payments.mobile_timers import REVERSAL_SECONDS, SAVED_SECONDS
from tests.kit.mobile import Order, Platform, held_fen
from tests.kit.population import CLASS_A, CLASS_C, DEAR, HOSPITAL, some
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
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


async def test_refund_in_two_parts_gives_the_insurance_back_once(
    town: Town, platform: Platform
) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2))
    paid = await order.pay()
    cash = await town.hospital.send(order.refund(paid, "CASH"))
    assert_done(cash)
    assert await order.state() == "9"
    assert len(await town.rows_of(order.whom)) == 1
    whole = await town.hospital.send(order.refund(paid, "ALL"))
    assert_refused(whole, "MOBILE_ORDER_PARTLY_REFUNDED", field="input.data.payOrdId")
    assert_done(await town.hospital.send(order.refund(paid, "HI")))
    assert await order.state() == "7"
    assert len(await town.rows_of(order.whom)) == 2


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"totlRefdAmt": "1.00"}, "MOBILE_REFUND_AMOUNTS", "totlRefdAmt"),
        ({"fundRefdAmt": "0.01"}, "MOBILE_REFUND_AMOUNTS", "fundRefdAmt"),
        ({"cashRefdAmt": "0.01"}, "MOBILE_REFUND_AMOUNTS", "cashRefdAmt"),
        ({"ecToken": "SOMEBODY"}, "MOBILE_REFUND_UNAUTHORISED", "ecToken"),
        ({"payOrdId": "ORD4419000000000000000000000"}, "MOBILE_ORDER_UNKNOWN", "payOrdId"),
        ({"payOrdId": "X"}, "MOBILE_ORDER_UNKNOWN", "payOrdId"),
        ({"refdType": "SOME"}, "CODE_UNKNOWN", "refdType"),
        ({"appRefdSn": ""}, "FIELD_MISSING", "appRefdSn"),
    ],
)
async def test_refund_that_is_not_right_gives_nothing_back(
    town: Town, platform: Platform, changes: dict[str, object], code: str, field: str
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    paid = await order.pay()
    reply = await town.hospital.send(order.refund(paid, **changes))
    assert_refused(reply, code, field=f"input.data.{field}")
    assert len(await town.rows_of(order.whom)) == 1


async def test_refund_number_is_for_one_refund(town: Town, platform: Platform) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2))
    paid = await order.pay()
    first = order.refund(paid, "CASH", appRefdSn="SAME-1")
    assert_done(await town.hospital.send(first))
    other = await town.hospital.send(order.refund(paid, "HI", appRefdSn="SAME-1"))
    assert_refused(other, "MOBILE_REFUND_CONFLICT", field="input.data.appRefdSn")


async def test_reversal_token_gives_back_for_an_hour(town: Town, platform: Platform) -> None:
    order, late = [await platform.upload(one, some(DEAR)) for one in town.people(2)]
    paid, paid_too = await order.pay(), await late.pay()
    tokens = [(await one.ask()).text("revsToken", "data") for one in (order, late)]
    assert_done(await town.hospital.send(order.refund(paid, "HI", ecToken=tokens[0])))
    town.clock.pass_by(timedelta(seconds=REVERSAL_SECONDS))
    assert (await late.ask()).text("revsToken", "data") == ""
    reply = await town.hospital.send(late.refund(paid_too, "HI", ecToken=tokens[1]))
    assert_refused(reply, "MOBILE_REVERSAL_LATE", field="input.data.ecToken")


async def test_refund_waits_for_later_settlements_of_the_year(
    town: Town, platform: Platform
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    paid = await order.pay()
    later = await platform.upload(order.whom, some(DEAR))
    await later.pay()
    reply = await town.hospital.send(order.refund(paid))
    assert_refused(reply, "LATER_SETTLEMENT_STANDS", field="input.data.payOrdId")


async def test_racing_refunds_give_back_once(town: Town, platform: Platform) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2))
    paid = await order.pay()
    one, other = order.refund(paid), order.refund(paid)
    beside = await town.start_service()
    replies = await asyncio.gather(
        *(message.to(service) for message in (one, other) for service in (town.service, beside))
    )
    await town.stop_service(beside)
    done = {reply.text("refdSn", "data") for reply in replies if reply.infcode == 0}
    assert len(done) == 1
    refused = {reply.err_code for reply in replies if reply.infcode}
    assert refused == {"MOBILE_ORDER_REFUNDED"}
    assert len(await town.rows_of(order.whom)) == 2


async def test_order_that_is_not_paid_can_be_withdrawn_and_uploaded_anew(
    town: Town, platform: Platform
) -> None:
    order = await platform.upload(town.someone(), some(CLASS_A, 2))
    assert_done(await order.withdraw())
    assert_same_answer_but_warned(await order.withdraw())
    assert await order.state() == "12"
    assert_refused(await order.pay(), "MOBILE_ORDER_CLOSED", field="input.data.payOrdId")
    visits = await town.hospital.visits(order.whom)
    assert_done(await (await platform.upload(order.whom, some(CLASS_A, 2))).pay())
    assert visits.infcode == 0


def assert_same_answer_but_warned(reply: Reply) -> None:
    """Withdrawn before: done, and said so."""
    assert_done(reply)
    assert reply.warn_msg


async def test_paid_order_cannot_be_withdrawn(town: Town, platform: Platform) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    assert_refused(await order.withdraw(), "MOBILE_ORDER_PAID", field="input.data.payOrdId")


async def test_order_for_an_earlier_visit_settles_its_own_batch_only(
    town: Town, platform: Platform
) -> None:
    whom = town.someone()
    visit = await town.hospital.open_visit(whom, some(CLASS_C), batch="WINDOW")
    message = await platform.order(whom, some(DEAR), mdtrtId=visit.mdtrt_id)
    message = message.edited({"input.data.feedetailList[0].mdtrtId": visit.mdtrt_id})
    order = Order(platform, whom, message, await town.hospital.send(message))
    assert order.mdtrt_id == visit.mdtrt_id
    assert_done(await order.pay())
    assert_done(await visit.settle(some(CLASS_C), batch="WINDOW"))
    taken = message.edited(
        {
            "input.data.medOrgOrd": "ANOTHER",
            "input.data.chrgBchno": "WINDOW",
            "input.data.feedetailList[0].chrgBchno": "WINDOW",
        }
    )
    reply = await town.hospital.send(taken)
    assert_refused(reply, "MOBILE_BATCH_TAKEN", field="input.data.chrgBchno")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"ecToken": "NOBODY"}, "TOKEN_UNKNOWN", "ecToken"),
        ({"userName": "测试乙"}, "IDENTITY_MISMATCH", "userName"),
        ({"orgCodg": "H44190099002"}, "MOBILE_LINES_DIFFER", "feedetailList"),
        ({"medfeeSumamt": "1.00"}, "TOTAL_MISMATCH", "medfeeSumamt"),
        ({"insutype": "390"}, "SCHEME_NOT_ENROLLED", "insutype"),
        ({"feedetailList": []}, "LINES_NONE", "feedetailList"),
        ({"medType": "21"}, "MOBILE_LINES_DIFFER", "feedetailList"),
        ({"mdtrtId": "1"}, "MOBILE_LINES_DIFFER", "feedetailList"),
        ({"begntime": "yesterday"}, "FIELD_FORMAT", "begntime"),
        ({"acctUsedFlag": "7"}, "CODE_UNKNOWN", "acctUsedFlag"),
    ],
)
async def test_upload_that_is_not_right_leaves_nothing_behind(
    town: Town, platform: Platform, changes: dict[str, object], code: str, field: str
) -> None:
    whom = town.someone()
    reply = await town.hospital.send(await platform.order(whom, some(DEAR), **changes))
    assert_refused(reply, code, field=f"input.data.{field}")
    found = await town.owner.fetchval(
        "select count(*) from settlement.visit where psn_no = $1", whom.number
    )
    assert found == 0


async def test_order_number_is_for_one_order(town: Town, platform: Platform) -> None:
    order = await platform.upload(town.someone(), some(CLASS_A, 2))
    dearer = order.uploaded.edited({"input.data.invono": "I1"})
    reply = await town.hospital.send(dearer)
    assert_refused(reply, "MOBILE_ORDER_CONFLICT", field="input.data.medOrgOrd")
    somebody = await platform.order(town.someone(), some(CLASS_A, 2))
    sent = order.uploaded.envelope["input"]
    assert isinstance(sent, dict)
    taken = somebody.edited({"input.data.medOrgOrd": sent["data"]["medOrgOrd"]})
    reply = await town.hospital.send(taken)
    assert_refused(reply, "MOBILE_ORDER_CONFLICT", field="input.data.medOrgOrd")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"payToken": "x"}, "MOBILE_TOKEN_WRONG", "payToken"),
        ({"payAuthNo": ""}, "MOBILE_AUTHORISATION_MISSING", "payAuthNo"),
        ({"payAuthNo": "", "ecAuthCode": "A"}, "MOBILE_AUTHORISATION_MISSING", "payAuthNo"),
        ({"payAuthNo": "NOBODY"}, "TOKEN_UNKNOWN", "payAuthNo"),
        ({"mdtrtId": "1"}, "MOBILE_ORDER_OTHER_VISIT", "mdtrtId"),
        ({"chrgBchno": "1"}, "MOBILE_ORDER_OTHER_VISIT", "mdtrtId"),
        ({"extData": {"thdPayType": "SHELLS"}}, "MOBILE_WALLET_UNKNOWN", "extData"),
    ],
)
async def test_payment_that_is_not_right_pays_nothing(
    town: Town, platform: Platform, changes: dict[str, object], code: str, field: str
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    message = order.payment(await platform.token(order.whom), **changes)
    assert_refused(await town.hospital.send(message), code, field=f"input.data.{field}")
    assert await order.state() == "0"


async def test_authorisation_pays_for_one_order(town: Town, platform: Platform) -> None:
    whom = town.someone()
    first, second = [await platform.upload(whom, some(CLASS_A)) for _ in range(2)]
    authorisation = await platform.token(whom)
    assert_done(await town.hospital.send(first.payment(authorisation)))
    reply = await town.hospital.send(second.payment(authorisation))
    assert_refused(reply, "MOBILE_AUTHORISATION_USED", field="input.data.payAuthNo")
    by_voucher = second.payment(
        "", ecAuthCode=await platform.token(whom), ecChnlAppId="APP", ecChnlUserId="USER"
    )
    assert_done(await town.hospital.send(by_voucher))


async def test_another_institution_does_not_know_the_order(
    town: Town, platform: Platform
) -> None:
    order = await platform.upload(town.someone(), some(CLASS_A))
    stranger = Platform(town, town.other_hospital)
    message = Order(stranger, order.whom, order.uploaded, await resent(town, order)).enquiry()
    reply = await town.other_hospital.send(message)
    assert_refused(reply, "MOBILE_ORDER_UNKNOWN", field="input.data.payOrdId")


async def resent(town: Town, order: Order) -> Reply:
    """The first answer again."""
    return await town.hospital.send(order.uploaded)


async def test_pharmacy_sells_on_the_phone_as_at_its_counter(town: Town) -> None:
    platform = Platform(town, town.pharmacy)
    order = await platform.upload(town.someone(), some(DEAR, 3), acctUsedFlag="0")
    paid = await order.pay()
    counter = await town.pharmacy.sell(town.someone(), some(DEAR, 3))
    assert_done(paid)
    assert paid.money("fundPay", "data") == counter.money("fund_pay_sumamt")


async def test_order_nobody_places_ends_by_itself(town: Town, platform: Platform) -> None:
    order = await platform.upload(town.someone(), some(CLASS_A))
    assert await town.end_orders(after_seconds=SAVED_SECONDS - 60) == 0
    town.clock.pass_by(timedelta(seconds=60))
    late = order.payment(await platform.token(order.whom))
    reply = await town.hospital.send(late)
    assert_refused(reply, "MOBILE_ORDER_EXPIRED", field="input.data.payOrdId")
    assert await town.end_orders(after_seconds=0) >= 1
    assert await order.state() == "15"
    assert_done(await order.withdraw())
