"""A town whose payers pay on their own phones: a WeChat, an Alipay and a UnionPay over HTTP, and a
server that they tell."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from loadtest.simulators.alipay import AlipaySimulator, MerchantAccount
from loadtest.simulators.channel import ChannelSimulator
from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from loadtest.simulators.unionpay import UnionPaySimulator
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat import WechatSimulator
from loadtest.simulators.wechat_phone import PAYER, PHONE_PATH, SIGN_IN_PATH
from protocol.alipay.gateway import Caller
from protocol.alipay.signing import PrivateKey, PublicKey
from protocol.cashier import CashierCall, CashierPayReply, CashierState
from protocol.scan import PhoneCall, ScanReply
from protocol.unionpay.certificates import Trust
from settlement.channels.alipay import AlipayChannel
from settlement.channels.alipay_config import AlipayKeys
from settlement.channels.alipay_config import read_merchant as alipay_merchant
from settlement.channels.port import Channel
from settlement.channels.registry import EVERYBODY, Place, Tills
from settlement.channels.signer import Signer
from settlement.channels.unionpay import UnionPayChannel
from settlement.channels.unionpay_config import UnionPayKeys
from settlement.channels.unionpay_config import read_merchant as unionpay_merchant
from settlement.payments.payment import ChannelName, Custody
from settlement.payments.payment_states import PHONE_WAIT_SECONDS
from settlement.serve.service import Service
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.integration.channels.alipay_world import MERCHANT
from tests.kit.scanner import Scanner, clearing_fen, pending_fen
from tests.kit.town import Town
from tests.kit.unionpay import MER_ID, KeyRing, make_key_ring
from tests.kit.wechat import MCHID, door, known_keys
from tests.unit.protocol.alipay import keys as alipay_keys

STOP_SECONDS = 5.0
ANSWER_SECONDS = 5.0
WECHAT, ALIPAY, UNIONPAY = ChannelName.WECHAT, ChannelName.ALIPAY, ChannelName.UNIONPAY


class Simulated:
    """The three channels, with one merchant each, on one clock."""

    def __init__(self, clock: VirtualClock, folder: Path) -> None:
        self.clock = clock
        self._ring: KeyRing = make_key_ring()
        platform, merchant = known_keys()
        self.wechat = WechatSimulator(
            clock=clock, book=ChannelBook(folder / "wechat.jsonl"), platform=platform
        )
        self.wechat.shop.merchants[MCHID] = merchant
        own, app = alipay_keys.rsa_key("alipay"), alipay_keys.rsa_key("merchant")
        account = MerchantAccount(merchant=MERCHANT, public_key=PublicKey(app.public_key()))
        self.alipay = AlipaySimulator(
            clock=clock, book=ChannelBook(folder / "alipay.jsonl"), key=PrivateKey(own),
            stranger=PrivateKey(alipay_keys.rsa_key("stranger")), accounts=(account,),
        )  # fmt: skip
        self.unionpay = UnionPaySimulator(
            clock=clock, book=ChannelBook(folder / "unionpay.jsonl"), keys=self._ring.sim
        )
        self.unionpay.open_merchant(MER_ID, self._ring.merchant)

    @property
    def all(self) -> tuple[ChannelSimulator, ...]:
        """One of each."""
        return self.wechat, self.alipay, self.unionpay

    def of(self, channel: ChannelName) -> ChannelSimulator:
        """The one of a name."""
        return next(one for one in self.all if one.name == channel.value)

    async def start(self) -> None:
        """Listen."""
        for simulator in self.all:
            await simulator.start()

    async def stop(self) -> None:
        """No more requests."""
        for simulator in self.all:
            await simulator.stop()

    def doors(self, signer: Signer, alipay_by: str) -> tuple[Channel, ...]:
        """The merchants' doors; all are granted payments on phones."""
        wechat, alipay, unionpay = (one.url for one in self.all)
        patience = {"connect_seconds": ANSWER_SECONDS, "answer_seconds": ANSWER_SECONDS}
        of_wechat = door(
            self.wechat, wechat, "v3", signer, phone=True, sign_in_url=wechat + SIGN_IN_PATH,
            open_api_url=wechat, **patience,
        )  # fmt: skip
        of_alipay = AlipayChannel(
            alipay_merchant(
                {
                    "app_id": MERCHANT.app_id, "seller_id": MERCHANT.seller_id,
                    "private_key_file": "", "alipay_public_key_file": "", "base_url": alipay,
                    "phone": alipay_by, **patience,
                }
            ),
            AlipayKeys(
                private=PrivateKey(alipay_keys.rsa_key("merchant")),
                alipay=PublicKey(alipay_keys.rsa_key("alipay").public_key()),
                caller=Caller(app_id=MERCHANT.app_id),
            ), signer=signer, clock=self.clock,
        )  # fmt: skip
        of_unionpay = UnionPayChannel(
            unionpay_merchant(
                {
                    "mer_id": MER_ID, "base_url": unionpay, "file_url": f"{unionpay}/file",
                    "key_file": "", "trusted_file": "", "phone": True,
                    "answer_seconds": ANSWER_SECONDS,
                }
            ),
            UnionPayKeys(self._ring.merchant, Trust([self._ring.sim.unionpay.certificate])),
            signer=signer, clock=self.clock,
        )  # fmt: skip
        return of_wechat, of_alipay, of_unionpay


