"""What a payment channel can do for us. One adapter a channel, one object a merchant.

Every method answers with an `Outcome` whatever the network did: a timeout, a reset, a 502 with a
page of HTML, an answer whose signature is wrong are `UNKNOWN`. None of them retries, waits or
decides; that is the resolver's. All may be called again with the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol, runtime_checkable

from settlement.payments.payment import (
    ChannelName,
    Handed,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    PhoneOrder,
    RefundOrder,
    Timers,
)


class Channel(Protocol):
    """A merchant's door to its channel."""

    name: ChannelName
    merchant_no: str
    timers: Timers
    tells_later: bool
    """Whether its answer to a payment leaves it open as a rule, and what it tells decides."""

    async def pay(self, order: PayOrder) -> Outcome:
        """Collect with the code that the payer showed (付款码支付, 被扫)."""
        ...

    async def query(self, order: OrderKey) -> Outcome:
        """What became of a payment. An order that the channel does not know is `UNKNOWN`: it may
        still arrive. After an undo it is `FAILED`."""
        ...

    async def undo(self, order: OrderKey) -> Outcome:
        """Close it if unpaid, give all back if paid (撤销, 冲正).

        `SUCCESS`: nothing is or stays collected under this number, and nothing can be any more.
        `UNKNOWN`: call again. `FAILED`: the channel does not undo it any more; refund it instead.
        """
        ...

    async def refund(self, refund: RefundOrder) -> Outcome:
        """Give back (退款)."""
        ...

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """What became of a refund."""
        ...

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """Check a notification and read it. `headers` have names in lower case."""
        ...

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """Status, body and content type that the channel wants to hear."""
        ...

    async def bill(self, day: date) -> bytes | None:
        """The bill file of a day as it came, checked against its digest; None where it is not
        ready. Raises BillRefusedError."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@runtime_checkable
class FundBills(Channel, Protocol):
    """A channel that has a bill of its own for what moved on the merchant's account."""

    async def fund_bill(self, day: date) -> bytes | None:
        """As `Channel.bill`."""
        ...


@runtime_checkable
class OneCode(Channel, Protocol):
    """A channel that collects with the code that named the person (一码付)."""

    async def wallet(self, code: str) -> str:
        """For which wallet the holder of a 医保码 signed. Empty where for none, and where nobody
        says: the payer then shows a wallet's own code, which is always safe to ask for."""
        ...


class PhoneDoor(Protocol):
    """What a merchant can do for a payer who pays on their own phone. Queries, refunds,
    notifications and bills of it are the channel's own."""

    timers: Timers
    asks_who: bool
    """Whether the channel takes an order only for a payer that it knows."""
    gives_once: bool
    """Whether the address with which the phone opens an order may be given once only: it is kept
    with the order, and `hand` is not called again where it is known."""

    def sign_in(self, back: str, state: str) -> str:
        """Where a page sends the payer to learn who they are; they come back to `back`. Empty where
        only an institution's own program can say it, and where nobody asks."""
        ...

    async def payer(self, code: str) -> str:
        """Who came back with a code; empty where nobody says."""
        ...

    async def hand(self, order: PhoneOrder) -> Handed | Outcome:
        """Make the order wait for its payer (JSAPI下单, 预下单, 申请二维码). The same again gives
        the same order; of one that waits for somebody else it is refused."""
        ...

    async def withdraw(self, order: OrderKey) -> Outcome:
        """Close it (关闭订单). Verdicts as of `Channel.undo`; one that is paid and that the channel
        does not give back with it is `FAILED`: it has to be refunded."""
        ...


@runtime_checkable
class OnPhones(Channel, Protocol):
    """A channel whose payers can pay on their own phones; `phone` is None where the merchant is
    not granted that."""

    phone: PhoneDoor | None


class BillRefusedError(Exception):
    """The channel gave no bill, or one that is damaged; the text says which and what to do."""
