"""Orders on payers' phones through Alipay and UnionPay, and payers who change between channels. All
channels are simulated ones, over HTTP; they tell by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec import UNSET

from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.unionpay_state import Decision
from protocol.cashier import CashierCall
from protocol.scan import ScanReply
from protocol.unionpay import codes
from settlement.payments.payment import ChannelName
from settlement.payments.payment_states import PHONE_ATTEMPTS_MAX, PHONE_WAIT_SECONDS
from settlement.serve.phone_pay import (
    ANSWERED_AFTER_SECONDS,
    BEING_OPENED,
    STANDS_THERE,
    STILL_CLOSING,
    TOO_OFTEN,
)
from settlement.telemetry.metrics import METRICS
from tests.kit import population
from tests.kit.phone import (
    ALIPAY,
    UNIONPAY,
    WECHAT,
    Phones,
    PhoneScanner,
    everything_ends,
    phones_of,
)
from tests.kit.population import DEAR
from tests.kit.scanner import leg, pending_fen
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
both = pytest.mark.parametrize("channel", [ALIPAY, UNIONPAY])
not_closed = pytest.mark.parametrize("code", ["32", "34"])
"""What UnionPay may answer to a reversal of an order that nobody has paid yet."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phones(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Phones]:
    """Of the town's people."""
    async with phones_of(town, tmp_path_factory.mktemp("phones")) as phones:
        yield phones


@pytest_asyncio.fixture(loop_scope="module")
async def counter(town: Town, phones: Phones) -> AsyncIterator[PhoneScanner]:
    """The pharmacy's; in the end everything is at its end, and all books agree."""
    counter = PhoneScanner(population.PHARMACY, phones.service)
    counter.phones = phones
    yield counter
    await everything_ends(town, phones)


async def invited(town: Town, counter: PhoneScanner) -> ScanReply:
    """An order of which the fund pays a part, and the payer the rest on their phone."""
    reply = await counter.scan(counter.order(town.someone(), DEAR, 3, pay_on_phone=True))
    assert reply.status == "payer_action", reply
    return reply


async def opened(phones: Phones, order: ScanReply, channel: ChannelName) -> CashierCall:
    """The payer taps; the app is given the order."""
    told = await phones.taps(order.cashier_url, channel)
    assert told.call is not None, told.message
    assert told.page.state == "paying"
    return told.call


def collected(phones: Phones) -> int:
    """How often all channels collected."""
    return sum(phones.paid(channel) for channel in (WECHAT, ALIPAY, UNIONPAY))


