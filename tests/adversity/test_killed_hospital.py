"""A process dies between two steps of a hospital's payment; the next one brings it to a verdict.

As tests/adversity/test_killed_payment.py, whose dying process it borrows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.chart import ChannelAccount
from tests.adversity.test_killed_payment import Dying
from tests.kit.cashier import CASH, Cashier, Order, owed_fen
from tests.kit.counter import Message, Visit
from tests.kit.population import DEAR, some
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.reply import assert_done
from tests.kit.scanner import pending_fen
from tests.kit.till import WALLET, Book
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admission, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")


class DyingWindow(Dying):
    """A process at a hospital's window that is going to die."""

    @property
    def cashier(self) -> Cashier:
        """Who speaks to it."""
        return Cashier(self.service)


@pytest_asyncio.fixture(loop_scope="module")
async def dying(town: Town, line: DatabaseLine) -> AsyncIterator[DyingWindow]:
    """One; when it is dead, what it left comes to its end, and both books agree."""
    yield DyingWindow(town, line, await town.start_service(dsn=line.dsn))
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    clearing = ChannelAccount.CLEARING
    assert -await owed_fen(town, clearing, "wechat") == book(town).balance_fen


@pytest_asyncio.fixture(loop_scope="module")
async def other(town: Town) -> Cashier:
    """The window at the process that takes over."""
    return Cashier(town.service)


def book(town: Town) -> Book:
    """What the channel knows."""
    return town.channels.wechat.book


async def a_stay(town: Town) -> StayInProgress:
    """In hospital, with two boxes."""
    return await admit(town.hospital, town.someone(), some(DEAR, 2))


async def a_bill(town: Town) -> tuple[Visit, Message]:
    """A visit, and what its 2207 says."""
    visit = await town.hospital.open_visit(town.someone(), some(DEAR, 3))
    quoted = visit.quote(some(DEAR, 3)).edited({"input.data.acct_used_flag": "0"})
    return visit, visit.settlement(quoted, await town.hospital.send(quoted))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_deposit_whose_collector_died_is_booked_if_it_was_paid(
    town: Town, dying: DyingWindow, other: Cashier, when: str
) -> None:
    stay = await a_stay(town)
    order = other.deposit_order(stay.mdtrt_id, "500", pay_code=WALLET)
    await dying.stops_in(dying.cashier.deposit(order), "pay", when)
    assert (await other.deposit(order)).status == "unknown"
    for _ in range(8):
        await town.resolve(seconds=5)
    paid = when == "after"
    assert (await other.deposit(order)).status == ("settled" if paid else "refused")
    assert (await other.deposits(stay.mdtrt_id)).paid == ("500.00" if paid else "0.00")


@pytest.mark.parametrize("fault", [Fault.BEFORE_SEND, Fault.AFTER_COMMIT])
async def test_cash_deposit_whose_answer_is_lost_is_booked_once(
    town: Town, dying: DyingWindow, other: Cashier, fault: Fault
) -> None:
    stay = await a_stay(town)
    order = other.deposit_order(stay.mdtrt_id, "300", tender=CASH)
    await dying.loses(dying.cashier.deposit(order), fault)
    again = await other.deposit(order)
    assert again.status == "settled"
    assert (again.replayed is True) == (fault is Fault.AFTER_COMMIT)
    assert (await other.deposits(stay.mdtrt_id)).paid == "300.00"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_refund_of_a_deposit_whose_report_is_lost_goes_out_once(
    town: Town, dying: DyingWindow, other: Cashier, when: str
) -> None:
    stay = await a_stay(town)
    order = await dying.cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    refunds, refund_no = len(book(town).refunds), f"K{order['order_no']}"
    await dying.stops_in(dying.cashier.refund(order["order_no"], refund_no), "refund", when)
    assert (await other.refund(order["order_no"], refund_no)).status == "refunding"
    await town.resolve(seconds=0)
    again = await other.refund(order["order_no"], refund_no)
    assert (again.status, again.replayed) == ("refunded", True)
    assert len(book(town).refunds) == refunds + 1
    assert (await other.deposits(stay.mdtrt_id)).returned == "500.00"


async def held(dying: DyingWindow, order: Order, where: str) -> None:
    """It dies with a bill that is held, and nobody has paid."""
    if where == "hold unanswered":
        await dying.loses(dying.cashier.visit(order), Fault.AFTER_COMMIT)
    else:
        await dying.stops_in(dying.cashier.visit(order), "pay", "before")


@pytest.mark.parametrize("where", ["hold unanswered", "before the first byte"])
async def test_bill_whose_payer_was_never_asked_is_free_again(
    town: Town, dying: DyingWindow, other: Cashier, where: str
) -> None:
    visit, settlement = await a_bill(town)
    order = other.visit_order(settlement, pay_code=WALLET)
    await held(dying, order, where)
    refused = await town.hospital.send(visit.withdrawal_of_lines("B1"))
    assert refused.err_code == "UNDERTAKING_OPEN"
    for _ in range(8):
        await town.resolve(seconds=5)
    assert (await other.visit(order)).status == "refused"
    assert_done(await town.hospital.send(settlement))


async def test_bill_whose_report_is_lost_is_settled_and_not_paid_again(
    town: Town, dying: DyingWindow, other: Cashier
) -> None:
    _, settlement = await a_bill(town)
    order = other.visit_order(settlement, pay_code=WALLET)
    calls = book(town).calls.count("pay")
    await dying.stops_in(dying.cashier.visit(order), "pay", "after")
    await town.resolve(seconds=6)
    again = await other.visit(order)
    assert (again.status, again.replayed) == ("settled", True)
    assert book(town).calls.count("pay") == calls + 1


async def test_settlement_whose_process_dies_sends_back_what_is_left_once(
    town: Town, dying: DyingWindow, other: Cashier
) -> None:
    stay = await a_stay(town)
    await other.pay_in(stay.mdtrt_id, "2000", pay_code=WALLET)
    assert_done(await town.hospital.send(stay.discharge()))
    quoted = stay.quote(Decimal("4000.00"), account=False)
    message = stay.settlement(quoted, await town.hospital.send(quoted))
    refunds = len(book(town).refunds)
    await dying.loses(message.to(dying.service), Fault.AFTER_COMMIT)
    assert_done(await town.hospital.send(message))
    await town.resolve(seconds=1)
    found = await other.deposits(stay.mdtrt_id)
    assert (found.applied, found.returned) == ("1120.00", "880.00")
    assert found.deposits[0].returns[0].status == "returned"
    assert len(book(town).refunds) == refunds + 1


@pytest.mark.parametrize("fault", [Fault.BEFORE_SEND, Fault.AFTER_COMMIT])
async def test_admission_whose_answer_is_lost_is_one_stay(
    town: Town, dying: DyingWindow, other: Cashier, fault: Fault
) -> None:
    citizen = town.someone()
    order: Order = {
        "order_no": f"KA{fault.value}{citizen.number[-4:]}", "operator": "MINI",
        "insutype": "310", "amount": "500", "person_code": citizen.patient.person.certno,
        "pay_code": WALLET,
    }  # fmt: skip
    assert (await other.ask_for_a_stay(order)).status == "settled"
    message = admission(town.hospital, citizen)
    await dying.loses(dying.cashier.admit(order["order_no"], message), fault)
    again = await other.admit(order["order_no"], message)
    assert again.status == "settled"
    assert (again.replayed is True) == (fault is Fault.AFTER_COMMIT)
    assert (await other.deposits(str(again.mdtrt_id))).left == "500.00"
