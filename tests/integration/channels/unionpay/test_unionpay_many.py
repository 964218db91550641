"""Many payments over a line that fails by seed: what we believe in the end is UnionPay's book.

Resolved by the channel's own timers as the service will do it; nothing else is known than answers
and notifications. The seed is in pytest's header.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from loadtest.simulators.channel_faults import LINE_FAULTS, Plan
from settlement.payments.payment import Outcome, PayOrder, RefundOrder, Verdict
from tests.kit.unionpay import Desk, KeyRing, a_desk, key_of

ORDERS = 60
SHARE_PPM = 350_000
CODES = (
    "ok", "ok", "ok", "slow", "unknown", "unknown_paid", "unknown_unpaid", "lost_answer",
    "not_enough", "expired", "userpaying_never", "userpaying_fails",
)  # fmt: skip
DEFINITE = (Verdict.SUCCESS, Verdict.FAILED)


async def until_definite(desk: Desk, ask: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Again and again, ten seconds apart."""
    for _ in range(60):
        outcome = await ask()
        if outcome.verdict in DEFINITE:
            return outcome
        await desk.pass_by(10)
    raise AssertionError(f"never definite: {outcome}")


def is_notified(desk: Desk, order: PayOrder) -> bool:
    return any(
        told.order_no == order.order_no and not told.refund_no for told in desk.receiver.taken
    )


async def collected(desk: Desk, order: PayOrder) -> bool:
    """Whether it was paid for good."""
    timers = desk.channel.timers
    outcome = await desk.channel.pay(order)
    waited = 0.0
    for gap in timers.query_after:
        if outcome.verdict in DEFINITE or waited + gap > timers.undo_after:
            break
        waited += gap
        await desk.pass_by(gap)
        if is_notified(desk, order):
            return True
        outcome = await desk.channel.query(key_of(order))
    if outcome.verdict in DEFINITE:
        return outcome.verdict is Verdict.SUCCESS
    await desk.pass_by(timers.undo_after - waited)
    undone = await until_definite(desk, lambda: desk.channel.undo(key_of(order)))
    assert undone.verdict is Verdict.SUCCESS, "inside the clearing day a reversal works"
    return False


async def refunded(desk: Desk, refund: RefundOrder) -> Outcome:
    """Sent, however often, and asked about."""
    await desk.channel.refund(refund)
    return await desk.channel.query_refund(refund)


@pytest.mark.parametrize("round_number", range(3))
async def test_in_the_end_our_sums_are_those_of_the_book(
    unionpay_ring: KeyRing, tmp_path: Path, rng: random.Random, round_number: int
) -> None:
    async with a_desk(unionpay_ring, tmp_path) as desk:
        seed = rng.getrandbits(32)
        weights = {fault: weight for fault, weight in LINE_FAULTS.items() if weight}
        desk.sim.faults.replace(
            Plan(seed=seed, share_ppm=SHARE_PPM, weights=weights, delay_seconds=90)
        )
        kept_fen = 0
        for _ in range(ORDERS):
            order = desk.order(rng.choice(CODES), amount_fen=rng.randint(1, 100_000))
            is_paid = await collected(desk, order)
            kept_fen += order.amount_fen if is_paid else 0
            if is_paid and rng.random() < 0.3:
                amount_fen = rng.choice((order.amount_fen, rng.randint(1, order.amount_fen)))
                refund = desk.refund_of(order, amount_fen=amount_fen)

                back = await until_definite(desk, partial(refunded, desk, refund))
                kept_fen -= refund.amount_fen if back.verdict is Verdict.SUCCESS else 0
        await desk.pass_by(3600)
        assert desk.totals().get("net_fen", 0) == kept_fen, f"faults of seed {seed}"
        assert desk.sim.faults.happened.total() > ORDERS // 2
