"""A counter with UnionPay: the adapter, the simulator behind it, and what it is notified of.

Both have the same clock, which stands until a test moves it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

from aiohttp import web
from msgspec import Struct

from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.unionpay import UnionPaySimulator
from loadtest.simulators.unionpay_keys import Keys, make_keys, make_signing_key, merchant_name
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.unionpay.certificates import SigningKey, Trust
from settlement.channels.signer import Signer
from settlement.channels.unionpay import UnionPayChannel
from settlement.channels.unionpay_config import UnionPayKeys, read_merchant
from settlement.clock import CHINA
from settlement.payments.payment import (
    NotificationRefused,
    Notified,
    OrderKey,
    PayOrder,
    RefundOrder,
)

MER_ID = "999290058110097"
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=CHINA)


class KeyRing(Struct, frozen=True):
    """Made once a session."""

    sim: Keys
    merchant: SigningKey


def make_key_ring() -> KeyRing:
    """Three RSA keys."""
    return KeyRing(make_keys(MONDAY_NOON), make_signing_key(merchant_name(MER_ID), at=MONDAY_NOON))


class Receiver:
    """Takes notifications as the service would: the adapter reads them, its answer goes back."""

    def __init__(self) -> None:
        self.url = ""
        self.channel: UnionPayChannel | None = None
        self.is_down = False
        self.taken: list[Notified] = []
        self.refused: list[NotificationRefused] = []

    async def take(self, request: web.Request) -> web.Response:
        """One POST."""
        assert self.channel is not None
        headers = {name.lower(): value for name, value in request.headers.items()}
        read = self.channel.notified(headers, await request.read())
        if isinstance(read, Notified) and not self.is_down:
            self.taken.append(read)
        elif isinstance(read, NotificationRefused):
            self.refused.append(read)
        is_taken = isinstance(read, Notified) and not self.is_down
        status, body, content_type = self.channel.acknowledged(taken=is_taken)
        return web.Response(status=status, body=body, content_type=content_type)


class Desk:
    """What a test has in hand."""

    def __init__(
        self,
        sim: UnionPaySimulator,
        channel: UnionPayChannel,
        clock: VirtualClock,
        receiver: Receiver,
    ) -> None:
        self.sim, self.channel, self.clock, self.receiver = sim, channel, clock, receiver
        self.codes = sim.codes.test_codes()
        self._serial = count(1)

    def order(self, code: str = "ok", *, amount_fen: int = 4212, notified: bool = True) -> PayOrder:
        """A new order, sent now; `code` is the name of a test code, or a code."""
        return PayOrder(
            order_no=f"TEST{next(self._serial):012d}", sent_at=self.clock(),
            amount_fen=amount_fen, code=self.codes.get(code, code), subject="测试大药房",
            terminal_id="00000001", notify_url=self.receiver.url if notified else "",
        )  # fmt: skip

    def refund_of(
        self, order: PayOrder, *, amount_fen: int | None = None, reference: str = ""
    ) -> RefundOrder:
        """A new refund, sent now; of everything where no amount is given."""
        return RefundOrder(
            order=key_of(order), reference=reference, refund_no=f"BACK{next(self._serial):012d}",
            sent_at=self.clock(), amount_fen=amount_fen or order.amount_fen,
            notify_url=self.receiver.url,
        )  # fmt: skip

    async def pass_by(self, seconds: float = 0.0) -> None:
        """Time passes, and what falls due happens."""
        await self.clock.advance(seconds)

    async def move_to(self, at: datetime) -> None:
        """It is now `at`."""
        await self.clock.advance((at - self.clock()).total_seconds())

    def totals(self) -> dict[str, int]:
        """Of the simulator's own book."""
        return self.sim.book.totals()


def key_of(order: PayOrder) -> OrderKey:
    """What finds it again."""
    return OrderKey(order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen)


@asynccontextmanager
async def a_desk(
    ring: KeyRing, directory: Path, *, start: datetime = MONDAY_NOON,
    settings: dict[str, object] | None = None, refund_seconds: float = 0.0,
    clock_off_seconds_max: float | None = None, separator: str = " ",
) -> AsyncIterator[Desk]:  # fmt: skip
    """`settings` are the merchant's, the rest is the simulator's."""
    clock = VirtualClock(start)
    book = ChannelBook(directory / "book")
    sim = UnionPaySimulator(
        clock=clock, book=book, keys=ring.sim, refund_seconds=refund_seconds,
        clock_off_seconds_max=clock_off_seconds_max, separator=separator,
    )  # fmt: skip
    sim.open_merchant(MER_ID, ring.merchant)
    url = await sim.start()
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/notify/unionpay", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notify/unionpay"
    merchant = read_merchant(
        {
            "mer_id": MER_ID, "base_url": url, "file_url": url + "/file", "key_file": "",
            "trusted_file": "", **(settings or {}),
        }
    )  # fmt: skip
    keys = UnionPayKeys(ring.merchant, Trust([ring.sim.unionpay.certificate]))
    signer = Signer()
    channel = UnionPayChannel(merchant, keys, signer=signer, clock=clock)
    receiver.channel = channel
    try:
        yield Desk(sim, channel, clock, receiver)
    finally:
        await channel.close()
        signer.close()
        await runner.cleanup()
        await sim.stop()
