"""What an institution is told of its orders, on a real wire: in order, again until it takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from loadtest.simulators.receiver import Fault
from settlement.outbox import GAPS_SECONDS, Came
from settlement.payments.mobile_timers import HOLD_SECONDS, SAVED_SECONDS
from settlement.payments.wallets import owner_of
from settlement.storage.outbox import log_of, resend
from tests.kit.mobile import Platform, a_caller
from tests.kit.population import CLASS_C, DEAR, HOSPITAL, some
from tests.kit.receiving import Told, a_receiver
from tests.kit.reply import assert_done, assert_same_answer
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def told(town: Town) -> AsyncIterator[Told]:
    """The hospital's receiver."""
    async with a_receiver(town, HOSPITAL.code) as told:
        yield told


@pytest.fixture
def platform(town: Town) -> Platform:
    """The hospital's platform."""
    return Platform(town, town.hospital)


async def test_order_is_told_first_then_that_the_insurance_paid(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2), some(CLASS_C))
    assert await told.owed() == []
    paid = await order.pay()
    assert [one.topic for one in await told.owed()] == ["6204", "6302"]
    await told.deliver()
    assert told.book.topics == ["6204", "6302"]
    first, second = (
        msgspec.json.decode(one.data, type=dict[str, object]) for one in told.book.entries
    )
    assert first["payOrdId"] == second["payOrdId"] == order.number
    assert first["thdPayType"] == "SELF"
    assert Decimal(str(second["ownpayAmt"])) == paid.money("ownPayAmt", "data")
    found = await order.ask()
    assert second["revsToken"] == found.text("revsToken", "data")
    assert not told.receiver.refused


async def test_what_went_back_is_told_once_a_part_and_after_the_payment(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR, 2))
    paid = await order.pay()
    by_app = order.refund(paid, "CASH")
    assert_same_answer(await town.hospital.send(by_app), await town.hospital.send(by_app))
    insured = await town.hospital.send(order.refund(paid, "HI"))
    await told.deliver()
    assert told.book.topics == ["6204", "6302", "6302", "6302"]
    _, first, cash, rest = (
        msgspec.json.decode(one.data, type=dict[str, Any]) for one in told.book.entries
    )
    assert [one["callType"] for one in (first, cash, rest)] == ["2", "3", "3"]
    assert (cash["setlType"], rest["setlType"]) == ("CASH", "HI")
    assert cash["feeSumamt"] == first["feeSumamt"] and cash["revsToken"] == ""
    back, back_too = cash["extData"]["refund"], rest["extData"]["refund"]
    assert Decimal(str(back["totlRefdAmt"])) == paid.money("ownPayAmt", "data")
    assert Decimal(str(back_too["fundRefdAmt"])) == paid.money("fundPay", "data")
    assert back_too["cashRefdAmt"] == 0
    assert rest["hiDocSn"] == back_too["hiFefdSn"] == insured.text("hiFefdSn", "data")
    assert not told.receiver.refused


@pytest.mark.parametrize("held", [True, False])
async def test_order_that_nobody_paid_in_time_is_told_once(
    town: Town, platform: Platform, told: Told, held: bool
) -> None:
    await a_caller(town, owner_of("WECHAT"), "wallet-wechat-000001")
    await town.end_orders(after_seconds=SAVED_SECONDS)
    await told.deliver()
    before = len(told.book.entries)
    order = await platform.upload(town.someone(), some(DEAR, 2))
    if held:
        assert_done(await order.pay(wallet="WECHAT"))
    seconds = HOLD_SECONDS if held else SAVED_SECONDS
    assert await town.end_orders(after_seconds=seconds + 1) == 1
    assert await town.end_orders(after_seconds=seconds) == 0
    await told.deliver()
    assert told.book.topics[before:] == ["6204"] * (1 + held)
    over = msgspec.json.decode(told.book.entries[-1].data, type=dict[str, Any])
    assert over["payOrdId"] == order.number
    assert over["extData"] == {"ordStas": "15"}
    assert (over["ownPayAmt"], over["fundPay"], over["psnAcctPay"]) == (0, 0, 0)
    assert over["thdPayType"] == ("WECHAT" if held else "SELF")
    assert not told.receiver.refused


