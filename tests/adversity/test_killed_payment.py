"""A process dies between two steps of a payment; the next one brings it to a verdict.

Whatever was left, the counter that sends the same order again hears what is true, nobody pays
twice, nothing stays held, and our books are the channel's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from protocol.scan import ScanReply
from settlement.gateway import Overloaded, Unavailable
from settlement.payments.payment_states import PHONE_WAIT_SECONDS
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.population import CLASS_A, DEAR, some
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.reply import assert_done
from tests.kit.scanner import Scanner, clearing_fen, pending_fen
from tests.kit.till import WALLET, Book, Play, ScriptedChannel
from tests.kit.till_phone import ScriptedPhone
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

Order = dict[str, object]


class Dying:
    """A process at a counter that is going to die."""

    def __init__(self, town: Town, line: DatabaseLine, service: Service) -> None:
        self.town = town
        self.line = line
        self.service = service
        self.scanner = Scanner(population.PHARMACY, service)
        self.channel: ScriptedChannel = town.channels.wechat
        """at which it dies"""
        self._tasks: list[asyncio.Task[Any]] = []

    async def stops_in(
        self, work: Coroutine[Any, Any, object], call: str, when: str
    ) -> None:
        """It dies before the channel hears of something, or with the channel's answer."""
        self.channel.stopped.clear()
        self.channel.stop_at = call, when
        self._tasks.append(asyncio.create_task(work))
        await self.channel.stopped.wait()
        await self.dies()

    async def loses(
        self, work: Coroutine[Any, Any, object], fault: Fault | None = None
    ) -> None:
        """It dies before its next batch is sent, or before it hears that it was committed; or
        where the line is broken by somebody else."""
        self.line.broken.clear()
        if fault is not None:
            self.line.break_at_next_batch(fault, away=True)
        self._tasks.append(asyncio.create_task(work))
        await self.line.broken.wait()
        self.town.channels.wechat.before_pay = None
        await self.dies()
        await self.line.open()

    async def dies(self) -> None:
        """Nothing of it goes on."""
        for task in (*self._tasks, *self.service.payments._under_way):
            task.cancel()
            with suppress(asyncio.CancelledError, Unavailable, Overloaded):
                await task
        await self.town.stop_service(self.service, drain_seconds=0)


@pytest_asyncio.fixture(loop_scope="module")
async def dying(town: Town, line: DatabaseLine) -> AsyncIterator[Dying]:
    """One; when it is dead, what it left comes to its end, and both books agree."""
    yield Dying(town, line, await town.start_service(dsn=line.dsn))
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    wechat = town.channels.wechat
    assert await clearing_fen(town, wechat.name) == wechat.book.balance_fen


@pytest_asyncio.fixture(loop_scope="module")
async def other(town: Town) -> Scanner:
    """The counter at the process that takes over."""
    return Scanner(population.PHARMACY, town.service)


def book(town: Town) -> Book:
    """What the channel knows."""
    return town.channels.wechat.book


async def test_number_that_only_belongs_to_somebody_can_be_used(
    town: Town, dying: Dying, other: Scanner
) -> None:
    order = dying.scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await dying.loses(dying.scanner.scan(order), Fault.BEFORE_SEND)
    assert (await other.find(order["order_no"])).err_code == "ORDER_UNKNOWN"
    assert (await other.scan(order)).status == "settled"


