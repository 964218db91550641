"""Payment channels of a city: the unreliable ones of tests/simulation/channel.py behind the port
that our adapters implement (settlement/channels/port.py), each gateway speaking to the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from settlement.channels.registry import EVERYBODY, Place, Tills
from settlement.payments.payment import (
    ChannelName,
    Custody,
    Handed,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    PhoneOrder,
    RefundOrder,
    Timers,
    Verdict,
)
from settlement.payments.payment_timers import PHONE_TIMERS, TIMERS
from tests.kit.till import MERCHANT
from tests.simulation.channel import UnreliableChannel
from tests.simulation.passing import passes
from tests.simulation.whole.hosts import Gateway

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

NOTICE_AGAIN_SECONDS, NOTICES_MAX = 15.0, 8
CODES = {ChannelName.WECHAT: "134567890123456789", ChannelName.ALIPAY: "288186539097317031"}
"""What a payer shows."""


class TillBox:
    """The channels of a city, and the notifications that are on their way."""

    def __init__(self, city: City, rng: Random) -> None:
        self._city = city
        self._rng = rng
        self.notices_open = 0
        """what channels tell us and nobody took yet"""
        self.custody = rng.choice(list(Custody))
        self._told: dict[str, Outcome] = {}
        self.channels = {
            name: UnreliableChannel(name, rng, self._notice_of(name)) for name in CODES
        }
        for channel in self.channels.values():
            channel.clock = city.story.clock

    def tills(self, gateway: Gateway) -> Tills:
        """As one process reaches them."""
        doors = [Door(self, gateway, name, self._rng) for name in CODES]
        return Tills(
            {(one.name, MERCHANT): one for one in doors},
            {
                (EVERYBODY, one.name): Place(merchant_no=MERCHANT, custody=self.custody)
                for one in doors
            },
        )

    def told(self, order_no: str) -> Outcome:
        """What a notification of an order says."""
        return self._told[order_no]

    def _notice_of(self, name: ChannelName) -> Callable[[str, Outcome], None]:
        def notify(order_no: str, outcome: Outcome) -> None:
            self._told[order_no] = outcome
            for _ in range(self._rng.choice((1, 1, 2))):
                delay = self._rng.choice((0.0, 0.1, 2.0, 6.0))
                self.notices_open += 1
                self._city.later(delay, lambda: self._deliver(name, order_no, NOTICES_MAX))

        return notify

    async def _deliver(self, name: ChannelName, order_no: str, left: int) -> None:
        """It comes again until it is taken."""
        gateway = self._city.some_gateway()

        async def ask(service: object) -> bytes:
            said = await gateway.service.payments.notified(
                name.value, MERCHANT, {}, order_no.encode()
            )
            return b"taken" if said is not None and said[0] == 200 else b""

        taken = None if gateway is None else await gateway.ask(ask)
        if taken or not left:
            self.notices_open -= 1
            return
        self._city.later(
            NOTICE_AGAIN_SECONDS, lambda: self._deliver(name, order_no, left - 1)
        )


class Door:
    """`Channel`, for one process."""

    def __init__(self, box: TillBox, gateway: Gateway, name: ChannelName, rng: Random) -> None:
        self.name = name
        self.merchant_no = MERCHANT
        self.timers: Timers = TIMERS[name]
        self.tells_later = False
        self._box = box
        self._gateway = gateway
        self._channel = box.channels[name]
        self._rng = rng
        self.phone = PhoneSide(self)

    async def pay(self, order: PayOrder) -> Outcome:
        """See the port; the payer may confirm later."""
        def arrive() -> Outcome:
            self._may_be_confirmed(order.order_no, within_seconds=60)
            return self._channel.pay(order.order_no, order.amount_fen)

        return await self._asked(arrive, f"pay {order.order_no}")

    async def hand(self, order: PhoneOrder) -> Outcome:
        """Of `PhoneSide`; the payer pays later, or does not."""
        def arrive() -> Outcome:
            self._may_be_confirmed(order.order_no, within_seconds=200)
            return self._channel.hand(order.order_no, order.amount_fen)

        return await self._asked(arrive, f"hand {order.order_no}")

    async def withdraw(self, order: OrderKey) -> Outcome:
        """Of `PhoneSide`."""
        return await self._asked(
            lambda: self._channel.withdraw(order.order_no), f"withdraw {order.order_no}"
        )

    async def query(self, order: OrderKey) -> Outcome:
        """See the port."""
        return await self._asked(
            lambda: self._channel.query(order.order_no), f"query {order.order_no}"
        )

    async def undo(self, order: OrderKey) -> Outcome:
        """See the port."""
        return await self._asked(
            lambda: self._channel.undo(order.order_no), f"undo {order.order_no}"
        )

    async def refund(self, refund: RefundOrder) -> Outcome:
        """See the port."""
        return await self._asked(
            lambda: self._channel.refund(
                refund.order.order_no, refund.refund_no, refund.amount_fen
            ),
            f"refund {refund.refund_no}",
        )  # fmt: skip

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """See the port; asked for again, it is the same refund."""
        return await self.refund(refund)

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """The body is the order's number."""
        order_no = body.decode()
        return Notified(
            notification_id=f"n{order_no}", merchant_no=MERCHANT, order_no=order_no,
            outcome=self._box.told(order_no),
        )  # fmt: skip

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """See the port."""
        return (200, b"success", "text/plain") if taken else (400, b"fail", "text/plain")

    async def bill(self, day: date) -> bytes | None:
        """No bills here."""
        return None

    async def close(self) -> None:
        """Nothing is open."""

    def _may_be_confirmed(self, order_no: str, *, within_seconds: float) -> None:
        for _ in range(self._rng.randrange(3)):
            seconds = self._rng.uniform(1, within_seconds)
            self._gateway.city.later(seconds, lambda: _confirm(self._channel, order_no))

    async def _asked(self, arrive: Callable[[], Outcome], what: str) -> Outcome:
        gateway = self._gateway
        await gateway.breathe()
        await passes(self._rng.choice((0.01, 0.1, 0.3)))
        outcome = arrive()
        gateway.city.tell(f"{gateway.name}: {what}: {outcome.verdict} {outcome.code}")
        await passes(self._rng.choice((0.01, 0.1, 0.3)))
        await gateway.breathe()
        return outcome


class PhoneSide:
    """`PhoneDoor`, for one process: WeChat's wants to know who pays, Alipay's gives its address
    once."""

    def __init__(self, door: Door) -> None:
        self.timers: Timers = PHONE_TIMERS
        self.asks_who = door.name is ChannelName.WECHAT
        self.gives_once = not self.asks_who
        self._door = door

    def sign_in(self, back: str, state: str) -> str:
        """The institution's own program says who pays."""
        return ""

    async def payer(self, code: str) -> str:
        """Nobody comes back from anywhere."""
        return ""

    async def hand(self, order: PhoneOrder) -> Handed | Outcome:
        """See the port."""
        outcome = await self._door.hand(order)
        if outcome.verdict is not Verdict.PAYER_ACTION:
            return outcome
        return Handed(outcome=outcome, url=f"pay:{order.order_no}")

    async def withdraw(self, order: OrderKey) -> Outcome:
        """See the port."""
        return await self._door.withdraw(order)


async def _confirm(channel: UnreliableChannel, order_no: str) -> None:
    channel.confirm(order_no)
