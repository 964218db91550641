"""A town whose payers pay on their own phones: a WeChat over HTTP, and a server that it tells."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat import WechatSimulator
from loadtest.simulators.wechat_phone import PAYER, PHONE_PATH, SIGN_IN_PATH
from protocol.cashier import CashierPayReply, CashierState
from protocol.scan import PhoneCall, ScanReply
from settlement.channels.registry import EVERYBODY, Place, Tills
from settlement.channels.signer import Signer
from settlement.payment import ChannelName, Custody
from settlement.serve.service import Service
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.kit.scanner import Scanner
from tests.kit.town import Town
from tests.kit.wechat import MCHID, door, known_keys

STOP_SECONDS = 5.0
ANSWER_SECONDS = 5.0


class Phones:
    """The payers' phones. Time is the town's, moved together with WeChat's."""

    def __init__(
        self, town: Town, service: Service, simulator: WechatSimulator, url: str,
        session: aiohttp.ClientSession,
    ) -> None:  # fmt: skip
        self.service = service
        self.simulator = simulator
        self.url = url
        self._town = town
        self._session = session

    def meet(self, fault: Fault, operation: Operation, *, times: int = 1) -> None:
        """WeChat does this at the next call of a kind."""
        rule = Rule(fault=fault, operation=operation, times=times)
        self.simulator.faults.replace(Plan(rules=(rule,)))

    async def pass_by(self, seconds: float) -> None:
        """So much time passes for everybody, and the resolver does what is due."""
        await self.simulator.clock.advance(seconds)
        await self._town.resolve(seconds=seconds, by=self.service)

    async def looked(self, link: object) -> CashierState:
        """What the page of a link shows."""
        async with self._session.get(f"{link}/state") as reply:
            assert reply.status == 200, await reply.text()
            return msgspec.json.decode(await reply.read(), type=CashierState)

    async def signed_in(self, page: CashierState, payer: str = PAYER) -> str:
        """The code with which WeChat sends the payer back to the page."""
        [way] = page.ways
        headers = {"Sim-Payer": payer}
        async with self._session.get(
            way.sign_in, headers=headers, allow_redirects=False
        ) as reply:
            assert reply.status == 302, await reply.text()
            back = urlsplit(reply.headers["Location"])
        assert back.path.startswith("/cashier/")
        return parse_qs(back.query)["code"][0]

    async def opened(self, link: object, code: str) -> CashierPayReply:
        """What the page hears when the payer wants to pay."""
        async with self._session.post(f"{link}/pay", json={"code": code}) as reply:
            assert reply.status == 200, await reply.text()
            return msgspec.json.decode(await reply.read(), type=CashierPayReply)

    async def tapped(self, link: object, payer: str = PAYER) -> CashierPayReply:
        """A payer opens the page in WeChat and taps."""
        return await self.opened(link, await self.signed_in(await self.looked(link), payer))

    async def done(self, call: PhoneCall | None, act: str = "pay") -> str:
        """What the payer does in WeChat's own window, and what it says to the page. WeChat's
        notification, where it is sent, has arrived when this returns."""
        assert call is not None
        content = {"call": msgspec.to_builtins(call), "act": act}
        async with self._session.post(f"{self.simulator.url}{PHONE_PATH}", json=content) as reply:
            said = json.loads(await reply.read())["err_msg"]
        await self.simulator.clock.advance(0)
        return str(said).removeprefix("get_brand_wcpay_request:")

    async def raw(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
        """Any request to the server."""
        async with self._session.request(method, f"{self.url}{path}", **more) as reply:
            return reply.status, dict(reply.headers), await reply.read()


class PhoneScanner(Scanner):
    """A till whose payers have phones."""

    phones: Phones

    async def phone(self, order_no: object, openid: str = PAYER) -> ScanReply:
        """POST /pay/{order_no}/phone: the institution's own small program."""
        body = msgspec.json.encode({"openid": openid})
        reply = await self.service.payments.phone(str(order_no), body, self.caller)
        self.status = reply.status
        return msgspec.json.decode(reply.body, type=ScanReply)


@asynccontextmanager
async def phones_of(town: Town, folder: Path) -> AsyncIterator[Phones]:
    """One more process of the town, over HTTP, whose merchant is granted payments on phones."""
    clock = VirtualClock(town.clock())
    platform, merchant = known_keys()
    simulator = WechatSimulator(
        clock=clock, book=ChannelBook(folder / "wechat.jsonl"), platform=platform
    )
    simulator.shop.merchants[MCHID] = merchant
    channels = await simulator.start()
    signer = Signer(1)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    channel = door(
        simulator, channels, "v3", signer, phone=True, connect_seconds=ANSWER_SECONDS,
        answer_seconds=ANSWER_SECONDS, sign_in_url=channels + SIGN_IN_PATH, open_api_url=channels,
    )  # fmt: skip
    tills = Tills(
        {(ChannelName.WECHAT, MCHID): channel},
        {(EVERYBODY, ChannelName.WECHAT): Place(merchant_no=MCHID, custody=Custody.OWN)},
        notify_base=url, cashier_base=url,
    )  # fmt: skip
    service = await town.start_service(tills=tills)
    web = WebServer(service, Board(folder, "phones"), WebSettings(clock=town.clock))
    await web.start(listener)
    try:
        async with aiohttp.ClientSession() as session:
            yield Phones(town, service, simulator, url, session)
    finally:
        await web.stop(STOP_SECONDS)
        await channel.close()
        await simulator.stop()
        signer.close()
