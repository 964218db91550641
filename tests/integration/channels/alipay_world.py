"""A merchant with its adapter, the simulated Alipay and a door for notices, on one clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from loadtest.simulators.alipay import AlipaySimulator, MerchantAccount
from loadtest.simulators.alipay_replies import Merchant
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.alipay.signing import PrivateKey, PublicKey
from settlement.channels.alipay import AlipayChannel
from settlement.channels.alipay_config import load_keys, read_merchant
from settlement.channels.signer import Signer
from settlement.payments.payment import (
    NotificationRefused,
    Notified,
    OrderKey,
    PayOrder,
    RefundOrder,
)
from tests.unit.protocol.alipay import keys

NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
APP_ID, SELLER_ID = "2026000000000001", "2088999999999999"
MERCHANT = Merchant(app_id=APP_ID, seller_id=SELLER_ID)


class Door:
    """Where notices arrive. Takes them from the `after`-th on, answering with `word` before."""

    def __init__(self, channel: AlipayChannel) -> None:
        self.url = ""
        self.after = 0
        self.came: list[Notified | NotificationRefused] = []
        self.at: list[datetime] = []
        self._channel = channel

    async def take(self, request: web.Request) -> web.Response:
        """Read one and answer as the gateway would."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        told = self._channel.notified(headers, await request.read())
        self.came.append(told)
        taken = isinstance(told, Notified) and len(self.came) > self.after
        status, body, content_type = self._channel.acknowledged(taken=taken)
        return web.Response(status=status, body=body, content_type=content_type)

    @property
    def taken(self) -> list[Notified]:
        """Those that were genuine."""
        return [one for one in self.came if isinstance(one, Notified)]


class AlipayWorld:
    """Everything one test needs; codes and numbers are made here."""

    def __init__(self, simulator: AlipaySimulator, channel: AlipayChannel, door: Door) -> None:
        self.simulator = simulator
        self.channel = channel
        self.door = door
        self.clock = simulator.clock
        self._serial = 0

    def code(self, behaviour: Behaviour = Behaviour.OK, *, seconds: int = 10) -> str:
        """A payer's fresh code."""
        self._serial += 1
        return self.simulator.codes.make(
            behaviour, at=self.clock(), serial=self._serial, seconds=seconds
        )

    def order(self, number: str = "P00000001", **change: Any) -> PayOrder:
        """An order of 88.80 yuan; `code` defaults to one that pays at once."""
        given: dict[str, Any] = {
            "sent_at": self.clock(), "amount_fen": 8_880, "subject": "测试药店", "operator": "W1",
            "terminal_id": "T1", "notify_url": self.door.url,
        }  # fmt: skip
        given.update(change)
        given.setdefault("code", self.code())
        return PayOrder(order_no=number, **given)

    def book(self) -> list[tuple[str, str, int]]:
        """Movement, order and amount of every entry of Alipay's own book."""
        entries = self.simulator.book.entries
        return [(str(one.movement), one.order_no, one.amount_fen) for one in entries]


def key_of(order: PayOrder) -> OrderKey:
    """What finds it again."""
    return OrderKey(order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen)


def refund_of(order: PayOrder, number: str, amount_fen: int, **change: Any) -> RefundOrder:
    """A refund of an order."""
    return RefundOrder(
        order=key_of(order), reference="", refund_no=number, sent_at=order.sent_at,
        amount_fen=amount_fen, **change,
    )  # fmt: skip


def simulator_in(folder: Path) -> AlipaySimulator:
    """Alipay with our one merchant."""
    return AlipaySimulator(
        clock=VirtualClock(NOON),
        book=ChannelBook(folder / "alipay.jsonl"),
        key=PrivateKey(keys.rsa_key("alipay")),
        stranger=PrivateKey(keys.rsa_key("stranger")),
        accounts=(
            MerchantAccount(
                merchant=MERCHANT, public_key=PublicKey(keys.rsa_key("merchant").public_key())
            ),
        ),
    )


def channel_to(
    url: str, folder: Path, *, clock: VirtualClock, signer: Signer,
    table: Mapping[str, object] | None = None,
) -> AlipayChannel:  # fmt: skip
    """The adapter, as configuration makes it."""
    (folder / "app.pem").write_bytes(keys.private_pem("merchant"))
    (folder / "alipay.pem").write_bytes(keys.public_pem("alipay"))
    for name in ("merchant", "alipay", "root"):
        (folder / f"{name}.crt").write_bytes(keys.certificate_pem(name))
    (folder / "alipay_private.pem").write_bytes(keys.private_pem("alipay"))
    merchant = read_merchant(
        {
            "app_id": APP_ID, "seller_id": SELLER_ID, "private_key_file": "app.pem",
            "alipay_public_key_file": "alipay.pem", "base_url": url, "store_id": "S1",
            "connect_seconds": 1.0, "answer_seconds": 5.0, **(table or {}),
        }
    )  # fmt: skip
    return AlipayChannel(merchant, load_keys(merchant, folder), signer=signer, clock=clock)


@asynccontextmanager
async def alipay_world(
    folder: Path, table: Mapping[str, object] | None = None
) -> AsyncIterator[AlipayWorld]:
    """All of it, over loopback HTTP."""
    simulator, signer = simulator_in(folder), Signer()
    url = await simulator.start()
    channel = channel_to(url, folder, clock=simulator.clock, signer=signer, table=table)
    door = Door(channel)
    application = web.Application()
    application.router.add_post("/notify/alipay", door.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notify/alipay"
    try:
        yield AlipayWorld(simulator, channel, door)
    finally:
        await channel.close()
        await simulator.stop()
        await runner.cleanup()
        signer.close()
