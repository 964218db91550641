"""A process dies between two steps of a mobile order; whoever asks again hears what is true.

At every commit: before it reached the database, or after it, with the answer lost. Either way the
same message through another process acts once, nothing stays held, and what is owed is delivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
import pytest_asyncio

from settlement.gateway import Overloaded, Unavailable
from settlement.payments.mobile_timers import HOLD_SECONDS
from settlement.payments.wallets import owner_of
from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.mobile import Caller, Order, Platform, a_caller, held_fen
from tests.kit.population import CLASS_C, DEAR, HOSPITAL, some
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.receiving import Told, a_receiver
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
WALLET = "WECHAT"
FAULTS = (Fault.BEFORE_SEND, Fault.AFTER_COMMIT)


@pytest_asyncio.fixture(loop_scope="module")
async def told(town: Town) -> AsyncIterator[Told]:
    """The hospital's receiver; in the end it was told everything, and nothing is held."""
    async with a_receiver(town, HOSPITAL.code) as told:
        yield told
    await town.end_orders(after_seconds=HOLD_SECONDS)
    assert await held_fen(town, HOSPITAL.code) == 0


@pytest_asyncio.fixture(loop_scope="module")
async def dying(town: Town, line: DatabaseLine, told: Told) -> AsyncIterator[Service]:
    """A process that is going to die; it knows the receiver."""
    service = await town.start_service(dsn=line.dsn)
    yield service
    if service in town._services:
        await town.stop_service(service, drain_seconds=0)


@pytest_asyncio.fixture(loop_scope="module")
async def platform(town: Town, told: Told) -> Platform:
    """The hospital's platform."""
    return Platform(town, town.hospital)


async def dies(
    town: Town, line: DatabaseLine, service: Service, work: Awaitable[object], fault: Fault
) -> None:
    """The process dies around the next commit."""
    line.broken.clear()
    line.break_at_next_batch(fault, away=True)
    task = asyncio.ensure_future(work)
    await line.broken.wait()
    task.cancel()
    with suppress(asyncio.CancelledError, Unavailable, Overloaded):
        await task
    await town.stop_service(service, drain_seconds=0)
    await line.open()


async def sent_twice(
    town: Town, line: DatabaseLine, dying: Service, message: Message, fault: Fault
) -> Reply:
    """To a process that dies over it, then to another: what that one answers."""
    await dies(town, line, dying, message.to(dying), fault)
    reply = await message.to(town.service)
    assert_done(reply)
    assert bool(reply.warn_msg) is (fault is Fault.AFTER_COMMIT)
    return reply


async def notices(town: Town, order: Order) -> int:
    """How many notices its commits made us owe."""
    found = await town.owner.fetchval(
        "select count(*) from settlement.outbox where case_no = $1", order.order_no
    )
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("fault", FAULTS)
async def test_upload_acts_once(
    town: Town, line: DatabaseLine, dying: Service, platform: Platform, fault: Fault
) -> None:
    whom = town.someone()
    message = await platform.order(whom, some(DEAR))
    reply = await sent_twice(town, line, dying, message, fault)
    order = Order(platform, whom, message, reply)
    assert_done(await order.pay())
    visits = await town.owner.fetchval(
        "select count(*) from settlement.visit where psn_no = $1", whom.number
    )
    assert visits == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_payment_is_booked_once_and_told_with_it(
    town: Town, line: DatabaseLine, dying: Service, platform: Platform, fault: Fault
) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2))
    message = order.payment(await platform.token(order.whom))
    await sent_twice(town, line, dying, message, fault)
    assert len(await town.rows_of(order.whom)) == 1
    assert await notices(town, order) == 2


@pytest.mark.parametrize("fault", FAULTS)
async def test_refund_goes_back_once(
    town: Town, line: DatabaseLine, dying: Service, platform: Platform, fault: Fault
) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2))
    paid = await order.pay()
    await sent_twice(town, line, dying, order.refund(paid), fault)
    assert len(await town.rows_of(order.whom)) == 2


@pytest.mark.parametrize("fault", FAULTS)
async def test_withdrawal_of_a_held_order_frees_it_once(
    town: Town, line: DatabaseLine, dying: Service, platform: Platform, fault: Fault
) -> None:
    await a_caller(town, owner_of(WALLET), "wallet-wechat-000001")
    whom = town.someone()
    before = await town.balance_fen(whom)
    order = await platform.upload(whom, some(DEAR, 2))
    assert_done(await order.pay(wallet=WALLET))
    await sent_twice(town, line, dying, order.enquiry("6401"), fault)
    assert await town.balance_fen(whom) == before


@pytest.mark.parametrize("fault", FAULTS)
async def test_confirmation_pays_once(
    town: Town, line: DatabaseLine, dying: Service, platform: Platform, fault: Fault
) -> None:
    wallet = await a_caller(town, owner_of(WALLET), "wallet-wechat-000001")
    order = await platform.upload(town.someone(), some(DEAR, 2), some(CLASS_C))
    reply = await order.pay(wallet=WALLET)
    assert_done(reply)
    names = ("feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt")
    said = {"payOrdId": order.number, **{n: reply.money(n, "data") for n in names}}
    await dies(town, line, dying, confirming(wallet, dying)(said), fault)
    assert (await wallet.send("confirm", said, wallet=True)).code == 0
    assert len(await town.rows_of(order.whom)) == 1
    assert await notices(town, order) == 2


def confirming(
    wallet: Caller, service: Service
) -> Callable[[dict[str, object]], Awaitable[object]]:
    """A confirmation to the process that is going to die."""

    async def send(said: dict[str, object]) -> object:
        assert service.mobile_centre is not None
        return await service.mobile_centre.wallet("confirm", wallet.sealed(said))

    return send


async def test_what_was_sent_and_not_written_down_is_sent_again(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    await told.step_and_die()
    taken = len(told.book.entries)
    assert len(await told.owed()) == 2
    await told.deliver()
    again = told.book.entries[taken:]
    assert [(one.topic, one.seen_before) for one in again] == [("6204", True), ("6302", False)]