async def test_order_that_was_withdrawn_is_told(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.withdraw()
    await told.deliver()
    [only] = told.book.entries
    over = msgspec.json.decode(only.data, type=dict[str, Any])
    assert (only.topic, over["extData"]) == ("6204", {"ordStas": "12"})


@pytest.mark.parametrize(
    ("fault", "came"),
    [
        (Fault.ERROR, Came.REFUSED),
        (Fault.WRONG, Came.REFUSED),
        (Fault.GARBAGE, Came.STRANGE),
        (Fault.TWICE, Came.SILENT),
    ],
)
async def test_what_is_not_taken_comes_again_and_the_next_one_waits(
    town: Town, platform: Platform, told: Told, fault: Fault, came: Came
) -> None:
    before = len(told.book.topics)
    told.receiver.plan = [fault]
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    await told.deliver()
    owed = await told.owed()
    assert [one.topic for one in owed] == ["6204", "6302"]
    assert (owed[0].came, owed[0].attempts, owed[1].attempts) == (came, 1, 0)
    await told.deliver(seconds=GAPS_SECONDS[0] - 1)
    assert len(await told.owed()) == 2
    await told.deliver(seconds=1)
    assert await told.owed() == []
    assert told.book.topics[before:] == ["6204", "6302"]
    assert not told.receiver.refused


async def test_answer_signed_by_somebody_else_is_no_answer(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    told.receiver.plan = [Fault.FORGED]
    await told.deliver()
    [first, _] = await told.owed()
    assert (first.came, first.status) == (Came.STRANGE, 200)


async def test_long_silence_is_on_the_worklist_with_growing_gaps(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    told.receiver.plan = [Fault.ERROR] * (len(GAPS_SECONDS) + 2)
    for seconds in (0.0, *GAPS_SECONDS, GAPS_SECONDS[-1]):
        await told.deliver(seconds=seconds)
    [first, _] = await told.owed()
    assert first.attempts == len(GAPS_SECONDS) + 2
    assert first.said == "HTTP 500"
    await told.deliver(seconds=GAPS_SECONDS[-1])
    assert await told.owed() == []
    logged = await log_of(town.owner, order.order_no)
    gaps = [
        (b.attempt.began_at - a.attempt.began_at).total_seconds()
        for a, b in pairwise(logged)
        if a.notice_no == b.notice_no
    ]
    assert gaps == sorted(gaps)
    assert [one.attempt.came for one in logged].count(Came.DELIVERED) == 2


async def test_delivered_notice_can_be_sent_again(
    town: Town, platform: Platform, told: Told
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    await told.deliver()
    before = len(told.book.entries)
    numbers = await resend(town.owner, order.order_no, None, at=town.clock())
    assert len(numbers) == 2
    await told.deliver()
    again = told.book.entries[before:]
    assert [one.topic for one in again] == ["6204", "6302"]
    assert all(one.seen_before for one in again)


async def test_one_silent_receiver_holds_up_nobody_else(
    town: Town, platform: Platform, told: Told
) -> None:
    other = Platform(town, town.other_hospital)
    async with a_receiver(town, other.counter.code) as elsewhere:
        told.receiver.plan = [Fault.SILENT]
        await (await platform.upload(town.someone(), some(DEAR))).pay()
        await (await other.upload(town.someone(), some(DEAR))).pay()
        connection = await asyncpg.connect(town.app_dsn)

        async def others_are_told() -> bool:
            await told.sender.step(connection)
            return elsewhere.book.topics == ["6204", "6302"]

        await until(others_are_told)
        assert told.book.topics == []
        await connection.close()
        told.receiver.silence.set()


async def test_notice_that_does_not_open_holds_up_its_own_case_alone(
    town: Town, platform: Platform, told: Told
) -> None:
    broken = await platform.upload(town.someone(), some(DEAR))
    await broken.pay()
    number, payload = await town.owner.fetchrow(
        "select notice_no, payload from settlement.outbox where case_no = $1 order by 1 limit 1",
        broken.order_no,
    )

    async def store(sealed: bytes) -> None:
        await town.owner.execute(
            "update settlement.outbox set payload = $3 where case_no = $1 and notice_no = $2",
            broken.order_no, number, sealed,
        )  # fmt: skip

    await store(payload[:-1] + bytes([payload[-1] ^ 1]))
    whole = await platform.upload(town.someone(), some(DEAR))
    await whole.pay()
    await told.deliver()
    assert told.book.topics == ["6204", "6302"]
    [first, second] = await told.owed()
    assert (first.case_no, first.came, second.attempts) == (broken.order_no, Came.NOBODY, 0)
    await store(payload)
    await told.deliver(seconds=GAPS_SECONDS[0])
    assert told.book.topics == ["6204", "6302"] * 2


async def test_nobody_is_told_where_nobody_wants_to_be(
    town: Town, platform: Platform
) -> None:
    order = await platform.upload(town.someone(), some(DEAR))
    await order.pay()
    found = await town.owner.fetchval(
        "select count(*) from settlement.outbox where case_no = $1", order.order_no
    )
    assert found == 0