async def test_scanner_hears_later_while_the_database_is_away(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    scanner = Scanner(population.PHARMACY, worker)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    order_no = order["order_no"]
    await line.cut()
    for ask in (
        scanner.scan(order), scanner.find(order_no), scanner.cancel(order_no),
        scanner.refund(order_no, f"R{order_no}"), scanner.notify("wechat", "1"),
    ):  # fmt: skip
        with pytest.raises(Unavailable) as heard:
            await ask
        assert heard.value.retry == "later"
    await line.open()
    assert (await scanner.scan(order)).status == "settled"


def held(dying: Dying, order: Order, where: str) -> Coroutine[Any, Any, None]:
    """It dies after the hold, before the first byte left."""
    if where == "hold unanswered":
        return dying.loses(dying.scanner.scan(order), Fault.AFTER_COMMIT)
    return dying.stops_in(dying.scanner.scan(order), "pay", "before")


@pytest.mark.parametrize("where", ["hold unanswered", "before the first byte"])
async def test_hold_whose_payer_was_never_asked_is_released(
    town: Town, dying: Dying, other: Scanner, where: str
) -> None:
    buyer = town.someone()
    balance_fen, paid = await town.balance_fen(buyer), dict(book(town).paid)
    order = dying.scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    await held(dying, order, where)
    assert await town.balance_fen(buyer) < balance_fen
    again = await other.scan(order)
    assert (again.status, again.replayed) == ("unknown", True)
    for _ in range(8):
        await town.resolve(seconds=5)
    assert (await other.scan(order)).status == "refused"
    assert await town.balance_fen(buyer) == balance_fen
    assert book(town).paid == paid
    assert_done(await town.pharmacy.send(town.pharmacy.sale(buyer, some(CLASS_A))))


@pytest.mark.parametrize("fault", [None, Fault.BEFORE_SEND, Fault.AFTER_COMMIT])
async def test_payment_whose_report_is_lost_is_booked_and_not_paid_again(
    town: Town, dying: Dying, other: Scanner, fault: Fault | None
) -> None:
    buyer = town.someone()
    order = dying.scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    calls = book(town).calls.count("pay")
    if fault is None:
        await dying.stops_in(dying.scanner.scan(order), "pay", "after")
    else:
        town.channels.wechat.before_pay = lambda: dying.line.break_at_next_batch(fault, away=True)
        await dying.loses(dying.scanner.scan(order))
    if fault is Fault.AFTER_COMMIT:
        assert (await other.scan(order)).status == "settled"
    await town.resolve(seconds=6)
    again = await other.scan(order)
    assert (again.status, again.replayed) == ("settled", True)
    assert book(town).calls.count("pay") == calls + 1
    assert [row["kind"] for row in await town.rows_of(buyer)] == [1]


async def given_up(town: Town, scanner: Scanner) -> Order:
    """An order that was paid without our knowing, and that the cashier gave up."""
    town.channels.wechat.plays.append(Play.LOST_AFTER)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "unknown"
    assert (await scanner.cancel(order["order_no"])).status == "unknown"
    return order


@pytest.mark.parametrize("when", ["before", "after"])
async def test_undo_whose_report_is_lost_is_asked_again(
    town: Town, dying: Dying, other: Scanner, when: str
) -> None:
    order = await given_up(town, dying.scanner)
    await dying.stops_in(town.resolve(seconds=16, by=dying.service), "undo", when)
    assert (await other.scan(order)).status == "unknown"
    await town.resolve(seconds=0)
    closed = await other.scan(order)
    assert (closed.status, closed.replayed) == ("refused", True)
    assert book(town).calls[-1] == "undo"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_refund_whose_report_is_lost_goes_out_once(
    town: Town, dying: Dying, other: Scanner, when: str
) -> None:
    buyer = town.someone()
    balance_fen, refunds = await town.balance_fen(buyer), len(book(town).refunds)
    order = dying.scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    await dying.scanner.scan(order)
    number = order["order_no"]
    refund_no = f"R{number}"
    await dying.stops_in(dying.scanner.refund(number, refund_no), "refund", when)
    assert await town.balance_fen(buyer) == balance_fen
    assert (await other.refund(number, refund_no)).status == "refunding"
    await town.resolve(seconds=0)
    again = await other.refund(number, refund_no)
    assert (again.status, again.replayed) == ("refunded", True)
    assert len(book(town).refunds) == refunds + 1


@pytest_asyncio.fixture(loop_scope="module")
async def phones(town: Town, dying: Dying) -> AsyncIterator[None]:
    """Payers pay on their own phones."""
    town.channels.wechat.phone = ScriptedPhone(town.channels.wechat)
    yield
    await town.resolve(seconds=PHONE_WAIT_SECONDS + 60)
    town.channels.wechat.phone = None


async def invited(town: Town, scanner: Scanner) -> str:
    """An order whose payer is asked to pay on their phone."""
    reply = await scanner.scan(scanner.order(town.someone(), DEAR, 3, pay_on_phone=True))
    assert reply.status == "payer_action", reply
    return reply.order_no


async def handed(scanner: Scanner, order_no: str) -> ScanReply:
    """The institution's program opens it on the phone."""
    body = msgspec.json.encode({"openid": "oTest"})
    reply = await scanner.service.payments.phone(order_no, body, scanner.caller)
    return msgspec.json.decode(reply.body, type=ScanReply)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.usefixtures("phones")
async def test_order_whose_handing_out_is_lost_is_handed_out_again_and_paid_once(
    town: Town, dying: Dying, other: Scanner, when: str
) -> None:
    order_no = await invited(town, dying.scanner)
    paid = len(book(town).paid)
    await dying.stops_in(handed(dying.scanner, order_no), "hand", when)
    again = await handed(other, order_no)
    assert again.phone
    town.channels.wechat.confirm(again.phone.package.removeprefix("prepay_id="))
    await town.resolve(seconds=6)
    assert (await other.find(order_no)).status == "settled"
    assert len(book(town).paid) == paid + 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.usefixtures("phones")
async def test_withdrawal_whose_report_is_lost_is_asked_again(
    town: Town, dying: Dying, other: Scanner, when: str
) -> None:
    order_no = await invited(town, dying.scanner)
    assert (await handed(dying.scanner, order_no)).phone
    await dying.scanner.cancel(order_no)
    await dying.stops_in(town.resolve(seconds=1, by=dying.service), "withdraw", when)
    assert (await other.find(order_no)).status == "unknown"
    for _ in range(3):
        await town.resolve(seconds=3)
    assert (await other.find(order_no)).status == "refused"
    assert await pending_fen(town) == 0


@pytest.mark.usefixtures("phones")
async def test_invitation_that_nobody_heard_of_ends_by_itself(
    town: Town, dying: Dying, other: Scanner
) -> None:
    buyer = town.someone()
    balance_fen = await town.balance_fen(buyer)
    order = dying.scanner.order(buyer, DEAR, 3, pay_on_phone=True)
    await dying.loses(dying.scanner.scan(order), Fault.AFTER_COMMIT)
    assert await town.balance_fen(buyer) < balance_fen
    await town.resolve(seconds=PHONE_WAIT_SECONDS + 1)
    assert (await other.find(order["order_no"])).status == "refused"
    assert await town.balance_fen(buyer) == balance_fen


async def test_counter_that_hangs_up_leaves_a_payment_that_goes_on(
    town: Town, other: Scanner
) -> None:
    order = other.order(town.someone(), DEAR, 3, pay_code=WALLET)
    scan = asyncio.create_task(other.scan(order))
    wechat: ScriptedChannel = town.channels.wechat

    def hang_up() -> None:
        scan.cancel()

    wechat.before_pay = hang_up
    with suppress(asyncio.CancelledError):
        await scan
    wechat.before_pay = None
    await other.service.payments.drain(5)
    assert (await other.scan(order)).status == "settled"


@pytest_asyncio.fixture(loop_scope="module")
async def two_ways(town: Town, phones: None) -> AsyncIterator[None]:
    """And through Alipay as well."""
    town.channels.alipay.phone = ScriptedPhone(town.channels.alipay, address="https://qr.test/")
    yield
    await town.resolve(seconds=PHONE_WAIT_SECONDS + 60)
    assert await clearing_fen(town, "alipay") == town.channels.alipay.book.balance_fen
    town.channels.alipay.phone = None


async def in_alipay(scanner: Scanner, order_no: str) -> ScanReply:
    """The payer chooses Alipay."""
    body = msgspec.json.encode({"channel": "alipay"})
    reply = await scanner.service.payments.phone(order_no, body, scanner.caller)
    return msgspec.json.decode(reply.body, type=ScanReply)


async def left_and_paid(town: Town, other: Scanner, order_no: str, first: str) -> None:
    """Whatever the process left: the payer pays in Alipay, once, and WeChat's order is dead."""
    paid, paid_in_alipay = len(book(town).paid), len(town.channels.alipay.book.paid)
    for _ in range(6):
        again = await in_alipay(other, order_no)
        if again.phone_url:
            break
        await town.resolve(seconds=4)
    assert again.phone_url
    assert first in book(town).dead
    town.channels.alipay.confirm(str(again.phone_url).removeprefix("https://qr.test/"))
    await town.resolve(seconds=6)
    settled = await other.find(order_no)
    assert (settled.status, settled.legs[-1].kind) == ("settled", "alipay")
    assert len(book(town).paid) == paid
    assert len(town.channels.alipay.book.paid) == paid_in_alipay + 1


@pytest.mark.parametrize("where", ["before the change", "after it", "withdraw", "withdrawn"])
@pytest.mark.usefixtures("two_ways")
async def test_payer_whose_change_of_channel_is_broken_off_pays_once(
    town: Town, dying: Dying, other: Scanner, where: str
) -> None:
    order_no = await invited(town, dying.scanner)
    call = (await handed(dying.scanner, order_no)).phone
    assert call
    change = in_alipay(dying.scanner, order_no)
    match where:
        case "before the change":
            await dying.loses(change, Fault.BEFORE_SEND)
        case "after it":
            await dying.loses(change, Fault.AFTER_COMMIT)
        case "withdraw":
            await dying.stops_in(change, "withdraw", "before")
        case _:
            await dying.stops_in(change, "withdraw", "after")
    await left_and_paid(town, other, order_no, call.package.removeprefix("prepay_id="))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.usefixtures("two_ways")
async def test_second_order_whose_handing_out_is_lost_is_left_for_a_third(
    town: Town, dying: Dying, other: Scanner, when: str
) -> None:
    order_no = await invited(town, dying.scanner)
    dying.channel = town.channels.alipay
    await dying.stops_in(in_alipay(dying.scanner, order_no), "hand", when)
    assert not (await in_alipay(other, order_no)).phone_url
    await town.resolve(seconds=16)
    again = await in_alipay(other, order_no)
    assert again.phone_url
    town.channels.alipay.confirm(str(again.phone_url).removeprefix("https://qr.test/"))
    await town.resolve(seconds=6)
    assert (await other.find(order_no)).status == "settled"


@pytest.mark.usefixtures("two_ways")
async def test_payer_who_paid_before_the_change_was_heard_of_has_paid(
    town: Town, dying: Dying, other: Scanner
) -> None:
    order_no = await invited(town, dying.scanner)
    call = (await handed(dying.scanner, order_no)).phone
    assert call
    town.channels.wechat.confirm(call.package.removeprefix("prepay_id="))
    await dying.loses(in_alipay(dying.scanner, order_no), Fault.BEFORE_SEND)
    for _ in range(3):
        await town.resolve(seconds=4)
    settled = await other.find(order_no)
    assert (settled.status, settled.legs[-1].kind) == ("settled", "wechat")
    assert not (await in_alipay(other, order_no)).phone_url
