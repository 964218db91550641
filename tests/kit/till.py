"""A payment channel in this process, with a book of its own and whatever answers a test asks for.

It keeps the rules that every channel keeps: an order number is one payment, an undone number is
dead, a refund number is one refund. The simulators of loadtest speak the channels' real wires; this
one is for what happens between answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum

from settlement.channels.port import Channel, PhoneDoor
from settlement.channels.registry import EVERYBODY, Place, Tills
from settlement.clock import Clock
from settlement.payments.payment import (
    Advice,
    ChannelName,
    Custody,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    RefundOrder,
    Timers,
    Verdict,
)
from settlement.payments.payment_timers import TIMERS

MERCHANT = "1900000001"
WALLET = "134567890123456789"
"""A code of WeChat's shape."""
OTHER_WALLET = "288186539097317031"
"""And one of Alipay's."""


class Play(StrEnum):
    """What happens to the next call."""

    PAID = "paid"
    CONFIRM = "the payer must confirm"
    LOST_BEFORE = "it never arrived"
    LOST_AFTER = "it was paid, the answer is lost"
    POOR = "not enough money"
    ONE_FEN_LESS = "another amount was paid"


class Book:
    """What the channel itself knows."""

    def __init__(self) -> None:
        self.paid: dict[str, int] = {}
        self.dead: set[str] = set()
        self.asked: dict[str, int] = {}
        self.refunds: dict[str, int] = {}
        self.calls: list[str] = []

    @property
    def balance_fen(self) -> int:
        """What the merchant has by it."""
        return sum(self.paid.values()) - sum(self.refunds.values())

    def undo(self, order_no: str) -> None:
        """Nothing is or stays collected."""
        self.paid.pop(order_no, None)
        self.dead.add(order_no)


