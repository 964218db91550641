"""UnionPay on the payer's own phone: an address (申请二维码, 主扫) that 云闪付 opens or scans.

The public text has no call that closes such an order before its time is over; a reversal (冲正) is
tried, and once the address has expired a query says whether it was paid. Queries, refunds,
notifications and statements are those of any payment (`unionpay`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from msgspec.structs import replace

from protocol.unionpay.codes import NO_SUCH_TRANSACTION
from settlement.channels import unionpay_outcomes as outcomes
from settlement.channels.unionpay_outcomes import Meaning
from settlement.clock import Clock
from settlement.payments.payment import Handed, OrderKey, Outcome, PhoneOrder, Verdict
from settlement.payments.payment_timers import PHONE_TIMERS


class Orders(Protocol):
    """What is asked of the merchant's channel."""

    async def apply(self, order: PhoneOrder) -> Handed | Outcome:
        """Make an order that waits."""
        ...

    async def query(self, order: OrderKey) -> Outcome:
        """What became of it."""
        ...

    async def undo(self, order: OrderKey) -> Outcome:
        """Reverse it."""
        ...


class UnionPayPhone:
    """See `settlement.channels.port.PhoneDoor`. Whoever opens the address first pays."""

    timers = PHONE_TIMERS
    asks_who = False
    gives_once = True

    def __init__(self, orders: Orders, *, clock: Clock, margin: timedelta) -> None:
        self._orders = orders
        self._clock = clock
        self._margin = margin

    def sign_in(self, back: str, state: str) -> str:
        """Nobody asks who pays."""
        return ""

    async def payer(self, code: str) -> str:
        """Nobody asks who pays."""
        return ""

    async def hand(self, order: PhoneOrder) -> Handed | Outcome:
        """申请二维码. Sent again the same order may be refused as a duplicate: the address that the
        first answer gave is kept."""
        return await self._orders.apply(order)

    async def withdraw(self, order: OrderKey) -> Outcome:
        """While it can be paid it is reversed; of one that UnionPay does not know yet the address
        lives. Afterwards nothing but a payment that a query tells of stands against its end."""
        ends_at = (order.expires_at or order.sent_at) + self._margin
        if self._clock() < ends_at:
            undone = await self._orders.undo(order)
            is_unknown_there = undone.verdict is Verdict.UNKNOWN
            if is_unknown_there and undone.code == NO_SUCH_TRANSACTION and order.was_handed:
                return _told(undone, outcomes.STILL_OPEN)
            return undone
        found = await self._orders.query(order)
        if found.verdict is Verdict.SUCCESS:
            return _told(found, outcomes.STILL_PAID)
        if found.verdict is Verdict.FAILED or found.code == NO_SUCH_TRANSACTION:
            is_paid = order.money_came
            return _told(found, outcomes.STILL_PAID if is_paid else outcomes.EXPIRED_UNPAID)
        return found


def _told(found: Outcome, meaning: Meaning) -> Outcome:
    return replace(found, verdict=meaning.verdict, advice=meaning.advice, text=meaning.text)
