"""A payer's phone with WeChat, Alipay and 云闪付 on it: the page behind a link is opened, and paid
(手机支付).

Sent is what the page's script sends, the sign-in where a channel asks who pays, and the payer's
confirmation in the app's own window, for which the simulated channels have an address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from loadtest.institution_client import ClientError
from loadtest.simulators.wechat_phone import PHONE_PATH
from protocol.cashier import CashierCall, CashierPayReply, CashierState

ANSWER_SECONDS_MAX = 30.0


class PayersPhone:
    """One phone; `channels` says where the simulated channels are."""

    def __init__(self, session: aiohttp.ClientSession, channels: Mapping[str, str]) -> None:
        self._session = session
        self._channels = channels

    async def looks(self, link: str) -> CashierState:
        """The page is opened, and its script asks what to show. Raises ClientError."""
        await self._sent("GET", link)
        return msgspec.json.decode(await self._sent("GET", f"{link}/state"), type=CashierState)

    async def taps(
        self, link: str, shown: CashierState, channel: str = "wechat"
    ) -> CashierCall:
        """Where it asks, the channel says to the page who holds the phone; the page asks for the
        order. Raises ClientError."""
        way = next((one for one in shown.ways if one.channel == channel), None)
        if way is None:
            raise ClientError(f"nothing can be paid by {channel} on the page: {shown.title}")
        code = await self._code(way.sign_in) if way.sign_in else ""
        asked = {"channel": channel, "code": code}
        told = msgspec.json.decode(
            await self._sent("POST", f"{link}/pay", asked), type=CashierPayReply
        )
        if told.call is None:
            raise ClientError(f"the page cannot open the order: {told.message}")
        return told.call

    async def confirms(self, call: CashierCall) -> str:
        """What the app says once the payer has typed the password: `ok`."""
        content: dict[str, object] = {"url": call.url, "act": "pay"}
        if call.jsapi is not None:
            content = {"call": msgspec.to_builtins(call.jsapi), "act": "pay"}
        place = f"{self._channels[call.channel]}{PHONE_PATH}"
        answer = msgspec.json.decode(
            await self._sent("POST", place, content), type=dict[str, str]
        )
        return (answer.get("said") or answer["err_msg"]).rpartition(":")[2]

    async def _code(self, sign_in: str) -> str:
        """With which the channel sends the payer back."""
        async with self._session.get(sign_in, allow_redirects=False) as response:
            back = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        return back.get("code", [""])[0]

    async def _sent(self, method: str, url: str, content: object = None) -> bytes:
        async with self._session.request(method, url, json=content) as response:
            body = await response.read()
        if response.status != HTTPStatus.OK:
            raise ClientError(f"{url}: HTTP {response.status}: {body[:200]!r}")
        return body


@asynccontextmanager
async def a_phone(channels: Mapping[str, str]) -> AsyncIterator[PayersPhone]:
    """A phone, until it is put away."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield PayersPhone(session, channels)
