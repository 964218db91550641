"""A payer's phone with WeChat on it: the page behind a link is opened, and paid (手机支付).

Sent is what the page's script sends, the sign-in at WeChat, and the payer's confirmation in
WeChat's own window, for which the simulated WeChat has an address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from loadtest.institution_client import ClientError
from loadtest.simulators.wechat_phone import PHONE_PATH
from protocol.cashier import CashierPayReply, CashierState
from protocol.scan import PhoneCall

ANSWER_SECONDS_MAX = 30.0


class PayersPhone:
    """One phone; `wechat` is where WeChat is."""

    def __init__(self, session: aiohttp.ClientSession, wechat: str) -> None:
        self._session = session
        self._wechat = wechat

    async def looks(self, link: str) -> CashierState:
        """The page is opened, and its script asks what to show. Raises ClientError."""
        await self._sent("GET", link)
        return msgspec.json.decode(await self._sent("GET", f"{link}/state"), type=CashierState)

    async def taps(self, link: str, shown: CashierState) -> PhoneCall:
        """WeChat says to the page who holds the phone, and the page asks for the order. Raises
        ClientError."""
        if not shown.ways:
            raise ClientError(f"nothing can be paid on the page: {shown.title}")
        async with self._session.get(shown.ways[0].sign_in, allow_redirects=False) as response:
            back = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        code = back.get("code", [""])[0]
        answer = await self._sent("POST", f"{link}/pay", {"code": code})
        told = msgspec.json.decode(answer, type=CashierPayReply)
        if told.call is None:
            raise ClientError(f"the page cannot open the order: {told.message}")
        return told.call

    async def confirms(self, call: PhoneCall) -> str:
        """What WeChat says to the page once the payer has typed the password: `ok`."""
        content = {"call": msgspec.to_builtins(call), "act": "pay"}
        answer = await self._sent("POST", f"{self._wechat}{PHONE_PATH}", content)
        return str(msgspec.json.decode(answer, type=dict[str, str])["err_msg"].rpartition(":")[2])

    async def _sent(self, method: str, url: str, content: object = None) -> bytes:
        async with self._session.request(method, url, json=content) as response:
            body = await response.read()
        if response.status != HTTPStatus.OK:
            raise ClientError(f"{url}: HTTP {response.status}: {body[:200]!r}")
        return body


@asynccontextmanager
async def a_phone(wechat: str) -> AsyncIterator[PayersPhone]:
    """A phone, until it is put away."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield PayersPhone(session, wechat)
