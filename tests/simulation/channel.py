"""A payment channel with a book of its own that fails as channels do, by chance.

It keeps what every channel promises (settlement/channels/port.py), but for one thing: a *ghost* is
paid although it was undone, and the channel tells of it until it is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random

from msgspec import Struct

from settlement.payments.payment import Advice, ChannelName, Outcome, Verdict


class Moved(Struct, frozen=True):
    """Money that came to the merchant or left it, as a bill tells of it."""

    at: datetime
    order_no: str
    amount_fen: int
    """below zero: it left"""
    refund_no: str = ""
    """empty of a payment, and of one that was undone"""


class Order(Struct):
    """A payment as the channel knows it."""

    amount_fen: int
    paid_fen: int = 0
    dead: bool = False
    refunds: dict[str, int] = {}

    @property
    def left_fen(self) -> int:
        """What of it the merchant has."""
        return self.paid_fen - sum(self.refunds.values())


Notify = Callable[[str, Outcome], None]
CONFIRMS, REFUSES, PAYS = "confirms", "refuses", "pays"


class UnreliableChannel:
    """See the module. `honest`: no more faults from now on."""

    def __init__(self, name: ChannelName, rng: Random, notify: Notify) -> None:
        self.name = name
        self.honest = False
        self._rng = rng
        self._notify = notify
        self._orders: dict[str, Order] = {}
        self._undone_unseen: set[str] = set()
        self._faulty = rng.choice((0.0, 0.1, 0.4))
        self._undoes = rng.random() < 0.8
        self._refunds = rng.random() < 0.8
        self._closing_gives_back = rng.random() < 0.5
        self._slow: dict[str, int] = {}
        self.clock: Callable[[], datetime] = lambda: datetime.min
        self.moved: list[Moved] = []
        """for its bills, where somebody gave it a clock"""
        self.failures = 0
        """how often a question or an answer was lost, or it paid what it had undone"""

    @property
    def balance_fen(self) -> int:
        """What the merchant has by it."""
        return sum(order.left_fen for order in self._orders.values())

    def left_fen(self, order_no: str) -> int:
        """What of one payment the merchant has."""
        order = self._orders.get(order_no)
        return 0 if order is None else order.left_fen

    def pay(self, order_no: str, amount_fen: int) -> Outcome:
        """A request to collect arrives, or not."""
        if self._happens():
            return _unknown()
        if order_no in self._undone_unseen:
            return _failed("CLOSED")
        order = self._orders[order_no] = Order(amount_fen=amount_fen)
        play = self._rng.choice((PAYS, PAYS, PAYS, CONFIRMS, CONFIRMS, REFUSES))
        match play:
            case "pays":
                self._pay(order_no)
            case "refuses":
                order.dead = True
        return self._answer(order_no)

    def hand(self, order_no: str, amount_fen: int) -> Outcome:
        """An order that its payer pays on their phone arrives, or not; the same again is the
        same."""
        if self._happens():
            return _unknown()
        if order_no in self._undone_unseen:
            return _failed("CLOSED")
        self._orders.setdefault(order_no, Order(amount_fen=amount_fen))
        return self._answer(order_no)

    def withdraw(self, order_no: str) -> Outcome:
        """Nobody can pay such an order any more; one that is paid stays so, or is given back."""
        if self._happens():
            return _unknown()
        order = self._orders.get(order_no)
        if order is None:
            self._undone_unseen.add(order_no)
        elif order.paid_fen and not self._closing_gives_back:
            return self._heard(_failed("ORDERPAID"))
        else:
            self._move(order_no, -order.paid_fen)
            order.paid_fen = 0
            order.dead = True
        return self._heard(Outcome(verdict=Verdict.SUCCESS))

    def confirm(self, order_no: str) -> None:
        """The payer confirms on the phone; what is dead stays so, but for a ghost."""
        order = self._orders.get(order_no)
        if order is None or order.paid_fen or (order.dead and not self._ghost()):
            return
        self._pay(order_no)

    def query(self, order_no: str) -> Outcome:
        """What became of a payment."""
        return _unknown() if self._happens() else self._answer(order_no)

    def undo(self, order_no: str) -> Outcome:
        """Nothing is or stays collected."""
        if self._happens():
            return _unknown()
        order = self._orders.get(order_no)
        if not self._undoes and (not self.honest or order is not None):
            return self._heard(_failed("TOO_LATE"))
        if order is None:
            self._undone_unseen.add(order_no)
            return self._heard(Outcome(verdict=Verdict.SUCCESS))
        self._move(order_no, -order.paid_fen)
        order.paid_fen, order.dead = 0, True
        return self._heard(Outcome(verdict=Verdict.SUCCESS))

    def refund(self, order_no: str, refund_no: str, amount_fen: int) -> Outcome:
        """Give back; the same number is the same refund."""
        if self._happens():
            return _unknown()
        order = self._orders.get(order_no)
        if order is not None and refund_no in order.refunds:
            return self._heard(_done(refund_no))
        if order is None or amount_fen > order.left_fen or not self._refunds:
            return self._heard(_failed("REFUND_FAILED"))
        if self._slow.setdefault(refund_no, self._rng.choice((0, 0, 2))):
            self._slow[refund_no] -= 1
            return self._heard(Outcome(verdict=Verdict.PAYER_ACTION, code="PROCESSING"))
        order.refunds = {**order.refunds, refund_no: amount_fen}
        self._move(order_no, -amount_fen, refund_no)
        return self._heard(_done(refund_no))

    def _pay(self, order_no: str) -> None:
        order = self._orders[order_no]
        order.paid_fen = order.amount_fen
        if self._ghost() and order.amount_fen > 1:
            order.paid_fen -= 1
        self._move(order_no, order.paid_fen)
        if order.dead or self._rng.random() < 0.6:
            order.dead = False
            self._notify(order_no, self._answer(order_no, surely=True))

    def _move(self, order_no: str, amount_fen: int, refund_no: str = "") -> None:
        if amount_fen:
            self.moved.append(Moved(self.clock(), order_no, amount_fen, refund_no))

    def _answer(self, order_no: str, *, surely: bool = False) -> Outcome:
        order = self._orders.get(order_no)
        if order is None:
            unseen = order_no in self._undone_unseen
            outcome = _failed("CLOSED") if unseen else _unknown()
        elif order.paid_fen:
            outcome = Outcome(
                verdict=Verdict.SUCCESS, reference=f"w{order_no}", amount_fen=order.paid_fen
            )
        elif order.dead or self.honest:
            order.dead = True  # nobody confirmed for so long that the channel closed it
            outcome = _failed("CLOSED")
        else:
            outcome = Outcome(verdict=Verdict.PAYER_ACTION, code="USERPAYING")
        return outcome if surely else self._heard(outcome)

    def _heard(self, outcome: Outcome) -> Outcome:
        return _unknown() if self._happens() else outcome

    def _happens(self) -> bool:
        return self._fails(self._faulty)

    def _ghost(self) -> bool:
        return self._fails(0.2)

    def _fails(self, share: float) -> bool:
        fails = not self.honest and self._rng.random() < share
        self.failures += fails
        return fails


def _unknown() -> Outcome:
    return Outcome(verdict=Verdict.UNKNOWN, code="TIMEOUT")


def _failed(code: str) -> Outcome:
    return Outcome(verdict=Verdict.FAILED, code=code, advice=Advice.RESCAN)


def _done(refund_no: str) -> Outcome:
    return Outcome(verdict=Verdict.SUCCESS, reference=f"r{refund_no}")
