"""Orders of mobile payment under random, racing, repeated happenings: what must hold at every end.

A failing case prints its seed and what was done.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest
import pytest_asyncio

from loadtest.simulators.receiver import Fault
from settlement.payments.mobile_states import State
from settlement.payments.mobile_timers import HOLD_SECONDS, SAVED_SECONDS
from settlement.payments.wallets import owner_of
from tests.kit.mobile import Caller, Order, Platform, a_caller, held_fen
from tests.kit.population import CLASS_A, CLASS_C, DEAR, HOSPITAL, some
from tests.kit.receiving import Told, a_receiver
from tests.kit.reply import Reply
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEDS = range(12)
ORDERS, ROUNDS = 4, 6
ACTS = {
    "pay": 1, "hold": 5, "withdraw": 1, "confirm": 5, "close": 1, "all": 1, "insurance": 1,
    "cash": 1, "sale": 2, "ask": 1,
}  # fmt: skip
"""What is done, and how often."""
TIMES = (0, 0, 1, 30, HOLD_SECONDS)
FAULTS = (Fault.ERROR, Fault.TWICE, Fault.WRONG, Fault.GARBAGE)
STANDS = {State.PAID, State.DONE, State.CASH_BACK}
TAKEN_BACK = {State.ALL_BACK, State.INSURANCE_BACK}
NEVER_PAID = {State.WITHDRAWN, State.EXPIRED}


@pytest_asyncio.fixture(loop_scope="module")
async def told(town: Town) -> AsyncIterator[Told]:
    """The hospital's receiver."""
    async with a_receiver(town, HOSPITAL.code) as told:
        yield told


@pytest_asyncio.fixture(loop_scope="module")
async def wallet(town: Town) -> Caller:
    """WeChat, as the centre knows it."""
    return await a_caller(town, owner_of("WECHAT"), "wallet-wechat-random")


class Actor:
    """Somebody who does anything to one order."""

    def __init__(self, town: Town, order: Order, wallet: Caller, random: Random) -> None:
        self.town = town
        self.order = order
        self.done: list[str] = []
        self._wallet = wallet
        self._random = random
        self._shown: Reply | None = None

    async def act(self, name: str) -> None:
        """Do it, sometimes twice at once; no answer may be a fault of ours."""
        times = self._random.choice((1, 1, 2))
        if name in ("confirm", "close"):
            said = await asyncio.gather(*(self._as_wallet(name) for _ in range(times)))
        else:
            said = await self._as_platform(name, times)
        self.done.append(f"{name} {said}")
        assert "INTERNAL" not in said, self.done

    async def _as_platform(self, name: str, times: int) -> list[str]:
        counter = self.order.platform.counter
        if name == "sale":
            counter = self.town.pharmacy
            message = counter.sale(self.order.whom, some(CLASS_A))
        elif name == "ask":
            message = self.order.enquiry()
        elif name == "withdraw":
            message = self.order.enquiry("6401")
        elif name in ("pay", "hold"):
            token = await self.order.platform.token(self.order.whom)
            wallet = "WECHAT" if name == "hold" else ""
            message = self.order.payment(token, wallet=wallet)
        elif self._shown is None:
            return ["nothing to refund"]
        else:
            kind = {"all": "ALL", "insurance": "HI", "cash": "CASH"}[name]
            token = await self.order.platform.token(self.order.whom)
            message = self.order.refund(self._shown, kind, ecToken=token)
        replies = await asyncio.gather(*(counter.send(message) for _ in range(times)))
        for reply in replies:
            if name in ("pay", "hold") and reply.infcode == 0:
                self._shown = reply
        return [reply.err_code or str(reply.infcode) for reply in replies]

    async def _as_wallet(self, name: str) -> str:
        said: dict[str, object] = {"payOrdId": self.order.number}
        if name == "confirm":
            if self._shown is None:
                return "nothing was held"
            for field in ("feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt"):
                said[field] = self._shown.money(field, "data")
        answer = await self._wallet.send(name, said, wallet=True)
        return str(answer.data.get("err_code", answer.code))


WENT_BACK = {
    State.ALL_BACK: [["ALL"], ["HI", "CASH"], ["CASH", "HI"]],
    State.INSURANCE_BACK: [["HI"]],
    State.CASH_BACK: [["CASH"]],
}
"""What the hospital has been told of refunds, in order, by where the order stands."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_order_ends_in_what_was_booked(
    town: Town, told: Told, wallet: Caller, seed: int
) -> None:
    random = Random(seed)
    platform = Platform(town, town.hospital)
    actors = [
        Actor(
            town, await platform.upload(town.someone(), some(DEAR, 2), some(CLASS_C)), wallet,
            random,
        )
        for _ in range(ORDERS)
    ]  # fmt: skip
    told.receiver.plan = random.choices(FAULTS, k=ORDERS)
    for _ in range(ROUNDS):
        await asyncio.gather(
            *(
                actor.act(name)
                for actor in actors
                for name in random.choices(list(ACTS), list(ACTS.values()), k=2)
            ),
            town.end_orders(after_seconds=random.choice(TIMES)),
            told.deliver(),
        )
    await town.end_orders(after_seconds=SAVED_SECONDS)
    told.receiver.plan = []
    await told.deliver(seconds=100_000)
    await told.deliver(seconds=100_000)
    assert await held_fen(town, HOSPITAL.code) == 0, seed
    for actor in actors:
        await _is_whole(actor, told, seed)


async def _is_whole(actor: Actor, told: Told, seed: int) -> None:
    """State, settlements, account and notices say the same."""
    order, story = actor.order, (seed, actor.order.number, actor.done)
    state = State(await order.state())
    rows = await actor.town.rows_of(order.whom)
    booked = Tally(row["infno"] for row in rows)
    paid = state not in NEVER_PAID
    assert state in STANDS | TAKEN_BACK | NEVER_PAID, story
    assert (booked["6202"], booked["6203"]) == (paid, state in TAKEN_BACK), (state, story)
    told_of = [
        (one.topic, msgspec.json.decode(one.data, type=dict[str, object]))
        for one in told.book.entries
        if not one.seen_before and order.number.encode() in bytes(one.data)
    ]
    topics = [topic for topic, _ in told_of]
    if not paid:
        assert topics in (["6204"], ["6204", "6204"]), (topics, story)
        assert told_of[-1][1]["extData"] == {"ordStas": state.value}, story
        return
    went_back = [data["setlType"] for _, data in told_of[2:]]
    assert topics[:2] == ["6204", "6302"], (topics, story)
    assert all(data["callType"] == "3" for _, data in told_of[2:]), story
    assert went_back in WENT_BACK.get(state, [[]]), (went_back, state, story)
    assert set(topics) <= {"6204", "6302"}, story
