"""Many payments over lines that fail by seed, brought to a verdict by the channel's own timers: in
the end what a merchant believes is what its WeChat booked, order by order. The seed is printed."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from loadtest.simulators.channel_book import Movement
from loadtest.simulators.channel_faults import Plan
from loadtest.simulators.payer_codes import Behaviour
from settlement.payments.payment import Outcome, PayOrder, Verdict
from tests.kit.wechat import Api, WechatStage, key_of, refund_of, wechat_stage

PAYMENTS = 120
SHARE_PPM = 300_000
CALLS_MAX = 60
UNDECIDED = (Verdict.UNKNOWN, Verdict.PAYER_ACTION)


async def collected(stage: WechatStage, order: PayOrder) -> Outcome | None:
    """The payment that stands, None where nothing does."""
    timers = stage.channel.timers
    outcome = await stage.channel.pay(order)
    waited = 0.0
    while outcome.verdict in UNDECIDED:
        is_waiting = outcome.verdict is Verdict.PAYER_ACTION
        await stage.move(5)
        waited += 5
        if waited >= (timers.payer_undo_after if is_waiting else timers.undo_after):
            await undone(stage, order)
            return None
        outcome = await stage.channel.query(key_of(order))
    return outcome if outcome.verdict is Verdict.SUCCESS else None


async def undone(stage: WechatStage, order: PayOrder) -> None:
    for _ in range(CALLS_MAX):
        if (await stage.channel.undo(key_of(order))).verdict is Verdict.SUCCESS:
            return
        await stage.move(5)
    raise AssertionError(f"{order.order_no} cannot be undone")


async def returned(stage: WechatStage, order: PayOrder, paid: Outcome, amount_fen: int) -> None:
    refund = refund_of(
        order, paid.reference, amount_fen=amount_fen, number=f"R{order.order_no}"
    )
    for _ in range(CALLS_MAX):
        asked = await stage.channel.refund(refund)
        await stage.move(5)
        found = await stage.channel.query_refund(refund)
        if Verdict.SUCCESS in (asked.verdict, found.verdict):
            return
        assert asked.verdict is not Verdict.FAILED, asked
    raise AssertionError(f"{refund.refund_no} does not end")


@pytest.mark.parametrize("api", ["v3", "v2"])
async def test_what_a_merchant_believes_is_what_wechat_booked(
    tmp_path: Path, rng: random.Random, api: Api
) -> None:
    seed = rng.randrange(10**9)
    print(f"seed of the faults: {seed}")
    believed: Counter[str] = Counter()
    async with wechat_stage(tmp_path, api) as stage:
        stage.simulator.faults.replace(Plan(seed=seed, share_ppm=SHARE_PPM, delay_seconds=20))
        for _ in range(PAYMENTS):
            amount_fen = rng.randint(1, 100_000)
            order = stage.order(
                rng.choice(list(Behaviour)), amount_fen=amount_fen, seconds=rng.randint(1, 60)
            )
            paid = await collected(stage, order)
            if paid is None:
                continue
            believed[order.order_no] = amount_fen
            if rng.random() < 0.3:
                part_fen = rng.randint(1, amount_fen)
                await returned(stage, order, paid, part_fen)
                believed[order.order_no] -= part_fen
        await stage.move(300)
        booked: Counter[str] = Counter()
        for entry in stage.simulator.book.entries:
            sign = 1 if entry.movement is Movement.PAID else -1
            booked[entry.order_no] += sign * entry.amount_fen
        print(stage.simulator.faults.happened, stage.simulator.book.totals())
        assert +booked == +believed
        assert stage.simulator.faults.happened.total() > PAYMENTS // 10
        paid_twice = [
            number
            for number, times in Counter(
                entry.order_no
                for entry in stage.simulator.book.entries
                if entry.movement is Movement.PAID
            ).items()
            if times > 1
        ]
        assert paid_twice == []