class Phones:
    """The payers' phones. Time is the town's, moved together with that of the channels."""

    def __init__(
        self, town: Town, service: Service, channels: Simulated, url: str,
        session: aiohttp.ClientSession,
    ) -> None:  # fmt: skip
        self.service = service
        self.channels = channels
        self.simulator = channels.wechat
        self.url = url
        self._town = town
        self._session = session

    def meet(
        self, fault: Fault, operation: Operation, *, times: int = 1,
        channel: ChannelName = WECHAT,
    ) -> None:  # fmt: skip
        """A channel does this at the next call of a kind."""
        rule = Rule(fault=fault, operation=operation, times=times)
        self.channels.of(channel).faults.replace(Plan(rules=(rule,)))

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        for simulator in self.channels.all:
            simulator.faults.replace(Plan())

    def paid(self, channel: ChannelName) -> int:
        """How often a channel collected."""
        entries = self.channels.of(channel).book.entries
        return sum(1 for one in entries if one.movement is Movement.PAID)

    async def pass_by(self, seconds: float) -> None:
        """So much time passes for everybody, and the resolver does what is due."""
        await self.channels.clock.advance(seconds)
        await self._town.resolve(seconds=seconds, by=self.service)

    async def looked(self, link: object) -> CashierState:
        """What the page of a link shows."""
        async with self._session.get(f"{link}/state") as reply:
            assert reply.status == 200, await reply.text()
            return msgspec.json.decode(await reply.read(), type=CashierState)

    async def signed_in(self, page: CashierState, payer: str = PAYER) -> str:
        """The code with which WeChat sends the payer back to the page."""
        way = next(one for one in page.ways if one.channel == WECHAT)
        headers = {"Sim-Payer": payer}
        async with self._session.get(
            way.sign_in, headers=headers, allow_redirects=False
        ) as reply:
            assert reply.status == 302, await reply.text()
            back = urlsplit(reply.headers["Location"])
        assert back.path.startswith("/cashier/")
        return parse_qs(back.query)["code"][0]

    async def opened(
        self, link: object, code: str, channel: ChannelName = WECHAT
    ) -> CashierPayReply:
        """What the page hears when the payer wants to pay."""
        asked = {"channel": channel.value, "code": code}
        async with self._session.post(f"{link}/pay", json=asked) as reply:
            assert reply.status == 200, await reply.text()
            return msgspec.json.decode(await reply.read(), type=CashierPayReply)

    async def tapped(self, link: object, payer: str = PAYER) -> CashierPayReply:
        """A payer opens the page in WeChat and taps."""
        return await self.opened(link, await self.signed_in(await self.looked(link), payer))

    async def taps(self, link: object, channel: ChannelName) -> CashierPayReply:
        """A payer opens the page in Alipay or 云闪付, and taps."""
        return await self.opened(link, "", channel)

    async def done(self, call: CashierCall | PhoneCall | None, act: str = "pay") -> str:
        """What the payer does in WeChat's own window, and what it says to the page. WeChat's
        notification, where it is sent, has arrived when this returns."""
        jsapi = call.jsapi if isinstance(call, CashierCall) else call
        assert jsapi is not None
        content = {"call": msgspec.to_builtins(jsapi), "act": act}
        async with self._session.post(f"{self.simulator.url}{PHONE_PATH}", json=content) as reply:
            said = json.loads(await reply.read())["err_msg"]
        await self.channels.clock.advance(0)
        return str(said).removeprefix("get_brand_wcpay_request:")

    async def does(
        self, call: CashierCall | None, channel: ChannelName, act: str = "pay"
    ) -> str:
        """The same in the window of Alipay or 云闪付, at the address that the page opens."""
        assert call is not None and (call.kind, call.channel) == ("open", channel.value)
        return await self.at(call.url, channel, act)

    async def at(self, url: str, channel: ChannelName, act: str = "pay") -> str:
        """The same at any address."""
        place = f"{self.channels.of(channel).url}{PHONE_PATH}"
        async with self._session.post(place, json={"url": url, "act": act}) as reply:
            said = json.loads(await reply.read())["said"]
        await self.channels.clock.advance(0)
        return str(said)

    async def raw(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
        """Any request to the server."""
        async with self._session.request(method, f"{self.url}{path}", **more) as reply:
            return reply.status, dict(reply.headers), await reply.read()


class PhoneScanner(Scanner):
    """A till whose payers have phones."""

    phones: Phones

    async def phone(
        self, order_no: object, openid: str = PAYER, channel: ChannelName = WECHAT
    ) -> ScanReply:
        """POST /pay/{order_no}/phone: the institution's own small program."""
        body = msgspec.json.encode({"openid": openid, "channel": channel.value})
        reply = await self.service.payments.phone(str(order_no), body, self.caller)
        self.status = reply.status
        return msgspec.json.decode(reply.body, type=ScanReply)


@asynccontextmanager
async def phones_of(
    town: Town, folder: Path, *, alipay_by: str = "precreate"
) -> AsyncIterator[Phones]:
    """One more process of the town, over HTTP, whose merchants are granted payments on phones."""
    channels = Simulated(VirtualClock(town.clock()), folder)
    await channels.start()
    signer = Signer(1)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    doors = channels.doors(signer, alipay_by)
    tills = Tills(
        {(one.name, one.merchant_no): one for one in doors},
        {
            (EVERYBODY, one.name): Place(merchant_no=one.merchant_no, custody=Custody.OWN)
            for one in doors
        },
        notify_base=url, cashier_base=url,
    )  # fmt: skip
    service = await town.start_service(tills=tills)
    web = WebServer(service, Board(folder, "phones"), WebSettings(clock=town.clock))
    await web.start(listener)
    try:
        async with aiohttp.ClientSession() as session:
            yield Phones(town, service, channels, url, session)
    finally:
        await web.stop(STOP_SECONDS)
        for one in doors:
            await one.close()
        await channels.stop()
        signer.close()


async def everything_ends(town: Town, phones: Phones) -> None:
    """Nothing goes wrong any more, everything comes to its end, and our books are the channels'."""
    phones.mend()
    await phones.pass_by(PHONE_WAIT_SECONDS)
    for _ in range(6):
        await phones.pass_by(20)
    assert await pending_fen(town) == 0
    for channel in (WECHAT, ALIPAY, UNIONPAY):
        kept_fen = phones.channels.of(channel).book.totals().get("net_fen", 0)
        assert await clearing_fen(town, channel.value) == kept_fen, channel
