"""The scene of an order that its payer pays on their own phone (手机支付), behind a link.

Sent is what the phone sends: the page and what its script asks for, the sign-in at WeChat, and the
payer's confirmation in WeChat's own window, for which the simulated WeChat has an address.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from loadtest.simulators.wechat_phone import PHONE_PATH
from protocol.cashier import CashierPayReply, CashierState
from protocol.scan import PhoneCall
from settlement.demo import till
from settlement.demo.cast import Cast, Props
from settlement.demo.scene import Scene, StoryError

ANSWER_SECONDS_MAX = 30.0


async def paid_behind_a_link(cast: Cast, _props: Props) -> Scene:
    """A pensioner's medicine: the fund's part is held, the rest is paid on a page."""
    counter, patient = cast.pharmacy, cast.retired
    number = till.order_no(counter, 11)
    body = till.sale(number, cast.drugs[:2], "", patient=patient) | {"pay_on_phone": True}
    reply = till.expect(await counter.pay("POST", "/pay/scan", body), "payer_action")
    link = str(reply.cashier_url)
    wechat = str(cast.world.channels["wechat"]["base_url"])
    async with _Phone(wechat) as phone:
        shown = await phone.looks(link)
        said = await phone.confirms(await phone.taps(link, shown))
        reply = await till.until(counter, reply, "settled")
        after = await phone.looks(link)
    if after.state != "paid":
        raise StoryError(f"the page says {after.state} of what is paid")
    return till.told(
        "POST /pay/scan → /cashier/…", "本人手机付款", "paid on the payer's own phone", reply,
        f"{counter.institution.name} · {patient.person.psn_name}，订单 {number}",
        f"付款链接 link {link}",
        f"付款页 its page: {shown.title}，本次应付 to pay {shown.amount}，"
        f"{round(shown.seconds_left / 60)} 分钟内有效 minutes left",
        f"微信确认 WeChat confirms: {said} → {after.title}",
    )  # fmt: skip


PHONE_SCENES = (paid_behind_a_link,)


class _Phone:
    """The payer's phone, with WeChat on it."""

    def __init__(self, wechat: str) -> None:
        self._wechat = wechat

    async def __aenter__(self) -> _Phone:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        self._session = aiohttp.ClientSession(timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def looks(self, link: str) -> CashierState:
        """The page is opened, and its script asks what to show."""
        await self._sent("GET", link)
        return msgspec.json.decode(await self._sent("GET", f"{link}/state"), type=CashierState)

    async def taps(self, link: str, shown: CashierState) -> PhoneCall:
        """WeChat says to the page who holds the phone, and the page asks for the order."""
        if not shown.ways:
            raise StoryError(f"nothing can be paid on the page: {shown.title}")
        async with self._session.get(shown.ways[0].sign_in, allow_redirects=False) as response:
            back = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        code = back.get("code", [""])[0]
        answer = await self._sent("POST", f"{link}/pay", {"code": code})
        told = msgspec.json.decode(answer, type=CashierPayReply)
        if told.call is None:
            raise StoryError(f"the page cannot open the order: {told.message}")
        return told.call

    async def confirms(self, call: PhoneCall) -> str:
        """What WeChat says to the page, once the payer has typed the password."""
        content = {"call": msgspec.to_builtins(call), "act": "pay"}
        answer = await self._sent("POST", f"{self._wechat}{PHONE_PATH}", content)
        return str(msgspec.json.decode(answer, type=dict[str, str])["err_msg"].rpartition(":")[2])

    async def _sent(self, method: str, url: str, content: object = None) -> bytes:
        async with self._session.request(method, url, json=content) as response:
            body = await response.read()
        if response.status != HTTPStatus.OK:
            raise StoryError(f"{url}: HTTP {response.status}: {body[:200]!r}")
        return body
