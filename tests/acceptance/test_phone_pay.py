"""Orders that payers pay on their own phones (手机支付): from a page behind a link, or from an
institution's small program. WeChat is a simulated one, over HTTP; it tells by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec import UNSET

from loadtest.simulators.channel_faults import Fault, Operation
from protocol.scan import ScanReply
from settlement.payments.payment import ChannelName
from settlement.payments.payment_states import PHONE_LAST_SECONDS, PHONE_WAIT_SECONDS
from tests.kit import population
from tests.kit.phone import Phones, PhoneScanner, everything_ends, phones_of
from tests.kit.population import CLASS_A, CLASS_C, DEAR
from tests.kit.scanner import leg, pending_fen
from tests.kit.till import OTHER_WALLET
from tests.kit.town import Town
from tests.kit.wechat import MCHID

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phones(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Phones]:
    """Of the town's people."""
    async with phones_of(town, tmp_path_factory.mktemp("phones")) as phones:
        yield phones


@pytest_asyncio.fixture(loop_scope="module")
async def counter(town: Town, phones: Phones) -> AsyncIterator[PhoneScanner]:
    """The pharmacy's; in the end everything is at its end, and both books agree."""
    counter = PhoneScanner(population.PHARMACY, phones.service)
    counter.phones = phones
    yield counter
    await everything_ends(town, phones)


async def invited(town: Town, counter: PhoneScanner, **more: object) -> ScanReply:
    """An order of which the fund pays a part, and the payer the rest on their phone."""
    reply = await counter.scan(counter.order(town.someone(), DEAR, 3, pay_on_phone=True, **more))
    assert reply.status == "payer_action", reply
    return reply