class ScriptedChannel:
    """See the module. `plays` is what happens to the next payments; then all are paid at once."""

    def __init__(self, name: ChannelName, clock: Clock) -> None:
        self.name = name
        self.merchant_no = MERCHANT
        self.timers: Timers = TIMERS[name]
        self.tells_later = False
        self.phone: PhoneDoor | None = None
        self.book = Book()
        self.plays: deque[Play] = deque()
        self.silent = False
        """nothing that is asked gets an answer"""
        self.queries = asyncio.Event()
        """set but where what is queried waits for its answer"""
        self.queries.set()
        self.undoes = True
        self.refund_verdicts: deque[Verdict] = deque()
        self.before_pay: Callable[[], None] | None = None
        self.stop_at: tuple[str, str] | None = None
        """of which call, and `before` or `after` it did something: it is never answered then, as
        if whoever asked had died"""
        self.stopped = asyncio.Event()
        self._clock = clock

    async def pay(self, order: PayOrder) -> Outcome:
        """See `Channel`."""
        await self.stop("pay", "before")
        outcome = self._pay(order)
        await self.stop("pay", "after")
        return outcome

    def _pay(self, order: PayOrder) -> Outcome:
        self.book.calls.append("pay")
        if self.before_pay is not None:
            self.before_pay()
        play = self.plays.popleft() if self.plays else Play.PAID
        if play is Play.LOST_BEFORE:
            return _unknown()
        self.book.asked[order.order_no] = order.amount_fen
        match play:
            case Play.PAID:
                self.book.paid[order.order_no] = order.amount_fen
            case Play.ONE_FEN_LESS:
                self.book.paid[order.order_no] = order.amount_fen - 1
            case Play.LOST_AFTER:
                self.book.paid[order.order_no] = order.amount_fen
                return _unknown()
            case Play.CONFIRM:
                return Outcome(verdict=Verdict.PAYER_ACTION, code="USERPAYING")
            case Play.POOR:
                self.book.dead.add(order.order_no)
                return Outcome(
                    verdict=Verdict.FAILED, code="NOTENOUGH", text="余额不足",
                    advice=Advice.OTHER_FUNDING,
                )  # fmt: skip
        return self._paid(order.order_no)

    async def query(self, order: OrderKey) -> Outcome:
        """See `Channel`."""
        self.book.calls.append("query")
        await self.queries.wait()
        if self.silent:
            return _unknown()
        if order.order_no in self.book.paid:
            return self._paid(order.order_no)
        if order.order_no in self.book.dead:
            return Outcome(verdict=Verdict.FAILED, code="CLOSED")
        if order.order_no in self.book.asked:
            return Outcome(verdict=Verdict.PAYER_ACTION, code="USERPAYING")
        return Outcome(verdict=Verdict.UNKNOWN, code="ORDER_NOT_EXIST")

    async def undo(self, order: OrderKey) -> Outcome:
        """See `Channel`."""
        await self.stop("undo", "before")
        outcome = self._undo(order)
        await self.stop("undo", "after")
        return outcome

    def _undo(self, order: OrderKey) -> Outcome:
        self.book.calls.append("undo")
        if self.silent:
            return _unknown()
        if not self.undoes:
            return Outcome(verdict=Verdict.FAILED, code="TOO_LATE")
        self.book.undo(order.order_no)
        return Outcome(verdict=Verdict.SUCCESS)

    async def refund(self, refund: RefundOrder) -> Outcome:
        """See `Channel`."""
        await self.stop("refund", "before")
        outcome = self._refund(refund)
        await self.stop("refund", "after")
        return outcome

    def _refund(self, refund: RefundOrder) -> Outcome:
        self.book.calls.append("refund")
        verdict = self.refund_verdicts.popleft() if self.refund_verdicts else Verdict.SUCCESS
        if verdict is Verdict.SUCCESS:
            self.book.refunds[refund.refund_no] = refund.amount_fen
        return Outcome(verdict=verdict, code=verdict.value, reference=f"r{refund.refund_no}")

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """See `Channel`."""
        self.book.calls.append("query refund")
        self.book.refunds[refund.refund_no] = refund.amount_fen
        return Outcome(verdict=Verdict.SUCCESS, reference=f"r{refund.refund_no}")

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """The body is the number of an order or of a refund; `forged` is refused."""
        order_no = body.decode()
        if order_no == "forged":
            return NotificationRefused(reason="signature")
        if order_no in self.book.refunds:
            return Notified(
                notification_id=f"n{order_no}", merchant_no=MERCHANT, order_no="",
                refund_no=order_no, outcome=Outcome(verdict=Verdict.SUCCESS),
            )  # fmt: skip
        return Notified(
            notification_id=f"n{order_no}", merchant_no=MERCHANT, order_no=order_no,
            outcome=self._paid(order_no),
        )  # fmt: skip

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """See `Channel`."""
        return (200, b"success", "text/plain") if taken else (400, b"fail", "text/plain")

    async def bill(self, day: date) -> bytes | None:
        """No bills here."""
        return None

    async def close(self) -> None:
        """Nothing is open."""

    def confirm(self, order_no: str) -> None:
        """The payer confirms on the phone."""
        self.book.paid[order_no] = self.book.asked[order_no]

    async def stop(self, call: str, when: str) -> None:
        """Nothing more is heard where a test wants that."""
        if self.stop_at == (call, when):
            self.stop_at = None
            self.stopped.set()
            await asyncio.Event().wait()

    def _paid(self, order_no: str) -> Outcome:
        return Outcome(
            verdict=Verdict.SUCCESS, code="SUCCESS", reference=f"w{order_no}",
            amount_fen=self.book.paid.get(order_no, self.book.asked.get(order_no)),
            finished_at=self._clock(),
        )  # fmt: skip


def _unknown() -> Outcome:
    return Outcome(verdict=Verdict.UNKNOWN, code="TIMEOUT")


class TillWorld:
    """The channels of a town."""

    def __init__(self, clock: Clock, custody: Custody = Custody.OWN) -> None:
        self.wechat = ScriptedChannel(ChannelName.WECHAT, clock)
        self.alipay = ScriptedChannel(ChannelName.ALIPAY, clock)
        self.custody = custody
        self.tills = self.tills_with()

    def tills_with(self, *more: Channel) -> Tills:
        """These channels, and more of them."""
        channels: tuple[Channel, ...] = (self.wechat, self.alipay, *more)
        return Tills(
            {(one.name, one.merchant_no): one for one in channels},
            {
                (EVERYBODY, one.name): Place(merchant_no=one.merchant_no, custody=self.custody)
                for one in channels
            },
        )
