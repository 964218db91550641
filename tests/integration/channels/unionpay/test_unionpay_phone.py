"""申请二维码 (主扫): addresses that a payer's phone opens, and what becomes of the orders."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace

from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.phone_window import ACT_PATH
from settlement.channels.port import OnPhones
from settlement.channels.unionpay_phone import UnionPayPhone
from settlement.payments.payment import Handed, OrderKey, Outcome, PhoneOrder, RefundOrder, Verdict
from tests.kit.unionpay import MONDAY_NOON, Desk, KeyRing, a_desk

MARGIN_SECONDS = 61


class Payers:
    """A merchant who is granted it, and payers with phones."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.channel = desk, desk.channel
        assert isinstance(desk.channel, OnPhones) and desk.channel.phone is not None
        self.door = desk.channel.phone

    def order(self, number: str = "PHONE00000000001", **more: object) -> PhoneOrder:
        now = self.desk.clock()
        told: dict[str, object] = {
            "order_no": number, "sent_at": now, "expires_at": now + timedelta(minutes=5),
            "amount_fen": 1234, "payer": "", "subject": "测试医院",
            "notify_url": self.desk.receiver.url,
        }  # fmt: skip
        return PhoneOrder(**told | more)  # type: ignore[arg-type]

    async def handed(self, order: PhoneOrder) -> str:
        handed = await self.door.hand(order)
        assert isinstance(handed, Handed), handed
        assert handed.outcome.verdict is Verdict.PAYER_ACTION
        return handed.url

    async def does(self, url: str, act: str = "pay") -> str:
        """What the payer does with the address, in 云闪付."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.desk.sim.url}{ACT_PATH}", json={"url": url, "act": act}) as reply,
        ):
            said = json.loads(await reply.read())["said"]
        await self.desk.pass_by()
        return str(said)


@pytest_asyncio.fixture
async def payers(unionpay_ring: KeyRing, tmp_path: Path) -> AsyncIterator[Payers]:
    async with a_desk(unionpay_ring, tmp_path, settings={"phone": True}) as desk:
        yield Payers(desk)


def key(order: PhoneOrder) -> OrderKey:
    return OrderKey(
        order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen,
        expires_at=order.expires_at,
    )  # fmt: skip


async def test_order_is_paid_told_and_voided(payers: Payers) -> None:
    order = payers.order()
    url = await payers.handed(order)
    assert (await payers.channel.query(key(order))).verdict is Verdict.UNKNOWN
    assert await payers.does(url, "cancel") == "cancel"
    assert await payers.does(url) == "ok"
    assert await payers.does(url) == "fail"
    [told] = payers.desk.receiver.taken
    assert (told.order_no, told.outcome.amount_fen) == (order.order_no, 1234)
    paid = await payers.channel.query(key(order))
    assert paid.verdict is Verdict.SUCCESS
    refund = RefundOrder(
        order=key(order), reference=paid.reference, refund_no="BACK000000000001",
        sent_at=order.sent_at, amount_fen=1234,
    )  # fmt: skip
    await payers.channel.refund(refund)
    await payers.desk.pass_by(1)
    assert (await payers.channel.query_refund(refund)).verdict is Verdict.SUCCESS
    assert payers.desk.totals()["net_fen"] == 0


async def test_same_order_again_is_a_duplicate_and_stays_open(payers: Payers) -> None:
    order = payers.order()
    url = await payers.handed(order)
    again = await payers.door.hand(order)
    assert isinstance(again, Outcome) and (again.verdict, again.code) == (Verdict.UNKNOWN, "12")
    assert payers.door.gives_once
    assert await payers.does(url) == "ok"


async def test_withdrawn_order_cannot_be_paid(payers: Payers) -> None:
    order = payers.order()
    url = await payers.handed(order)
    for _ in range(2):
        assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS
    assert await payers.does(url) == "fail"


async def test_withdrawal_of_a_paid_order_gives_it_back(payers: Payers) -> None:
    order = payers.order()
    await payers.does(await payers.handed(order))
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS
    assert payers.desk.totals()["net_fen"] == 0


async def test_order_that_expired_is_dead_and_a_query_says_so(payers: Payers) -> None:
    order = payers.order()
    url = await payers.handed(order)
    await payers.desk.pass_by(300)
    assert await payers.does(url) == "fail"
    await payers.desk.pass_by(MARGIN_SECONDS)
    told = await payers.door.withdraw(key(order))
    assert (told.verdict, told.exchange is not None) == (Verdict.SUCCESS, True)
    assert told.exchange and told.exchange.operation == "query"


async def test_order_that_was_paid_before_it_expired_is_refunded(payers: Payers) -> None:
    order = payers.order()
    await payers.does(await payers.handed(order))
    await payers.desk.pass_by(300 + MARGIN_SECONDS)
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.FAILED


async def test_expired_order_of_which_nothing_is_known_stays_open(payers: Payers) -> None:
    order = payers.order()
    await payers.handed(order)
    await payers.desk.pass_by(300 + MARGIN_SECONDS)
    payers.desk.sim.faults.add(Rule(fault=Fault.LOST_AFTER, operation=Operation.QUERY))
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("code", ["03", "04", "05", "01", "99"])
async def test_what_a_query_leaves_open_is_no_end(code: str) -> None:
    class Orders:
        async def apply(self, order: PhoneOrder) -> Handed | Outcome:
            raise AssertionError

        async def query(self, order: OrderKey) -> Outcome:
            return Outcome(verdict=Verdict.UNKNOWN, code=code)

        async def undo(self, order: OrderKey) -> Outcome:
            raise AssertionError

    order = OrderKey(
        order_no="PHONE00000000001", sent_at=MONDAY_NOON, amount_fen=1,
        expires_at=MONDAY_NOON + timedelta(minutes=5),
    )  # fmt: skip
    late = MONDAY_NOON + timedelta(minutes=7)
    door = UnionPayPhone(Orders(), clock=lambda: late, margin=timedelta(minutes=1))
    assert (await door.withdraw(order)).verdict is Verdict.UNKNOWN


async def test_expired_order_that_was_told_as_paid_is_refunded_whatever_a_query_says(
    payers: Payers,
) -> None:
    order = payers.order()
    await payers.handed(order)
    await payers.desk.pass_by(300 + MARGIN_SECONDS)
    told = await payers.door.withdraw(replace(key(order), money_came=True))
    assert told.verdict is Verdict.FAILED
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS


@pytest.mark.parametrize(
    "fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.WRONG_SIGNATURE, Fault.BUSY]
)
async def test_answer_that_is_none_leaves_it_open(payers: Payers, fault: Fault) -> None:
    order = payers.order()
    payers.desk.sim.faults.add(Rule(fault=fault, operation=Operation.HAND))
    lost = await payers.door.hand(order)
    assert isinstance(lost, Outcome) and lost.verdict is Verdict.UNKNOWN
    await payers.desk.pass_by(31)
    nobody_has_it = replace(key(order), was_handed=False)
    assert (await payers.door.withdraw(nobody_has_it)).verdict is Verdict.SUCCESS


async def test_order_that_unionpay_does_not_know_lives_until_its_address_expired(
    payers: Payers,
) -> None:
    """Of an address that nobody has paid yet a reversal may be told that there is no such one."""
    order = payers.order()
    for seconds in (31, 269, 59):
        await payers.desk.pass_by(seconds)
        lives = await payers.door.withdraw(key(order))
        assert (lives.verdict, lives.code) == (Verdict.FAILED, "34")
        assert (await payers.channel.undo(key(order))).verdict is Verdict.UNKNOWN
    await payers.desk.pass_by(1)
    assert (await payers.door.withdraw(key(order))).verdict is Verdict.SUCCESS


async def test_order_that_the_interface_cannot_carry_is_not_sent(payers: Payers) -> None:
    unfit = await payers.door.hand(payers.order("no_1"))
    assert isinstance(unfit, Outcome)
    assert (unfit.verdict, unfit.exchange) == (Verdict.FAILED, None)


async def test_merchant_who_is_not_granted_it_has_no_door(desk: Desk) -> None:
    assert desk.channel.phone is None