async def test_page_offers_what_the_institution_has(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    page = await phones.looked((await invited(town, counter)).cashier_url)
    assert [one.channel for one in page.ways] == ["wechat", "alipay", "unionpay"]
    assert [bool(one.sign_in) for one in page.ways] == [True, False, False]


@both
async def test_payer_pays_in_the_app_that_the_page_opens(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    order = await invited(town, counter)
    page = await phones.looked(order.cashier_url)
    call = await opened(phones, order, channel)
    assert leg(await counter.find(order.order_no), channel.value)[1] == "collecting"
    assert await phones.does(call, channel) == "ok"
    assert (await phones.looked(order.cashier_url)).state == "paid"
    settled = await counter.find(order.order_no)
    assert (settled.status, leg(settled, channel.value)) == ("settled", (page.amount, "paid"))
    refund = await counter.refund(order.order_no, f"R{order.order_no}")
    assert refund.status in ("refunding", "refunded"), refund
    await phones.pass_by(10)
    assert (await phones.looked(order.cashier_url)).state == "refunded"


@pytest.mark.parametrize("channel", [WECHAT, ALIPAY, UNIONPAY])
async def test_refund_is_known_by_what_the_channel_tells(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    """Nobody asks for it; and being told twice changes nothing."""
    order = await invited(town, counter)
    if channel is WECHAT:
        assert await phones.done((await phones.tapped(order.cashier_url)).call) == "ok"
    else:
        assert await phones.does(await opened(phones, order, channel), channel) == "ok"
    alarms = METRICS.payment_alarms
    phones.meet(Fault.NOTICE_TWICE, Operation.NOTICE, channel=channel)
    await counter.refund(order.order_no, f"R{order.order_no}")
    await phones.channels.clock.advance(4)
    assert (await counter.find(order.order_no)).status == "refunded"
    assert phones.channels.of(channel).faults.happened == {"notice_twice": 1}
    assert METRICS.payment_alarms == alarms


@both
async def test_program_of_the_institution_shows_the_channels_own_code(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    order = await invited(town, counter)
    handed = await counter.phone(order.order_no, "", channel)
    assert (handed.status, handed.phone) == ("payer_action", UNSET)
    assert (await counter.phone(order.order_no, "", channel)).phone_url == handed.phone_url
    assert await phones.at(str(handed.phone_url), channel) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"
    assert (await counter.phone(order.order_no, "", channel)).phone_url is UNSET


@both
async def test_where_the_channel_does_not_tell_it_is_asked(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    order = await invited(town, counter)
    phones.meet(Fault.NOTICE_NEVER, Operation.NOTICE, channel=channel)
    await phones.does(await opened(phones, order, channel), channel)
    assert (await phones.looked(order.cashier_url)).state == "paying"
    await phones.pass_by(6)
    assert (await phones.looked(order.cashier_url)).state == "paid"


@both
@pytest.mark.parametrize("act", ["", "look", "cancel"])
async def test_nobody_pays_and_everything_is_free_again(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName, act: str
) -> None:
    order = await invited(town, counter)
    call = await opened(phones, order, channel)
    if act:
        await phones.does(call, channel, act)
    await phones.pass_by(PHONE_WAIT_SECONDS + 1)
    for _ in range(3):
        await phones.pass_by(30)
    assert (await counter.find(order.order_no)).status == "refused"
    assert await pending_fen(town) == 0
    assert await phones.does(call, channel) == "fail"


async def reversed_by_hand(phones: Phones) -> None:
    """People at UnionPay give back the last payment."""
    unionpay = phones.channels.unionpay._state
    paid = [key for key, one in unionpay._transactions.items() if one.kind == codes.PAY]
    assert unionpay.reverse(paid[-1], phones.channels.clock()).code == codes.ACCEPTED


@pytest.mark.parametrize("looked", [False, True])
async def test_money_that_is_told_of_after_its_reversal_is_for_people(
    town: Town, phones: Phones, counter: PhoneScanner, looked: bool
) -> None:
    """It may have been reversed, and what a query would say of that is not documented."""
    order = await invited(town, counter)
    call = await opened(phones, order, UNIONPAY)
    if looked:
        await phones.does(call, UNIONPAY, "look")
    await counter.cancel(order.order_no)
    for _ in range(4):
        await phones.pass_by(30)
    assert (await counter.find(order.order_no)).status == "refused"
    alarms = METRICS.payment_alarms
    assert await phones.does(call, UNIONPAY, "pay_anyway") == "ok"
    await phones.pass_by(10)
    assert METRICS.payment_alarms > alarms
    page = await phones.looked(order.cashier_url)
    assert (page.state, "退回" in page.hint) == ("closed", False)
    await reversed_by_hand(phones)


@pytest.mark.parametrize("looked", [False, True])
async def test_money_that_comes_after_the_end_goes_back_by_itself(
    town: Town, phones: Phones, counter: PhoneScanner, looked: bool
) -> None:
    channel = ALIPAY
    order = await invited(town, counter)
    call = await opened(phones, order, channel)
    if looked:
        await phones.does(call, channel, "look")
    await counter.cancel(order.order_no)
    for _ in range(4):
        await phones.pass_by(30)
    assert (await counter.find(order.order_no)).status == "refused"
    assert await phones.does(call, channel, "pay_anyway") == "ok"
    assert phones.paid(channel) > 0
    await phones.pass_by(10)
    page = await phones.looked(order.cashier_url)
    assert (page.state, "退回" in page.hint) == ("closed", True)


@both
@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.WRONG_SIGNATURE])
async def test_order_whose_address_was_lost_is_opened_under_another_number(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName, fault: Fault
) -> None:
    before = collected(phones)
    order = await invited(town, counter)
    phones.meet(fault, Operation.HAND, channel=channel)
    lost = await phones.taps(order.cashier_url, channel)
    assert lost.call is None
    assert (await phones.taps(order.cashier_url, channel)).message == BEING_OPENED
    await phones.pass_by(ANSWERED_AFTER_SECONDS + 1)
    told = await phones.taps(order.cashier_url, channel)
    if told.call is None:  # it may still arrive: the channel does not call it dead at once
        for _ in range(5):
            await phones.pass_by(5)
        told = await phones.taps(order.cashier_url, channel)
    assert await phones.does(told.call, channel) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"
    assert collected(phones) == before + 1


@both
async def test_order_whose_address_was_lost_waits_for_its_payer_again(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    order = await invited(town, counter)
    phones.meet(Fault.LOST_AFTER, Operation.HAND, channel=channel)
    assert (await phones.taps(order.cashier_url, channel)).call is None
    for _ in range(12):
        await phones.pass_by(5)
    page = await phones.looked(order.cashier_url)
    assert (page.state, bool(page.ways)) == ("choose", True)
    assert await phones.does(await opened(phones, order, channel), channel) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"


@both
async def test_refused_order_may_be_paid_through_another_channel(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    order = await invited(town, counter)
    phones.meet(Fault.BUSY, Operation.HAND, channel=channel)
    told = await phones.taps(order.cashier_url, channel)
    assert (told.call, bool(told.message)) == (None, True)
    phones.mend()
    other = await phones.tapped(order.cashier_url)
    if other.call is None:  # a request that UnionPay was too busy for may still arrive
        assert other.message == STILL_CLOSING
        for _ in range(8):
            await phones.pass_by(5)
        other = await phones.tapped(order.cashier_url)
    assert await phones.done(other.call) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"


@both
@pytest.mark.parametrize("looked", [False, True])
async def test_payer_who_changes_to_wechat_cannot_pay_the_first_order_any_more(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName, looked: bool
) -> None:
    before = collected(phones)
    order = await invited(town, counter)
    first = await opened(phones, order, channel)
    if looked:
        await phones.does(first, channel, "look")
    second = await phones.tapped(order.cashier_url)
    assert second.call is not None, second.message
    assert await phones.does(first, channel) == "fail"
    assert await phones.done(second.call) == "ok"
    settled = await counter.find(order.order_no)
    assert (settled.status, leg(settled, "wechat")[1]) == ("settled", "paid")
    assert collected(phones) == before + 1


@both
async def test_payer_who_paid_and_taps_another_channel_sees_that_it_is_paid(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    before, other = collected(phones), UNIONPAY if channel is ALIPAY else ALIPAY
    order = await invited(town, counter)
    phones.meet(Fault.NOTICE_NEVER, Operation.NOTICE, channel=channel)
    first = await opened(phones, order, channel)
    await phones.does(first, channel)
    told = await phones.taps(order.cashier_url, other)
    assert (told.call, told.page.state) == (None, "paid")
    assert (await counter.find(order.order_no)).status == "settled"
    assert collected(phones) == before + 1


@both
async def test_payer_who_pays_while_the_order_is_being_closed_has_it_back(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName
) -> None:
    order = await invited(town, counter)
    phones.meet(Fault.NOTICE_NEVER, Operation.NOTICE, channel=channel)
    first = await opened(phones, order, channel)
    await phones.does(first, channel)
    phones.meet(Fault.LOST_BEFORE, Operation.QUERY, channel=channel)  # so nobody hears of it
    told = await phones.tapped(order.cashier_url)
    if told.call is not None:  # the closing gave it back
        assert await phones.done(told.call) == "ok"
    for _ in range(6):
        await phones.pass_by(10)
    settled = await counter.find(order.order_no)
    kept_by = "wechat" if told.call else channel.value
    assert (settled.status, leg(settled, kept_by)[1]) == ("settled", "paid")


@not_closed
async def test_order_that_the_channel_does_not_close_goes_on_there(
    town: Town, phones: Phones, counter: PhoneScanner, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    order = await invited(town, counter)
    first = await opened(phones, order, UNIONPAY)
    monkeypatch.setattr(
        phones.channels.unionpay._state, "reverse", lambda *_: Decision(code=code)
    )
    await phones.pass_by(31)
    told = await phones.tapped(order.cashier_url)
    assert (told.call, told.message) == (None, f"云闪付{STANDS_THERE}")
    assert told.page.state == "paying"
    assert await phones.does(first, UNIONPAY) == "ok"
    settled = await counter.find(order.order_no)
    assert (settled.status, leg(settled, "unionpay")[1]) == ("settled", "paid")


@not_closed
async def test_order_that_the_channel_does_not_close_ends_with_its_time(
    town: Town, phones: Phones, counter: PhoneScanner, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    order = await invited(town, counter)
    first = await opened(phones, order, UNIONPAY)
    monkeypatch.setattr(
        phones.channels.unionpay._state, "reverse", lambda *_: Decision(code=code)
    )
    await counter.cancel(order.order_no)
    await phones.pass_by(PHONE_WAIT_SECONDS - 10)
    assert (await counter.find(order.order_no)).status == "unknown"
    for _ in range(4):
        await phones.pass_by(60)
    assert (await counter.find(order.order_no)).status == "refused"
    assert await phones.does(first, UNIONPAY) == "fail"


@both
@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BUSY_AFTER])
async def test_second_channel_waits_until_the_first_is_known_to_be_closed(
    town: Town, phones: Phones, counter: PhoneScanner, channel: ChannelName, fault: Fault
) -> None:
    order = await invited(town, counter)
    first = await opened(phones, order, channel)
    await phones.does(first, channel, "look")
    phones.meet(fault, Operation.UNDO, channel=channel)
    told = await phones.tapped(order.cashier_url)
    if told.call is None:  # a query may say that it is closed all the same
        assert told.message == STILL_CLOSING
        assert (await counter.find(order.order_no)).status == "unknown"
    for _ in range(5):
        await phones.pass_by(5)
    again = await phones.tapped(order.cashier_url)
    assert await phones.does(first, channel) == "fail"
    assert await phones.done(again.call) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"


async def test_order_that_was_opened_too_often_is_paid_at_the_counter(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    asked = counter.order(town.someone(), DEAR, 3, pay_on_phone=True)
    order = await counter.scan(asked)
    for number in range(PHONE_ATTEMPTS_MAX):
        await opened(phones, order, (ALIPAY, UNIONPAY)[number % 2])
    told = await phones.taps(order.cashier_url, ALIPAY)
    assert (told.call, told.message) == (None, TOO_OFTEN)
    code = phones.simulator.codes.test_codes()["ok"]
    settled = await counter.scan({**asked, "pay_on_phone": False, "pay_code": code})
    assert settled.status == "settled"


async def test_two_phones_at_once_pay_once(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    before = collected(phones)
    order = await invited(town, counter)
    one, other = await asyncio.gather(
        phones.taps(order.cashier_url, ALIPAY), phones.taps(order.cashier_url, UNIONPAY)
    )
    said = [
        await phones.does(told.call, channel)
        for told, channel in ((one, ALIPAY), (other, UNIONPAY))
        if told.call is not None
    ]
    if "ok" not in said:
        await phones.pass_by(10)
        await phones.does(await opened(phones, order, ALIPAY), ALIPAY)
    assert (await counter.find(order.order_no)).status == "settled"
    assert collected(phones) == before + 1


async def test_money_of_a_reversed_order_that_was_left_is_for_people(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    first = await opened(phones, order, UNIONPAY)
    second = await phones.tapped(order.cashier_url)
    alarms = METRICS.payment_alarms
    assert await phones.does(first, UNIONPAY, "pay_anyway") == "ok"
    assert METRICS.payment_alarms > alarms
    assert await phones.done(second.call) == "ok"
    settled = await counter.find(order.order_no)
    assert (settled.status, leg(settled, "wechat")[1]) == ("settled", "paid")
    assert not [one for one in settled.legs if one.amount.startswith("-")]
    await reversed_by_hand(phones)


async def test_money_of_a_channel_that_was_left_goes_back_by_itself(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    channel = ALIPAY
    before = collected(phones)
    order = await invited(town, counter)
    first = await opened(phones, order, channel)
    second = await phones.tapped(order.cashier_url)
    assert await phones.does(first, channel, "pay_anyway") == "ok"
    assert await phones.done(second.call) == "ok"
    settled = await counter.find(order.order_no)
    assert (settled.status, leg(settled, "wechat")[1]) == ("settled", "paid")
    assert collected(phones) == before + 2
    for _ in range(3):
        await phones.pass_by(10)
    back = [one for one in (await counter.find(order.order_no)).legs if one.amount.startswith("-")]
    assert [(one.kind, one.status) for one in back] == [(channel.value, "returned")]


async def test_page_without_a_script_lists_and_opens(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await invited(town, counter)
    place = str(order.cashier_url).removeprefix(phones.url)
    assert f"{place}/plain" in (await phones.raw("GET", place))[2].decode()
    status, headers, body = await phones.raw("GET", f"{place}/plain")
    assert status == 200 and "form-action 'self'" in headers["Content-Security-Policy"]
    shown = body.decode()
    assert "/plain/alipay" in shown and "/plain/unionpay" in shown
    assert "/plain/wechat" not in shown
    said = (await phones.raw("POST", f"{place}/plain/unionpay"))[2].decode()
    assert phones.channels.unionpay.url in said and "点此打开云闪付" in said
    assert (await phones.raw("GET", f"{place}/plain/unionpay"))[0] == 405
    assert (await phones.raw("POST", f"{place}/plain/onecode"))[0] == 404
    forged = place[:-1] + ("A" if place[-1] != "A" else "B")
    assert (await phones.raw("GET", f"{forged}/plain"))[0] == 404
