"""Alipay's page for phones (手机网站支付): Alipay hears of an order when its payer opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from settlement.payments.payment_states import PHONE_WAIT_SECONDS
from tests.kit import population
from tests.kit.phone import ALIPAY, Phones, PhoneScanner, everything_ends, phones_of
from tests.kit.population import DEAR
from tests.kit.scanner import leg
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phones(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Phones]:
    """Of the town's people."""
    folder = tmp_path_factory.mktemp("phones")
    async with phones_of(town, folder, alipay_by="wap") as phones:
        yield phones
        await everything_ends(town, phones)


@pytest_asyncio.fixture(loop_scope="module")
async def counter(phones: Phones) -> PhoneScanner:
    """The pharmacy's."""
    counter = PhoneScanner(population.PHARMACY, phones.service)
    counter.phones = phones
    return counter


@pytest.mark.parametrize("looked", [False, True])
async def test_page_is_opened_and_paid(
    town: Town, phones: Phones, counter: PhoneScanner, looked: bool
) -> None:
    order = await counter.scan(counter.order(town.someone(), DEAR, 3, pay_on_phone=True))
    told = await phones.taps(order.cashier_url, ALIPAY)
    again = await phones.taps(order.cashier_url, ALIPAY)
    if looked:
        await phones.does(told.call, ALIPAY, "look")
        await phones.pass_by(6)
    assert await phones.does(again.call, ALIPAY) == "ok"
    assert await phones.does(told.call, ALIPAY) == "fail"
    settled = await counter.find(order.order_no)
    assert (settled.status, leg(settled, "alipay")[1]) == ("settled", "paid")


async def test_page_that_nobody_opens_ends_with_the_order(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await counter.scan(counter.order(town.someone(), DEAR, 3, pay_on_phone=True))
    told = await phones.taps(order.cashier_url, ALIPAY)
    await phones.pass_by(PHONE_WAIT_SECONDS + 1)
    await phones.pass_by(30)
    assert (await counter.find(order.order_no)).status == "refused"
    assert await phones.does(told.call, ALIPAY) == "fail"


async def test_page_that_was_left_opens_nothing(
    town: Town, phones: Phones, counter: PhoneScanner
) -> None:
    order = await counter.scan(counter.order(town.someone(), DEAR, 3, pay_on_phone=True))
    told = await phones.taps(order.cashier_url, ALIPAY)
    other = await phones.tapped(order.cashier_url)
    assert await phones.does(told.call, ALIPAY) == "fail"
    assert await phones.done(other.call) == "ok"
    assert (await counter.find(order.order_no)).status == "settled"