async def test_payer_pays_on_the_page_of_the_link(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    assert (leg(order, "fund")[1], leg(order, "wechat")) == ("held", ("", ""))
    page = await phones.looked(order.cashier_url)
    assert order.split
    assert (page.state, page.amount) == ("choose", order.split.psn_cash_pay)
    assert ("医保基金支付", leg(order, "fund")[0]) in [(one.name, one.amount) for one in page.parts]
    told = await phones.tapped(order.cashier_url)
    assert (told.page.state, told.message) == ("paying", "")
    assert await phones.done(told.call) == "ok"
    assert (await phones.looked(order.cashier_url)).state == "paid"
    settled = await counter.find(order.order_no)
    assert (settled.status, settled.cashier_url) == ("settled", UNSET)
    assert leg(settled, "wechat") == (page.amount, "paid")


async def test_small_program_opens_an_order_by_its_own(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    handed = await counter.phone(order.order_no)
    assert handed.phone
    assert handed.status == "payer_action"
    assert await phones.done(handed.phone) == "ok"
    again = await counter.phone(order.order_no)
    assert (again.status, again.phone) == ("settled", UNSET)


async def test_self_pay_sale_and_its_refund(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await counter.scan(counter.order(None, CLASS_C, 3, pay_on_phone=True))
    told = await phones.tapped(order.cashier_url)
    await phones.done(told.call)
    refund = await counter.refund(order.order_no, f"R{order.order_no}")
    assert refund.status in ("refunding", "refunded"), refund
    await phones.pass_by(10)
    assert (await phones.looked(order.cashier_url)).state == "refunded"
    assert leg(await counter.find(order.order_no), "wechat")[1] == "paid"


async def test_nothing_left_to_pay_gives_no_link(town: Town, counter: PhoneScanner) -> None:
    reply = await counter.scan(counter.order(town.someone(), CLASS_A, 1, pay_on_phone=True))
    assert (reply.status, reply.cashier_url) == ("settled", UNSET)


async def test_where_wechat_does_not_tell_it_is_asked(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    phones.meet(Fault.NOTICE_NEVER, Operation.NOTICE)
    told = await phones.tapped(order.cashier_url)
    await phones.done(told.call)
    assert (await phones.looked(order.cashier_url)).state == "paying"
    await phones.pass_by(6)
    assert (await phones.looked(order.cashier_url)).state == "paid"


@pytest.mark.parametrize("fault", [Fault.NOTICE_ONE_FEN_OFF, Fault.NOTICE_FORGED])
async def test_what_a_false_notification_says_of_the_money_is_not_taken(
    town: Town, phones: Phones, counter: PhoneScanner, fault: Fault
) -> None:
    order = await invited(town, counter)
    phones.meet(fault, Operation.NOTICE)
    told = await phones.tapped(order.cashier_url)
    before = await counter.find(order.order_no)
    assert before.status == "payer_action"
    await phones.done(told.call)
    await phones.pass_by(60)
    after = await counter.find(order.order_no)
    if fault is Fault.NOTICE_FORGED:
        assert after.status == "settled"
    else:  # another amount than was asked: nothing is booked, and all of it goes back
        assert after.status == "refused"


async def test_order_is_opened_as_often_as_one_likes_and_paid_once(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    before = phones.paid(ChannelName.WECHAT)
    order = await invited(town, counter)
    first, second = await asyncio.gather(
        phones.tapped(order.cashier_url), phones.tapped(order.cashier_url)
    )
    assert first.call and second.call and first.call.jsapi and second.call.jsapi
    assert first.call.jsapi.package == second.call.jsapi.package
    assert await phones.done(second.call, "cancel") == "cancel"
    assert await phones.done(first.call) == "ok"
    assert await phones.done(second.call) == "fail"
    assert phones.paid(ChannelName.WECHAT) == before + 1


async def test_another_payer_is_told_that_the_order_waits_for_somebody(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    mine = await phones.tapped(order.cashier_url)
    other = await phones.tapped(order.cashier_url, "oSimPayer0000000000000000002")
    assert other.call is None
    assert other.message
    assert await phones.done(mine.call) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.WRONG_SIGNATURE])
async def test_lost_answer_is_asked_for_again_under_the_same_number(
    town: Town, phones: Phones, counter: PhoneScanner, fault: Fault
) -> None:
    order = await invited(town, counter)
    page = await phones.looked(order.cashier_url)
    code = await phones.signed_in(page)
    phones.meet(fault, Operation.OTHER)
    lost = await counter.phone(order.order_no)
    assert (lost.status, lost.phone) == ("unknown", UNSET)
    told = await phones.opened(order.cashier_url, code)
    assert told.call
    await phones.done(told.call)
    assert (await counter.find(order.order_no)).status == "settled"


async def test_nobody_pays_and_everything_is_free_again(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    await phones.pass_by(PHONE_WAIT_SECONDS - 1)
    assert (await phones.looked(order.cashier_url)).state == "choose"
    await phones.pass_by(2)
    page = await phones.looked(order.cashier_url)
    assert (page.state, page.ways) == ("closed", [])
    assert (await counter.find(order.order_no)).status == "refused"
    assert await pending_fen(town) == 0


async def test_payer_who_opened_it_and_does_not_pay_is_not_waited_for_longer(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    told = await phones.tapped(order.cashier_url)
    await phones.pass_by(PHONE_WAIT_SECONDS + 5)
    assert (await counter.find(order.order_no)).status == "refused"
    assert await phones.done(told.call) == "fail"


async def test_who_begins_at_the_last_moment_has_a_minute(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    await phones.pass_by(PHONE_WAIT_SECONDS - 5)
    told = await phones.tapped(order.cashier_url)
    await phones.pass_by(PHONE_LAST_SECONDS - 10)
    assert await phones.done(told.call) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"


async def test_money_that_comes_while_it_is_closed_goes_back(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    phones.meet(Fault.NOTICE_NEVER, Operation.NOTICE)
    told = await phones.tapped(order.cashier_url)
    await phones.done(told.call)
    closing = await counter.cancel(order.order_no)
    assert closing.status == "unknown"
    for _ in range(6):
        await phones.pass_by(5)
    assert (await counter.find(order.order_no)).status == "refused"
    page = await phones.looked(order.cashier_url)
    assert (page.state, "退回" in page.hint) == ("closed", True)


async def test_counter_may_scan_a_code_instead(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    asked = counter.order(town.someone(), DEAR, 3, pay_on_phone=True)
    order = await counter.scan(asked)
    code = phones.simulator.codes.test_codes()["ok"]
    settled = await counter.scan({**asked, "pay_on_phone": False, "pay_code": code})
    assert settled.status == "settled"
    assert (await phones.looked(order.cashier_url)).state == "paid"


async def test_sent_again_it_says_what_stands_with_the_same_link(
    town: Town, counter: PhoneScanner
) -> None:
    asked = counter.order(town.someone(), DEAR, 3, pay_on_phone=True)
    first, again = await counter.scan(asked), await counter.scan(asked)
    assert again.replayed is True
    assert again.cashier_url == first.cashier_url


async def test_code_of_the_sign_in_is_good_once(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    code = await phones.signed_in(await phones.looked(order.cashier_url))
    assert (await phones.opened(order.cashier_url, code)).call
    again = await phones.opened(order.cashier_url, code)
    assert again.call is None
    assert "重新打开付款页面" in again.message


async def test_two_ways_at_once_are_not_read(town: Town, counter: PhoneScanner) -> None:
    both = counter.order(town.someone(), DEAR, 3, pay_on_phone=True, pay_code=OTHER_WALLET)
    reply = await counter.scan(both)
    assert (counter.status, reply.err_code) == (400, "SCAN_UNREADABLE")


async def test_order_for_a_code_is_not_handed_to_a_phone(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    code = phones.simulator.codes.test_codes()["userpaying"]
    order = await counter.scan(counter.order(town.someone(), DEAR, 3, pay_code=code))
    assert order.status == "payer_action"
    reply = await counter.phone(order.order_no)
    assert reply.err_code == "ORDER_NOT_FOR_PHONES"


async def test_merchant_without_the_grant_is_refused_before_anything_is_held(
    town: Town, counter: PhoneScanner
) -> None:
    plain = PhoneScanner(population.PHARMACY, town.service)
    reply = await plain.scan(plain.order(town.someone(), DEAR, 3, pay_on_phone=True))
    assert (reply.err_code, reply.err_field) == ("CHANNEL_NOT_OPENED", "pay_on_phone")


async def test_page_is_nobodys_without_its_token(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    place = str(order.cashier_url).removeprefix(phones.url)
    status, headers, body = await phones.raw("GET", place)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "付款" in body.decode()
    forged = place[:-1] + ("A" if place[-1] != "A" else "B")
    for method, more in (("GET", "/state"), ("POST", "/pay")):
        assert (await phones.raw(method, forged + more, data=b"{}"))[0] == 404
    assert (await phones.raw("POST", f"{place}/pay", data=b"{}"))[0] == 400
    assert (await phones.raw("DELETE", f"{place}/state"))[0] == 405
    names_nobody = (await phones.raw("GET", f"{place}/state"))[2].decode()
    assert "测试" not in names_nobody.replace(population.PHARMACY.name, "")


async def test_merchants_number_is_what_is_asked(phones: Phones) -> None:
    assert {one.merchant_no for one in phones.simulator.book.entries} == {MCHID}
