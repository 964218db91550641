"""A simulated WeChat on a standing clock, and merchants' doors to it over loopback HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Literal

from aiohttp import web

from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat import WechatSimulator
from loadtest.simulators.wechat_keys import Platform, SimMerchant
from protocol.wechat.signing import VerifyingKey
from settlement.channels.signer import Signer
from settlement.channels.wechat import WechatChannel
from settlement.channels.wechat_config import WechatKeys, WechatMerchant
from settlement.payments.payment import OrderKey, PayOrder, RefundOrder

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
MCHID = "1900000001"
HASTY_SECONDS = 0.5
"""What a merchant waits for the line, and for the answer, where a test wants none to come in time:
the payment itself must, on any machine."""

Api = Literal["v2", "v3"]


class WechatStage:
    """One merchant and its WeChat."""

    def __init__(
        self, simulator: WechatSimulator, channel: WechatChannel, hasty: WechatChannel
    ) -> None:
        self.simulator = simulator
        self.channel = channel
        self.hasty = hasty
        """the same merchant, who waits for no answer long"""
        self.clock = simulator.clock
        self._numbers = count(1)

    def code(self, behaviour: Behaviour = Behaviour.OK, *, seconds: int = 10) -> str:
        """A test code."""
        return self.simulator.codes.test_code(behaviour, seconds=seconds)

    def order(
        self, behaviour: Behaviour = Behaviour.OK, *, amount_fen: int = 1234, code: str = "",
        seconds: int = 10, number: str = "",
    ) -> PayOrder:  # fmt: skip
        """A payment that has not been sent."""
        return PayOrder(
            order_no=number or f"T{next(self._numbers):09d}", sent_at=self.clock(),
            amount_fen=amount_fen, code=code or self.code(behaviour, seconds=seconds),
            subject="测试药店", terminal_id="POS01",
        )  # fmt: skip

    def fault(self, fault: Fault, operation: Operation | None = None, *, times: int = 1) -> None:
        """The next call meets it."""
        self.simulator.faults.add(
            Rule(fault=fault, operation=operation, times=times, delay_seconds=30)
        )

    async def move(self, seconds: float) -> None:
        """So much time passes."""
        await self.clock.advance(seconds)

    @property
    def kept_fen(self) -> int:
        """What the channel's own book says that the merchant keeps."""
        return self.simulator.book.totals().get("net_fen", 0)


def key_of(order: PayOrder) -> OrderKey:
    """What finds it again."""
    return OrderKey(order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen)


def refund_of(
    order: PayOrder, reference: str, *, amount_fen: int, number: str = "R1", reason: str = "",
    notify_url: str = "",
) -> RefundOrder:  # fmt: skip
    """A refund that has not been sent."""
    return RefundOrder(
        order=key_of(order), reference=reference, refund_no=number, sent_at=order.sent_at,
        amount_fen=amount_fen, reason=reason, notify_url=notify_url,
    )  # fmt: skip


@asynccontextmanager
async def wechat_stage(folder: Path, api: Api, **told: object) -> AsyncIterator[WechatStage]:
    """The simulator of `told`, its merchant, and the door of `api`."""
    clock = VirtualClock(NOON)
    book = ChannelBook(folder / "wechat.book")
    platform, merchant = known_keys()
    simulator = WechatSimulator(clock=clock, book=book, platform=platform, **told)  # type: ignore
    simulator.shop.merchants[MCHID] = merchant
    url = await simulator.start()
    signer = Signer(1)
    channel = door(simulator, url, api, signer, connect_seconds=30.0, answer_seconds=60.0)
    hasty = door(
        simulator, url, api, signer, connect_seconds=HASTY_SECONDS, answer_seconds=HASTY_SECONDS
    )
    try:
        yield WechatStage(simulator, channel, hasty)
    finally:
        await channel.close()
        await hasty.close()
        await simulator.stop()
        signer.close()


def door(
    simulator: WechatSimulator, url: str, api: Api, signer: Signer, **told: object
) -> WechatChannel:
    """A merchant's door with the simulator's credentials."""
    merchant, platform = simulator.shop.merchants[MCHID], simulator.shop.platform
    known: dict[str, object] = {
        "mchid": MCHID, "appid": merchant.appid, "api": api, "base_url": url, "backup_url": "",
        "merchant_serial": merchant.serial, "platform_public_key_id": platform.public_key_id,
        "store_id": "0001",
    }  # fmt: skip
    config = WechatMerchant(**known | told)  # type: ignore[arg-type]
    keys = WechatKeys(
        signing=merchant.signing,
        platform={platform.public_key_id: VerifyingKey(platform.public_key_pem)},
        apiv3_key=merchant.apiv3_key.encode(), apiv2_key=merchant.apiv2_key,
        app_secret=merchant.app_secret,
    )  # fmt: skip
    return WechatChannel(config, keys, signer=signer, clock=simulator.clock)


class NoticeDesk:
    """Where notifications arrive: asks the channel, and answers what the channel wants to hear."""

    def __init__(self, channel: WechatChannel, *, fails: int = 0) -> None:
        self.seen: list[object] = []
        self._channel = channel
        self._fails = fails

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        read = self._channel.notified(headers, await request.read())
        self.seen.append(read)
        taken = not hasattr(read, "reason") and len(self.seen) > self._fails
        status, body, content_type = self._channel.acknowledged(taken=taken)
        return web.Response(status=status, body=body, content_type=content_type)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Its address."""
        application = web.Application()
        application.router.add_post("/notify/wechat", self.take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/notify/wechat"
        finally:
            await runner.cleanup()


@cache
def known_keys() -> tuple[Platform, SimMerchant]:
    """Made once a run: an RSA key takes longer than most tests."""
    return Platform(VirtualClock(NOON)), SimMerchant(MCHID, "wxsim0000000000001")
