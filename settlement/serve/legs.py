"""Payments of this process whose channel is being asked, and what it tells of them meanwhile.

A channel tells by itself what became of a payment, often before its answer to the payment is on
record. Written by itself that would be a batch more, and what the channel answered would be kept
nowhere, because then it says nothing new. So what is told meanwhile waits a moment for the answer,
and where the answer leaves it open both are reported as one. Nothing here is remembered: what is
not said in time, or in another process, is found in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TypeVar

from msgspec.structs import replace

from settlement.channels import waiting
from settlement.payments.payment import Notified, Outcome
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Attempt, Happening, happened
from settlement.usecases.paying import PayAnswer

GRACE_SECONDS = 0.05
"""How long an answer that leaves it open waits for what the channel tells by itself."""
ANSWER_SECONDS = 0.3
"""How long what it tells waits for the answer to be on record."""

T = TypeVar("T")
_OPEN = frozenset({Happening.UNCLEAR, Happening.MISPAID})


class Leg:
    """One of them, from before the channel is asked until the counter has its answer."""

    def __init__(self, attempt: Attempt) -> None:
        loop = asyncio.get_running_loop()
        self.attempt = attempt
        self._told: asyncio.Future[Outcome] = loop.create_future()
        self._on_record: asyncio.Future[None] = loop.create_future()
        self._latest: PayAnswer | None = None
        self._stirred = asyncio.Event()

    async def with_what_is_told(self, answered: Outcome) -> Outcome:
        """The channel's answer; where that leaves it open, or says another amount, and the channel
        tells by itself that it was paid, this, with the exchange of the answer."""
        if happened(answered, self.attempt) not in _OPEN:
            return answered
        waiting.begin()  # it is the channel's turn still
        try:
            told = await _within(self._told, GRACE_SECONDS)
        finally:
            waiting.end()
        if told is None or happened(told, self.attempt) is not Happening.PAID:
            return answered
        return replace(told, exchange=answered.exchange)

    async def news(self, fact: PaymentFact, seconds: float) -> PayAnswer | None:
        """What stands, once more became of it in this process than `fact` says; None where nothing
        does for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._says_more(fact):
                    self._stirred.clear()
                    await self._stirred.wait()
        return self._latest if self._says_more(fact) else None

    def _says_more(self, fact: PaymentFact) -> bool:
        now = None if self._latest is None else self._latest.fact
        return now is not None and len(now.events) > len(fact.events)

    def tell(self, stands: PayAnswer) -> None:
        """Something became of it."""
        self._latest = stands
        self._stirred.set()

    def answered(self) -> None:
        """The answer is on record, or nobody knows."""
        if not self._on_record.done():
            self._on_record.set_result(None)

    async def hear(self, said: Notified) -> PaymentFact | None:
        """What the channel tells. What stands once the answer is on record, too; None where that
        takes too long."""
        if not self._told.done():
            self._told.set_result(said.outcome)
        await _within(self._on_record, ANSWER_SECONDS)
        return self._latest.fact if self._on_record.done() and self._latest is not None else None


class Legs:
    """All of a process."""

    def __init__(self) -> None:
        self._by_order: dict[str, Leg] = {}
        self._by_payment: dict[int, Leg] = {}

    @contextlib.contextmanager
    def begin(self, pay_no: int, attempt: Attempt) -> Iterator[Leg]:
        """While a counter waits for an attempt."""
        leg = Leg(attempt)
        self._by_order[attempt.order_no] = self._by_payment[pay_no] = leg
        try:
            yield leg
        finally:
            leg.answered()
            del self._by_order[attempt.order_no]
            if self._by_payment.get(pay_no) is leg:
                del self._by_payment[pay_no]

    def of(self, said: Notified, channel: str, merchant_no: str) -> Leg | None:
        """The one that a channel tells about; of a refund, or another merchant's order, none."""
        leg = None if said.refund_no else self._by_order.get(said.order_no)
        if leg is None or (leg.attempt.channel, leg.attempt.merchant_no) != (channel, merchant_no):
            return None
        return leg

    def waits(self, order_no: str) -> bool:
        """A counter of this process waits for that order."""
        return order_no in self._by_order

    def tell(self, pay_no: int, stands: PayAnswer) -> None:
        """Something became of a payment."""
        leg = self._by_payment.get(pay_no)
        if leg is not None:
            leg.tell(stands)


async def _within(awaited: asyncio.Future[T], seconds: float) -> T | None:
    """None where it takes longer."""
    if not awaited.done():
        await asyncio.wait((awaited,), timeout=seconds)
    return awaited.result() if awaited.done() else None
