"""WeChat over loopback HTTP: what a merchant learns, and what its WeChat booked, over v2 and v3."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.payer_codes import Behaviour
from settlement.payments.payment import Advice, Verdict
from tests.kit.wechat import Api, WechatStage, key_of, refund_of, wechat_stage

SUCCESS, PAYER, UNKNOWN, FAILED = (
    Verdict.SUCCESS, Verdict.PAYER_ACTION, Verdict.UNKNOWN, Verdict.FAILED,
)  # fmt: skip
AMOUNT_FEN = 1234


@pytest_asyncio.fixture(params=["v3", "v2"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WechatStage]:
    async with wechat_stage(tmp_path, request.param) as one:
        yield one


async def test_payment_is_made_and_found_again(stage: WechatStage) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    assert (paid.verdict, paid.amount_fen, paid.settled_fen) == (SUCCESS, AMOUNT_FEN, AMOUNT_FEN)
    assert paid.reference.startswith("42000") and paid.finished_at == stage.clock()
    found = await stage.channel.query(key_of(order))
    assert (found.verdict, found.reference, found.amount_fen) == (
        SUCCESS, paid.reference, AMOUNT_FEN,
    )  # fmt: skip
    assert stage.kept_fen == AMOUNT_FEN


async def test_what_is_kept_shows_neither_code_nor_payer_nor_signature(stage: WechatStage) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    kept = paid.exchange
    assert kept is not None and kept.status == 200 and kept.operation == "pay"
    text = kept.request + kept.reply
    assert order.code not in text and "oSim" not in text
    assert f"13***(18){order.code[-4:]}" in kept.request
    assert paid.payer and "oSim" not in paid.payer
    merchant = stage.simulator.shop.merchants["1900000001"]
    assert merchant.apiv2_key not in text and "signature" not in text
    assert "<sign>" not in kept.request and "<sign><!" not in kept.reply
    assert order.order_no in kept.request


@pytest.mark.parametrize(
    ("behaviour", "verdict", "advice"),
    [
        (Behaviour.NOT_ENOUGH, FAILED, Advice.OTHER_FUNDING),
        (Behaviour.EXPIRED, FAILED, Advice.RESCAN),
        (Behaviour.RISK, FAILED, Advice.SHOW_TEXT),
        (Behaviour.USERPAYING, PAYER, Advice.NONE),
    ],
)
async def test_payer_who_does_not_pay_at_once(
    stage: WechatStage, behaviour: Behaviour, verdict: Verdict, advice: Advice
) -> None:
    outcome = await stage.channel.pay(stage.order(behaviour))
    assert (outcome.verdict, outcome.advice) == (verdict, advice)
    assert outcome.text and stage.kept_fen == 0


async def test_code_that_is_no_payment_code_is_not_sent(stage: WechatStage) -> None:
    for code in ("288186539097317031", "", "62123", "999999198001010028"):
        outcome = await stage.channel.pay(stage.order(code=code or "x"))
        assert (outcome.verdict, outcome.advice) == (FAILED, Advice.RESCAN)
        assert outcome.exchange is None


async def test_ordinary_code_pays_once_and_lives_a_minute(stage: WechatStage) -> None:
    codes = stage.simulator.codes
    used = codes.make(Behaviour.OK, at=stage.clock(), serial=1)
    old = codes.make(Behaviour.OK, at=stage.clock(), serial=2)
    assert (await stage.channel.pay(stage.order(code=used))).verdict is SUCCESS
    again = await stage.channel.pay(stage.order(code=used))
    assert (again.verdict, again.advice) == (FAILED, Advice.RESCAN)
    await stage.move(61)
    late = await stage.channel.pay(stage.order(code=old))
    assert (late.verdict, late.advice) == (FAILED, Advice.RESCAN)


async def test_waiting_payer_confirms(stage: WechatStage) -> None:
    order = stage.order(Behaviour.USERPAYING, seconds=12)
    assert (await stage.channel.pay(order)).verdict is PAYER
    await stage.move(11)
    assert (await stage.channel.query(key_of(order))).verdict is PAYER
    await stage.move(1)
    paid = await stage.channel.query(key_of(order))
    assert (paid.verdict, paid.amount_fen) == (SUCCESS, AMOUNT_FEN)


async def test_waiting_payer_fails(stage: WechatStage) -> None:
    order = stage.order(Behaviour.USERPAYING_FAILS, seconds=12)
    await stage.channel.pay(order)
    await stage.move(12)
    failed = await stage.channel.query(key_of(order))
    assert (failed.verdict, stage.kept_fen) == (FAILED, 0)


async def test_waiting_payer_who_never_confirms_is_undone_and_cannot_pay_later(
    stage: WechatStage,
) -> None:
    order = stage.order(Behaviour.USERPAYING, seconds=60)
    await stage.channel.pay(order)
    await stage.move(45)
    assert (await stage.channel.undo(key_of(order))).verdict is SUCCESS
    await stage.move(60)
    assert (await stage.channel.query(key_of(order))).verdict is FAILED
    assert stage.kept_fen == 0


async def test_undo_gives_back_what_was_paid(stage: WechatStage) -> None:
    order = stage.order()
    await stage.channel.pay(order)
    assert stage.kept_fen == AMOUNT_FEN
    await stage.move(15)
    for _ in range(2):
        undone = await stage.channel.undo(key_of(order))
        assert (undone.verdict, stage.kept_fen) == (SUCCESS, 0)
    assert (await stage.channel.query(key_of(order))).verdict is FAILED


async def test_undo_within_fifteen_seconds_is_not_sent(stage: WechatStage) -> None:
    order = stage.order()
    await stage.channel.pay(order)
    await stage.move(14)
    early = await stage.channel.undo(key_of(order))
    assert (early.verdict, early.code, early.exchange) == (UNKNOWN, "UNDO_TOO_EARLY", None)
    assert stage.kept_fen == AMOUNT_FEN


async def test_wechat_itself_refuses_an_undo_within_fifteen_seconds(stage: WechatStage) -> None:
    order = stage.order()
    await stage.channel.pay(order)
    claimed = key_of(order)
    # A counter whose clock is wrong.
    early = await stage.channel.undo(
        type(claimed)(
            order_no=order.order_no, sent_at=order.sent_at - timedelta(hours=1), amount_fen=1234
        )
    )
    assert early.verdict is UNKNOWN and early.exchange is not None
    assert stage.kept_fen == AMOUNT_FEN


async def test_undo_that_asks_to_be_called_again(stage: WechatStage) -> None:
    order = stage.order()
    await stage.channel.pay(order)
    await stage.move(20)
    stage.fault(Fault.UNDO_AGAIN)
    assert (await stage.channel.undo(key_of(order))).verdict is UNKNOWN
    assert (await stage.channel.undo(key_of(order))).verdict is SUCCESS


async def test_undo_after_a_week_is_a_refund_instead(stage: WechatStage) -> None:
    order = stage.order()
    await stage.channel.pay(order)
    await stage.move(8 * 86_400)
    assert (await stage.channel.undo(key_of(order))).verdict is FAILED


async def test_undo_of_what_never_arrived_closes_the_number(stage: WechatStage) -> None:
    order = stage.order()
    stage.fault(Fault.LOST_BEFORE, Operation.PAY)
    assert (await stage.channel.pay(order)).verdict is UNKNOWN
    assert (await stage.channel.query(key_of(order))).verdict is UNKNOWN
    await stage.move(30)
    assert (await stage.channel.undo(key_of(order))).verdict is SUCCESS
    assert (await stage.channel.pay(order)).verdict is FAILED
    assert stage.kept_fen == 0


@pytest.mark.parametrize("api", ["v3", "v2"])
async def test_undo_of_an_unknown_number_is_certain_when_no_code_is_alive(
    tmp_path: Path, api: Api
) -> None:
    async with wechat_stage(tmp_path, api, closes_unknown=False) as stage:
        order = stage.order()
        await stage.move(30)
        assert (await stage.channel.undo(key_of(order))).verdict is UNKNOWN
        await stage.move(100)
        undone = await stage.channel.undo(key_of(order))
        assert (undone.verdict, stage.kept_fen) == (SUCCESS, 0)


async def test_same_number_again_is_never_a_second_payment(stage: WechatStage) -> None:
    order = stage.order()
    assert (await stage.channel.pay(order)).verdict is SUCCESS
    assert (await stage.channel.pay(order)).verdict is UNKNOWN
    other = stage.order(number=order.order_no, amount_fen=99)
    differs = await stage.channel.pay(other)
    assert (differs.verdict, differs.advice) == (UNKNOWN, Advice.COMPARE)
    assert stage.kept_fen == AMOUNT_FEN


async def test_refund_is_under_way_and_then_done(stage: WechatStage) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    refund = refund_of(order, paid.reference, amount_fen=234)
    assert (await stage.channel.query_refund(refund)).verdict is UNKNOWN
    for _ in range(2):
        taken = await stage.channel.refund(refund)
        assert (taken.verdict, taken.amount_fen) == (PAYER, 234)
    assert stage.kept_fen == AMOUNT_FEN
    await stage.move(5)
    done = await stage.channel.query_refund(refund)
    assert (done.verdict, done.amount_fen, done.reference) == (SUCCESS, 234, taken.reference)
    assert stage.kept_fen == AMOUNT_FEN - 234
    assert (await stage.channel.query(key_of(order))).verdict is SUCCESS


@pytest.mark.parametrize(
    ("reason", "verdict"), [("SIM:ABNORMAL", PAYER), ("SIM:CLOSED", FAILED)]
)
async def test_refund_that_does_not_reach_the_payer_is_for_an_operator(
    stage: WechatStage, reason: str, verdict: Verdict
) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    refund = refund_of(order, paid.reference, amount_fen=234, reason=reason)
    await stage.channel.refund(refund)
    await stage.move(5)
    ended = await stage.channel.query_refund(refund)
    assert (ended.verdict, ended.advice) == (verdict, Advice.OPERATOR)
    assert stage.kept_fen == AMOUNT_FEN


async def test_refund_of_more_than_is_left_or_without_balance_is_refused(
    stage: WechatStage,
) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    await stage.channel.refund(refund_of(order, paid.reference, amount_fen=1000))
    more = refund_of(order, paid.reference, amount_fen=235, number="R2")
    assert (await stage.channel.refund(more)).verdict is FAILED
    stage.simulator.shop.orders.balance_fen["1900000001"] = 0
    poor = refund_of(order, paid.reference, amount_fen=234, number="R3")
    refused = await stage.channel.refund(poor)
    assert (refused.verdict, refused.advice) == (FAILED, Advice.OPERATOR)


async def test_refund_number_with_another_amount_is_not_a_second_refund(
    stage: WechatStage,
) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    await stage.channel.refund(refund_of(order, paid.reference, amount_fen=200))
    other = await stage.channel.refund(refund_of(order, paid.reference, amount_fen=300))
    assert other.verdict in (UNKNOWN, FAILED)
    await stage.move(5)
    assert stage.kept_fen == AMOUNT_FEN - 200


async def test_bill_of_a_day_comes_the_next_morning(stage: WechatStage) -> None:
    day = date(2026, 11, 23)
    await stage.channel.pay(stage.order())
    assert await stage.channel.bill(day) is None
    await stage.move(21 * 3600)
    assert await stage.channel.bill(day)
    assert await stage.channel.fund_bill(day)
    assert await stage.channel.bill(date(2026, 11, 22)) == b""
