"""Payers' phones at the channel of `tests.kit.till`: orders that wait there, by the same book."""

from __future__ import annotations

from settlement.payments.payment import Handed, OrderKey, Outcome, PhoneOrder, Timers, Verdict
from settlement.payments.payment_timers import PHONE_TIMERS
from tests.kit.till import ScriptedChannel

CALL = {
    "appId": "wxtest", "timeStamp": "1", "nonceStr": "n", "package": "prepay_id=",
    "signType": "RSA", "paySign": "s",
}  # fmt: skip


class ScriptedPhone:
    """See `settlement.channels.port.PhoneDoor`. A payer pays by `ScriptedChannel.confirm`."""

    def __init__(self, channel: ScriptedChannel, *, address: str = "") -> None:
        """With an `address` it asks nobody who pays, and says once where the phone opens it."""
        self.timers: Timers = PHONE_TIMERS
        self.asks_who, self.gives_once = not address, bool(address)
        self._address = address
        self._channel = channel

    def sign_in(self, back: str, state: str) -> str:
        """No page asks here."""
        return ""

    async def payer(self, code: str) -> str:
        """Nobody is asked."""
        return ""

    async def hand(self, order: PhoneOrder) -> Handed | Outcome:
        """The order waits from now on; the same again is the same."""
        await self._channel.stop("hand", "before")
        book = self._channel.book
        book.calls.append("hand")
        if order.order_no in book.dead:
            return Outcome(verdict=Verdict.FAILED, code="CLOSED")
        book.asked[order.order_no] = order.amount_fen
        await self._channel.stop("hand", "after")
        waits = Outcome(verdict=Verdict.PAYER_ACTION, code="NOTPAY")
        if self._address:
            return Handed(outcome=waits, url=f"{self._address}{order.order_no}")
        return Handed(outcome=waits, call={**CALL, "package": f"prepay_id={order.order_no}"})

    async def withdraw(self, order: OrderKey) -> Outcome:
        """Nobody can pay it any more; what is paid stays so."""
        await self._channel.stop("withdraw", "before")
        book = self._channel.book
        book.calls.append("withdraw")
        if order.order_no in book.paid:
            return Outcome(verdict=Verdict.FAILED, code="ORDERPAID")
        book.dead.add(order.order_no)
        await self._channel.stop("withdraw", "after")
        return Outcome(verdict=Verdict.SUCCESS)
