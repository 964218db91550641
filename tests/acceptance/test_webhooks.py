"""Institutions are told how payments over channels ended (扫码支付结果通知)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from protocol.scan import ScanReply
from tests.kit.population import CLASS_A, CLASS_C, DEAR, PHARMACY
from tests.kit.receiving import Told, a_receiver
from tests.kit.scanner import Scanner, a_scanner
from tests.kit.till import WALLET, Play
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def told(town: Town) -> AsyncIterator[Told]:
    """The pharmacy's receiver."""
    async with a_receiver(town, PHARMACY.code) as told:
        yield told


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town, told: Told) -> AsyncIterator[Scanner]:
    """The pharmacy's scanner."""
    async with a_scanner(town) as scanner:
        yield scanner


def last(told: Told) -> ScanReply:
    """What the last notice says."""
    return msgspec.json.decode(told.book.entries[-1].data, type=ScanReply)


async def test_payment_that_was_answered_at_once_is_told_too(
    town: Town, scanner: Scanner, told: Told
) -> None:
    reply = await scanner.scan(scanner.order(town.someone(), DEAR, 3, pay_code=WALLET))
    await told.deliver()
    assert told.book.topics == ["payment.settled"]
    assert last(told) == reply
    assert not told.receiver.refused


async def test_payment_that_the_resolver_ends_is_told(
    town: Town, scanner: Scanner, told: Told
) -> None:
    town.channels.wechat.plays.append(Play.LOST_AFTER)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "unknown"
    await told.deliver()
    assert told.book.topics == []
    await town.resolve(seconds=6)
    await told.deliver()
    assert (last(told).order_no, last(told).status) == (order["order_no"], "settled")


async def test_payment_that_came_to_nothing_is_told(
    town: Town, scanner: Scanner, told: Told
) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    order = scanner.order(None, CLASS_C, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "refused"
    await told.deliver()
    assert told.book.topics == ["payment.closed"]


async def test_refund_that_arrived_is_told(town: Town, scanner: Scanner, told: Told) -> None:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    await scanner.refund(order["order_no"], f"W{order['order_no']}")
    await told.deliver()
    assert told.book.topics == ["payment.settled", "refund.returned"]
    assert last(told).refund_no == f"W{order['order_no']}"


async def test_sale_without_a_channel_is_told_in_its_answer_alone(
    town: Town, scanner: Scanner, told: Told
) -> None:
    assert (await scanner.scan(scanner.order(town.someone(), CLASS_A))).status == "settled"
    await told.deliver()
    assert told.book.topics == []
