"""WeChat's own request to the mobile-payment centre, once the payer of a mixed order has paid.

Put into the simulated WeChat as `mixed.bureau`. It confirms the held order for the amounts of the
mixed order; an answer that is lost is asked for again, since the centre acts once on `payOrdId`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import aiohttp
import msgspec

from protocol.nhsa import mobile_envelope
from protocol.nhsa.gm import Sm2PrivateKey, Sm2PublicKey
from protocol.nhsa.mobile_envelope import EnvelopeError, Party
from protocol.wechat.medical import MixedOrder

CONFIRM = "/org/local/api/wallet/confirm"
TRIES = 5
ANSWER_SECONDS = 10.0
NO_ANSWER = "医保局未应答"
Post = Callable[[bytes], Awaitable[bytes | None]]
"""the answer to one request; nothing where none came"""


class WalletBureau:
    """Asks the centre as a wallet. `key` signs, `centre` checks what is answered."""

    def __init__(
        self, post: Post, party: Party, *, key: Sm2PrivateKey, centre: Sm2PublicKey,
        stamp: Callable[[], str], pause_seconds: float = 1.0,
    ) -> None:  # fmt: skip
        self._post = post
        self._party = party
        self._key = key
        self._centre = centre
        self._stamp = stamp
        self._pause_seconds = pause_seconds
        self.sent = 0

    async def __call__(self, order: MixedOrder) -> str:
        """Why the bureau refuses, or nothing."""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self._pause_seconds)
            self.sent += 1
            answer = await self._post(self._request(order))
            said = None if answer is None else self._read(answer)
            if said is not None:
                return said
        return NO_ANSWER

    def _request(self, order: MixedOrder) -> bytes:
        content = msgspec.json.Encoder(decimal_format="number").encode(confirmation(order))
        return mobile_envelope.sealed(
            content, self._party, self._key, stamp=self._stamp(), more={}
        )

    def _read(self, answer: bytes) -> str | None:
        """Nothing where it is no answer of the centre."""
        try:
            opened = mobile_envelope.opened(answer, self._party)
        except EnvelopeError:
            return None
        if not mobile_envelope.is_signed(opened, self._party, self._centre):
            return None
        return "" if opened.members.get("code") == 0 else opened.text("message") or "医保局拒绝"


def confirmation(order: MixedOrder) -> dict[str, object]:
    """The amounts of the mixed order in the centre's words. What WeChat adds to or takes off the
    payer's part is between it and the merchant."""
    government, other = order.med_ins_gov_fee or 0, order.med_ins_other_fee or 0
    account, own = order.med_ins_self_fee or 0, order.med_ins_cash_fee or 0
    return {
        "payOrdId": order.pay_order_id, "thdTrnsNo": order.out_trade_no,
        "feeSumamt": _yuan(government + other + account + own),
        "fundPay": _yuan(government + other), "psnAcctPay": _yuan(account),
        "ownPayAmt": _yuan(own),
    }  # fmt: skip


def over_http(session: aiohttp.ClientSession, centre_url: str) -> Post:
    """The centre at an address."""

    async def post(body: bytes) -> bytes | None:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with session.post(centre_url + CONFIRM, data=body, timeout=limit) as answer:
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return None

    return post


def _yuan(fen: int) -> Decimal:
    return Decimal(fen) / 100
