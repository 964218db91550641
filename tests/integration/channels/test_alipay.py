"""The Alipay adapter against the simulated Alipay: what comes of each call when all is well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.payer_codes import Behaviour
from protocol.alipay import bills
from protocol.alipay.trade import BillType
from settlement.channels.alipay_outcomes import FUND_CHANGE_N, NO_TRADE, NOT_REFUNDED
from settlement.payments.payment import Advice, Verdict
from tests.integration.channels.alipay_world import (
    NOON,
    SELLER_ID,
    AlipayWorld,
    alipay_world,
    key_of,
    refund_of,
)

S, P, U, F = Verdict.SUCCESS, Verdict.PAYER_ACTION, Verdict.UNKNOWN, Verdict.FAILED


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[AlipayWorld]:
    async with alipay_world(tmp_path) as made:
        yield made


async def test_code_that_is_shown_pays_once(world: AlipayWorld) -> None:
    order = world.order()
    paid = await world.channel.pay(order)
    assert (paid.verdict, paid.amount_fen, paid.settled_fen) == (S, 8_880, 8_880)
    assert paid.finished_at == NOON and paid.reference.startswith("2026112522001400")
    asked = await world.channel.query(key_of(order))
    assert (asked.verdict, asked.reference, asked.amount_fen) == (S, paid.reference, 8_880)
    again = await world.channel.pay(order)
    assert (again.verdict, again.code) == (U, "ACQ.TRADE_HAS_SUCCESS")
    other = await world.channel.pay(world.order("P00000002", code=order.code))
    assert (other.verdict, other.advice) == (F, Advice.RESCAN)
    assert world.book() == [("paid", "P00000001", 8_880)]


@pytest.mark.parametrize(
    ("behaviour", "verdict", "advice", "code"),
    [
        (Behaviour.OK,         S, Advice.NONE,          "10000"),
        (Behaviour.USERPAYING, P, Advice.NONE,          "10003"),
        (Behaviour.NOT_ENOUGH, F, Advice.OTHER_FUNDING, "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        (Behaviour.EXPIRED,    F, Advice.RESCAN,        "ACQ.PAYMENT_AUTH_CODE_INVALID"),
        (Behaviour.RISK,       F, Advice.SHOW_TEXT,     "ACQ.PAYMENT_REQUEST_HAS_RISK"),
        (Behaviour.LOST_ANSWER, U, Advice.NONE,         "LOST"),
    ],
)  # fmt: skip
async def test_test_code_does_what_it_says_any_number_of_times(
    world: AlipayWorld, behaviour: Behaviour, verdict: Verdict, advice: Advice, code: str
) -> None:
    shown = world.simulator.codes.test_codes()[behaviour.name.lower()]
    for number in ("P00000001", "P00000002"):
        told = await world.channel.pay(world.order(number, code=shown))
        assert (told.verdict, told.advice, told.code) == (verdict, advice, code)
        await world.clock.advance(86_400)


async def test_payer_who_confirms_is_found_by_asking(world: AlipayWorld) -> None:
    order = world.order(code=world.code(Behaviour.USERPAYING, seconds=25))
    assert (await world.channel.pay(order)).verdict is P
    assert (await world.channel.query(key_of(order))).verdict is P
    assert (await world.channel.pay(order)).code == "10003"
    await world.clock.advance(25)
    paid = await world.channel.query(key_of(order))
    assert (paid.verdict, paid.finished_at) == (S, NOON + timedelta(seconds=25))


@pytest.mark.parametrize("behaviour", [Behaviour.USERPAYING_NEVER, Behaviour.USERPAYING_FAILS])
async def test_trade_that_nobody_confirms_is_closed(
    world: AlipayWorld, behaviour: Behaviour
) -> None:
    order = world.order(code=world.code(behaviour))
    await world.channel.pay(order)
    await world.clock.advance(180)
    asked = await world.channel.query(key_of(order))
    assert (asked.verdict, asked.code, asked.refunded_fen) == (F, "TRADE_CLOSED", None)
    again = await world.channel.pay(order)
    assert (again.verdict, again.code) == (F, "ACQ.TRADE_HAS_CLOSE")
    assert world.book() == []


async def test_merchant_may_give_the_payer_less_time(tmp_path: Path) -> None:
    async with alipay_world(tmp_path, {"timeout_express": "1m"}) as world:
        order = world.order(code=world.code(Behaviour.USERPAYING_NEVER))
        await world.channel.pay(order)
        await world.clock.advance(60)
        assert (await world.channel.query(key_of(order))).verdict is F


async def test_certificate_mode_works_the_same(tmp_path: Path) -> None:
    table = {
        "alipay_public_key_file": "alipay.crt", "app_cert_file": "merchant.crt",
        "alipay_root_cert_file": "root.crt",
    }  # fmt: skip
    async with alipay_world(tmp_path, table) as world:
        order = world.order()
        assert (await world.channel.pay(order)).verdict is S
        assert (await world.channel.undo(key_of(order))).verdict is S
        await world.clock.advance(1)
        assert [one.outcome.verdict for one in world.door.taken] == [S, F]


async def test_undo_gives_back_what_was_paid(world: AlipayWorld) -> None:
    order = world.order()
    await world.channel.pay(order)
    for _ in range(2):
        undone = await world.channel.undo(key_of(order))
        assert (undone.verdict, undone.code) == (S, "refund")
    asked = await world.channel.query(key_of(order))
    assert (asked.verdict, asked.refunded_fen) == (F, 8_880)
    assert world.book() == [("paid", "P00000001", 8_880), ("undone", "P00000001", 8_880)]


async def test_undo_closes_what_was_not_paid(world: AlipayWorld) -> None:
    order = world.order(code=world.code(Behaviour.USERPAYING, seconds=25))
    await world.channel.pay(order)
    undone = await world.channel.undo(key_of(order))
    assert (undone.verdict, undone.code) == (S, "close")
    await world.clock.advance(25)
    assert (await world.channel.query(key_of(order))).verdict is F
    assert world.book() == [("closed", "P00000001", 8_880)]


async def test_undo_of_what_never_came_makes_the_number_dead(world: AlipayWorld) -> None:
    order = world.order()
    undone = await world.channel.undo(key_of(order))
    assert (undone.verdict, undone.code) == (S, NO_TRADE)
    late = await world.channel.pay(order)
    assert (late.verdict, late.code) == (F, "ACQ.TRADE_HAS_CLOSE")
    assert (await world.channel.query(key_of(order))).verdict is U
    await world.clock.advance(301)
    assert (await world.channel.query(key_of(order))).verdict is F


async def test_undo_after_the_day_or_after_a_refund_is_refused_for_good(
    world: AlipayWorld,
) -> None:
    refunded, old = world.order("P00000001"), world.order("P00000002")
    await world.channel.pay(refunded)
    await world.channel.pay(old)
    await world.channel.refund(refund_of(refunded, "R1", 100))
    told = await world.channel.undo(key_of(refunded))
    assert (told.verdict, told.code) == (F, "ACQ.REASON_TRADE_REFUND_FEE_ERR")
    await world.clock.advance(12 * 3_600)
    told = await world.channel.undo(key_of(old))
    assert (told.verdict, told.code) == (F, "ACQ.TRADE_CANCEL_TIME_OUT")
    assert (await world.channel.refund(refund_of(old, "R2", 8_880))).verdict is S


async def test_refund_counts_up_and_a_repeat_moves_nothing(world: AlipayWorld) -> None:
    order = world.order()
    await world.channel.pay(order)
    first = await world.channel.refund(refund_of(order, "R1", 3_000, reason="退药"))
    assert (first.verdict, first.refunded_fen, first.finished_at) == (S, 3_000, NOON)
    second = await world.channel.refund(refund_of(order, "R2", 880))
    assert (second.verdict, second.refunded_fen) == (S, 3_880)
    repeat = await world.channel.refund(refund_of(order, "R1", 3_000))
    assert (repeat.verdict, repeat.code, repeat.refunded_fen) == (U, FUND_CHANGE_N, 3_880)
    asked = await world.channel.query_refund(refund_of(order, "R1", 3_000))
    assert (asked.verdict, asked.amount_fen) == (S, 3_000)
    changed = await world.channel.refund(refund_of(order, "R1", 3_001))
    assert (changed.verdict, changed.advice) == (U, Advice.COMPARE)
    too_much = await world.channel.refund(refund_of(order, "R3", 5_001))
    assert (too_much.verdict, too_much.code) == (F, "ACQ.REASON_TRADE_REFUND_FEE_ERR")
    assert world.simulator.book.totals()["net_fen"] == 5_000


async def test_whole_refund_closes_the_trade(world: AlipayWorld) -> None:
    order = world.order()
    await world.channel.pay(order)
    await world.channel.refund(refund_of(order, "R1", 8_880))
    asked = await world.channel.query(key_of(order))
    assert (asked.verdict, asked.code, asked.refunded_fen) == (F, "TRADE_CLOSED", 8_880)


async def test_refund_that_was_never_asked_for_is_unknown(world: AlipayWorld) -> None:
    order = world.order()
    await world.channel.pay(order)
    asked = await world.channel.query_refund(refund_of(order, "R1", 3_000))
    assert (asked.verdict, asked.code) == (U, NOT_REFUNDED)
    nothing = await world.channel.query_refund(refund_of(world.order("P00000009"), "R1", 3_000))
    assert (nothing.verdict, nothing.advice) == (U, Advice.OPERATOR)
    refused = await world.channel.refund(refund_of(world.order("P00000009"), "R1", 3_000))
    assert refused.verdict is F


async def test_refund_of_what_is_not_paid_or_too_old_is_refused(world: AlipayWorld) -> None:
    old = world.order("P00000002")
    waiting = world.order("P00000001", code=world.code(Behaviour.USERPAYING_NEVER))
    await world.channel.pay(waiting)
    await world.channel.pay(old)
    told = await world.channel.refund(refund_of(waiting, "R1", 100))
    assert (told.verdict, told.code) == (F, "ACQ.TRADE_STATUS_ERROR")
    await world.clock.advance(366 * 86_400)
    told = await world.channel.refund(refund_of(old, "R1", 100))
    assert (told.verdict, told.code) == (F, "ACQ.TRADE_HAS_FINISHED")


async def test_exchange_is_kept_without_code_and_signature(world: AlipayWorld) -> None:
    order = world.order()
    kept = (await world.channel.pay(order)).exchange
    assert kept is not None
    assert (kept.operation, kept.status, kept.began_at) == ("alipay.trade.pay", 200, NOON)
    assert order.code not in kept.request + kept.reply
    assert f"28…(18)…{order.code[-4:]}" in kept.request and '"out_trade_no"' in kept.reply
    assert "sign" not in kept.request + kept.reply


async def test_number_known_with_other_content_is_compared(world: AlipayWorld) -> None:
    await world.channel.pay(world.order())
    told = await world.channel.pay(world.order(amount_fen=8_881))
    assert (told.verdict, told.advice) == (U, Advice.COMPARE)
    waiting = world.order("P00000002", code=world.code(Behaviour.USERPAYING_NEVER))
    await world.channel.pay(waiting)
    told = await world.channel.pay(world.order("P00000002"))
    assert (told.verdict, told.code) == (U, "ACQ.TRADE_BUYER_NOT_MATCH")


async def test_amount_that_alipay_does_not_take_is_ours_to_mend(world: AlipayWorld) -> None:
    told = await world.channel.pay(world.order(amount_fen=0))
    assert (told.verdict, told.advice) == (F, Advice.OPERATOR)


async def test_bill_of_the_day_is_there_the_next_morning(world: AlipayWorld) -> None:
    day = date(2026, 11, 25)
    order, undone = world.order("P00000001"), world.order("P00000002", amount_fen=1_000)
    paid = await world.channel.pay(order)
    await world.channel.pay(undone)
    await world.clock.advance(60)
    await world.channel.undo(key_of(undone))
    await world.channel.refund(refund_of(order, "R1", 3_000))
    await world.clock.advance(20 * 3_600)
    assert await world.channel.bill(day) is None
    await world.clock.advance(3_600)
    file = await world.channel.bill(day)
    assert file is not None
    read = bills.trade_bill(file)
    assert read.account == SELLER_ID
    assert [(row.kind, row.out_trade_no, row.out_request_no, row.receipt_fen, row.fee_fen)
            for row in read.rows] == [
        ("交易", "P00000001", "", 8_880, -34),
        ("交易", "P00000002", "", 1_000, -4),
        ("退款", "P00000002", "P00000002", -1_000, 0),
        ("退款", "P00000001", "R1", -3_000, 0),
    ]  # fmt: skip
    first = read.rows[0]
    assert (first.trade_no, first.store_id, first.terminal_id, first.operator) == (
        paid.reference, "S1", "T1", "W1",
    )  # fmt: skip
    account = await world.channel.bill(day, kind=BillType.SIGNCUSTOMER)
    assert account is not None
    moved = bills.account_bill(account).rows
    assert [row.balance_fen for row in moved] == [8_880, 8_846, 9_846, 9_842, 8_842, 5_842]
    assert await world.channel.bill(date(2026, 11, 24)) is None


async def test_refund_stands_on_the_bill_of_its_own_day(world: AlipayWorld) -> None:
    order = world.order()
    await world.channel.pay(order)
    await world.clock.advance(12 * 3_600)
    await world.channel.refund(refund_of(order, "R1", 3_000))
    await world.clock.advance(36 * 3_600)
    file = await world.channel.bill(date(2026, 11, 26))
    assert file is not None
    assert [(row.kind, row.receipt_fen) for row in bills.trade_bill(file).rows] == [
        ("退款", -3_000)
    ]
    account = await world.channel.bill(date(2026, 11, 26), kind=BillType.SIGNCUSTOMER)
    assert account is not None
    assert [row.balance_fen for row in bills.account_bill(account).rows] == [5_846]
