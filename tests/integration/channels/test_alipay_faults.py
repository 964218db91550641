"""The Alipay adapter on a line and a channel that fail: what it may believe, and what is found out.

Whatever breaks is UNKNOWN, and the same number asked again leads to what Alipay's own book says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from loadtest.simulators.payer_codes import Behaviour
from protocol.alipay import bills
from settlement.channels.port import BillRefusedError
from settlement.payments.payment import Advice, OrderKey, Outcome, Verdict
from tests.integration.channels.alipay_world import (
    AlipayWorld,
    alipay_world,
    key_of,
    refund_of,
)

S, P, U, F = Verdict.SUCCESS, Verdict.PAYER_ACTION, Verdict.UNKNOWN, Verdict.FAILED
DAY = date(2026, 11, 25)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[AlipayWorld]:
    async with alipay_world(tmp_path) as made:
        yield made


UNDO_AGAIN = (Fault.UNDO_AGAIN, "RETRY_FLAG", Advice.NONE, False)
BROKEN = [
    # The fault, what the adapter calls it, and whether the money moved.
    (Fault.LOST_BEFORE,     "LOST",                 Advice.NONE,     False),
    (Fault.HTML_BEFORE,     "HTTP_502",             Advice.NONE,     False),
    (Fault.BUSY,            "isp.unknow-error",     Advice.NONE,     False),
    (Fault.MAINTENANCE,     "aop.unknow-error",     Advice.NONE,     False),
    (Fault.RATE_LIMITED,    "isv.app-call-limited", Advice.NONE,     False),
    (Fault.LOST_AFTER,      "LOST",                 Advice.NONE,     True),
    (Fault.HTML_AFTER,      "HTTP_502",             Advice.NONE,     True),
    (Fault.BUSY_AFTER,      "isp.unknow-error",     Advice.NONE,     True),
    (Fault.RESET,           "LOST",                 Advice.NONE,     True),
    (Fault.NOT_JSON,        "UNREADABLE",           Advice.NONE,     True),
    (Fault.WRONG_SIGNATURE, "SIGNATURE",            Advice.OPERATOR, True),
    (Fault.NO_SIGNATURE,    "SIGNATURE",            Advice.OPERATOR, True),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "code", "advice", "moved"), BROKEN)
async def test_broken_payment_is_unknown_and_the_query_finds_out(
    world: AlipayWorld, fault: Fault, code: str, advice: Advice, moved: bool
) -> None:
    world.simulator.faults.add(Rule(fault=fault, operation=Operation.PAY))
    order = world.order()
    told = await world.channel.pay(order)
    assert (told.verdict, told.code, told.advice) == (U, code, advice)
    asked = await world.channel.query(key_of(order))
    assert asked.verdict is (S if moved else U)
    assert world.book() == ([("paid", "P00000001", 8_880)] if moved else [])


@pytest.mark.parametrize(("fault", "code", "advice", "moved"), BROKEN)
async def test_broken_query_says_nothing_about_the_payment(
    world: AlipayWorld, fault: Fault, code: str, advice: Advice, moved: bool
) -> None:
    order = world.order()
    await world.channel.pay(order)
    world.simulator.faults.add(Rule(fault=fault, operation=Operation.QUERY))
    told = await world.channel.query(key_of(order))
    assert (told.verdict, told.code, told.advice) == (U, code, advice)
    assert (await world.channel.query(key_of(order))).verdict is S


@pytest.mark.parametrize(("fault", "code", "advice", "moved"), [*BROKEN, UNDO_AGAIN])
async def test_broken_undo_is_called_again_until_it_is_done_once(
    world: AlipayWorld, fault: Fault, code: str, advice: Advice, moved: bool
) -> None:
    order = world.order()
    await world.channel.pay(order)
    world.simulator.faults.add(Rule(fault=fault, operation=Operation.UNDO))
    told = await world.channel.undo(key_of(order))
    assert (told.verdict, told.code, told.advice) == (U, code, advice)
    again = await world.channel.undo(key_of(order))
    assert (again.verdict, again.code) == (S, "refund")
    assert world.book() == [("paid", "P00000001", 8_880), ("undone", "P00000001", 8_880)]


@pytest.mark.parametrize(("fault", "code", "advice", "moved"), BROKEN)
async def test_broken_refund_is_sent_again_and_moves_money_once(
    world: AlipayWorld, fault: Fault, code: str, advice: Advice, moved: bool
) -> None:
    order = world.order()
    await world.channel.pay(order)
    refund = refund_of(order, "R1", 3_000)
    world.simulator.faults.add(Rule(fault=fault, operation=Operation.REFUND))
    told = await world.channel.refund(refund)
    assert (told.verdict, told.code, told.advice) == (U, code, advice)
    assert (await world.channel.query_refund(refund)).verdict is (S if moved else U)
    assert (await world.channel.refund(refund)).verdict is (U if moved else S)
    assert (await world.channel.query_refund(refund)).verdict is S
    assert world.simulator.book.totals()["net_fen"] == 5_880


@pytest.mark.parametrize(
    "code", ["", "130012345678901234", "999999198001010010", "A12345678", "28018653909731703１"]
)
async def test_what_is_no_code_of_alipays_is_not_sent(world: AlipayWorld, code: str) -> None:
    told = await world.channel.pay(world.order(code=code))
    assert (told.verdict, told.advice, told.exchange) == (F, Advice.RESCAN, None)
    assert (await world.channel.query(key_of(world.order()))).code == "ACQ.TRADE_NOT_EXIST"


async def test_request_that_arrives_after_the_undo_collects_nothing(world: AlipayWorld) -> None:
    world.simulator.faults.add(Rule(fault=Fault.ARRIVES_LATE, delay_seconds=40))
    order = world.order(code=world.code(Behaviour.OK))
    assert (await world.channel.pay(order)).verdict is U
    await world.clock.advance(35)
    assert (await world.channel.undo(key_of(order))).verdict is S
    await world.clock.advance(10)
    assert world.book() == [("closed", "P00000001", 0)]


async def test_request_that_arrives_late_is_found_by_asking_on(world: AlipayWorld) -> None:
    world.simulator.faults.add(Rule(fault=Fault.ARRIVES_LATE, delay_seconds=8))
    order = world.order()
    assert (await world.channel.pay(order)).verdict is U
    await world.clock.advance(5)
    asked = await world.channel.query(key_of(order))
    assert (asked.verdict, asked.code) == (U, "ACQ.TRADE_NOT_EXIST")
    await world.clock.advance(3)
    assert (await world.channel.query(key_of(order))).verdict is S


@pytest.mark.parametrize("fault", [Fault.DRIP, Fault.ANSWERS_LATE])
async def test_answer_that_does_not_end_in_time_is_lost(tmp_path: Path, fault: Fault) -> None:
    async with alipay_world(tmp_path, {"connect_seconds": 1.0, "answer_seconds": 0.2}) as world:
        world.simulator.faults.add(Rule(fault=fault, operation=Operation.PAY, delay_seconds=60))
        order = world.order()
        told = await world.channel.pay(order)
        assert (told.verdict, told.code) == (U, "LOST")
        assert told.exchange is not None and told.exchange.status is None
        assert world.book() == [("paid", "P00000001", 8_880)]


async def test_nobody_there_means_not_sent_and_still_unknown(world: AlipayWorld) -> None:
    await world.simulator.stop()
    told = await world.channel.pay(world.order())
    assert (told.verdict, told.code) == (U, "NOT_SENT")


async def test_merchant_whom_the_gateway_does_not_know_gets_a_hint_and_no_verdict(
    tmp_path: Path,
) -> None:
    async with alipay_world(tmp_path, {"app_id": "2026000000000099"}) as world:
        told = await world.channel.pay(world.order())
    assert (told.verdict, told.code, told.advice) == (U, "isv.invalid-app-id", Advice.OPERATOR)


async def test_merchant_with_a_wrong_key_is_told_that_it_is_ours(
    world: AlipayWorld, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with alipay_world(other, {"private_key_file": "alipay_private.pem"}) as wrong:
        told = await wrong.channel.pay(wrong.order())
        assert (told.verdict, told.code, told.advice) == (
            F, "isv.invalid-signature", Advice.OPERATOR,
        )  # fmt: skip
        asked = await wrong.channel.query(key_of(wrong.order()))
        assert (asked.verdict, asked.advice) == (U, Advice.OPERATOR)


async def test_answer_about_another_order_is_not_believed(world: AlipayWorld) -> None:
    """Signed by Alipay and yet not an answer to this call, as a confused proxy might give it."""
    order, other = world.order("P00000001"), world.order("P00000002")
    await world.channel.pay(order)
    told = await _asked_through_a_confused_proxy(world, key_of(other), instead=key_of(order))
    assert (told.verdict, told.code, told.advice) == (U, "OTHER_ORDER", Advice.OPERATOR)


async def test_one_fen_less_than_was_taken_is_told_as_it_was_said(world: AlipayWorld) -> None:
    world.simulator.faults.add(Rule(fault=Fault.ONE_FEN_OFF, operation=Operation.PAY))
    told = await world.channel.pay(world.order())
    assert (told.verdict, told.amount_fen) == (S, 8_879)
    assert world.book() == [("paid", "P00000001", 8_880)]


async def test_ghost_is_denied_until_the_bill_shows_it(world: AlipayWorld) -> None:
    world.simulator.faults.add(Rule(fault=Fault.GHOST, operation=Operation.PAY))
    order = world.order()
    assert (await world.channel.pay(order)).verdict is U
    assert (await world.channel.query(key_of(order))).code == "ACQ.TRADE_NOT_EXIST"
    assert (await world.channel.undo(key_of(order))).verdict is S
    await world.clock.advance(86_400)
    assert (await world.channel.query(key_of(order))).verdict is F
    file = await world.channel.bill(DAY)
    assert file is not None
    assert [row.receipt_fen for row in bills.trade_bill(file).rows] == [8_880]
    assert world.door.came == []


async def test_phantom_is_told_as_paid_and_is_on_no_bill(world: AlipayWorld) -> None:
    world.simulator.faults.add(Rule(fault=Fault.PHANTOM, operation=Operation.PAY))
    order = world.order()
    assert (await world.channel.pay(order)).verdict is S
    assert (await world.channel.query(key_of(order))).verdict is S
    await world.clock.advance(86_400)
    assert world.book() == []
    assert await world.channel.bill(DAY) is None


async def _paid_day(world: AlipayWorld) -> None:
    for number in ("P00000001", "P00000002"):
        await world.channel.pay(world.order(number))
    await world.clock.advance(30 * 3_600)


async def test_late_bill_is_not_there_yet(world: AlipayWorld) -> None:
    await _paid_day(world)
    world.simulator.faults.add(Rule(fault=Fault.BILL_LATE))
    assert await world.channel.bill(DAY) is None
    assert await world.channel.bill(DAY) is not None


@pytest.mark.parametrize("fault", [Fault.BILL_TRUNCATED, Fault.BILL_WRONG_DIGEST])
@pytest.mark.parametrize("operation", [Operation.BILL, Operation.BILL_FILE])
async def test_damaged_bill_is_refused_and_asked_for_again(
    world: AlipayWorld, fault: Fault, operation: Operation
) -> None:
    await _paid_day(world)
    world.simulator.faults.add(Rule(fault=fault, operation=operation))
    with pytest.raises(BillRefusedError, match="不完整"):
        await world.channel.bill(DAY)
    assert await world.channel.bill(DAY) is not None


@pytest.mark.parametrize(
    ("fault", "receipts_fen"),
    [(Fault.BILL_ROW_TWICE, [8_880, 8_880, 8_880]), (Fault.BILL_ONE_FEN_OFF, [8_879, 8_880])],
)
async def test_difference_that_the_bills_own_totals_hide_is_left_to_reconciling(
    world: AlipayWorld, fault: Fault, receipts_fen: list[int]
) -> None:
    await _paid_day(world)
    world.simulator.faults.add(Rule(fault=fault))
    file = await world.channel.bill(DAY)
    assert file is not None
    assert [row.receipt_fen for row in bills.trade_bill(file).rows] == receipts_fen


@pytest.mark.parametrize(
    ("fault", "operation", "told"),
    [
        (Fault.LOST_BEFORE,     Operation.BILL,      "LOST"),
        (Fault.WRONG_SIGNATURE, Operation.BILL,      "SIGNATURE"),
        (Fault.MAINTENANCE,     Operation.BILL,      "aop.unknow-error"),
        (Fault.RESET,           Operation.BILL_FILE, "未能下载"),
        (Fault.HTML_BEFORE,     Operation.BILL_FILE, "未能下载"),
    ],
)  # fmt: skip
async def test_bill_that_does_not_come_is_refused_and_asked_for_again(
    world: AlipayWorld, fault: Fault, operation: Operation, told: str
) -> None:
    await _paid_day(world)
    world.simulator.faults.add(Rule(fault=fault, operation=operation))
    with pytest.raises(BillRefusedError, match=told):
        await world.channel.bill(DAY)
    assert await world.channel.bill(DAY) is not None


async def test_many_payments_on_a_bad_line_all_end_as_the_book_says(world: AlipayWorld) -> None:
    """A fifth of all calls fail, dealt by a seed; each payment is asked about until it is known."""
    world.simulator.faults.replace(Plan(seed=7, share_ppm=200_000, delay_seconds=20))
    orders = [world.order(f"P{n:08d}", notify_url="") for n in range(60)]
    told = await asyncio.gather(*(world.channel.pay(order) for order in orders))
    collected = 0
    for order, first in zip(orders, told, strict=True):
        outcome = first
        for _ in range(7):
            if outcome.verdict is U:
                await world.clock.advance(5)
                outcome = await world.channel.query(key_of(order))
        for _ in range(20):
            if outcome.verdict is U:
                undone = await world.channel.undo(key_of(order))
                outcome = replace(undone, verdict=F) if undone.verdict is S else outcome
        assert outcome.verdict in (S, F)
        collected += outcome.verdict is S
    assert sum(world.simulator.faults.happened.values()) > 10
    assert 0 < collected < len(orders)
    assert world.simulator.book.totals()["net_fen"] == 8_880 * collected


async def _asked_through_a_confused_proxy(
    world: AlipayWorld, asked: OrderKey, *, instead: OrderKey
) -> Outcome:
    answer = world.simulator.trades.query

    def confused(merchant: object, _number: str) -> object:
        return answer(merchant, instead.order_no)  # type: ignore[arg-type]

    world.simulator.trades.query = confused  # type: ignore[assignment, method-assign]
    return await world.channel.query(asked)
