"""WeChat Pay on the payer's own phone (JSAPI支付): from a page that WeChat opened (公众号网页), or
from a small program (小程序) of the institution.

Queries, refunds, notifications and bills are those of any payment (`wechat`). Always over API v3.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from msgspec.structs import replace

from protocol.wechat.codes import normal
from protocol.wechat.sign_in import read_signed_in, sign_in_address, token_target
from settlement.channels import wechat_outcomes as outcomes
from settlement.channels.line import Answered, Line
from settlement.channels.wechat_config import WechatKeys, WechatMerchant
from settlement.channels.wechat_v3 import V3
from settlement.clock import Clock
from settlement.payments.payment import Handed, OrderKey, Outcome, PhoneOrder
from settlement.payments.payment_timers import PHONE_TIMERS


class WechatPhone:
    """See `settlement.channels.port.PhoneDoor`."""

    timers = PHONE_TIMERS
    asks_who = True
    gives_once = False

    def __init__(
        self, merchant: WechatMerchant, keys: WechatKeys, v3: V3, clock: Clock
    ) -> None:
        self._merchant = merchant
        self._secret = keys.app_secret
        self._v3 = v3
        self._clock = clock
        self._line = Line(
            merchant.open_api_url, connect_seconds=merchant.connect_seconds,
            answer_seconds=merchant.answer_seconds,
        )  # fmt: skip

    def sign_in(self, back: str, state: str) -> str:
        """网页授权. Empty without the application's secret."""
        if not self._secret:
            return ""
        one = self._merchant
        return sign_in_address(one.sign_in_url, appid=one.appid, back=back, state=state)

    async def payer(self, code: str) -> str:
        """The openid behind a code; a code is good once, and for five minutes."""
        if not self._secret or not code:
            return ""
        target = token_target(appid=self._merchant.appid, secret=self._secret, code=code)
        reply = await self._line.ask("GET", target, headers={"Accept": "application/json"})
        if not isinstance(reply, Answered) or reply.status != HTTPStatus.OK:
            return ""
        return read_signed_in(reply.body).openid

    async def hand(self, order: PhoneOrder) -> Handed | Outcome:
        """JSAPI下单, and the signature with which the phone opens it."""
        made = await self._v3.prepay(
            order_no=order.order_no, amount_fen=order.amount_fen, subject=order.subject,
            openid=order.payer, notify_url=order.notify_url, expires_at=order.expires_at,
        )  # fmt: skip
        if isinstance(made, Outcome):
            return made
        duty = outcomes.WAITS_FOR_PAYER
        waits = Outcome(
            verdict=duty.verdict, code="NOTPAY", text=duty.text, amount_fen=order.amount_fen,
            exchange=made.exchange,
        )  # fmt: skip
        return Handed(outcome=waits, call=await self._v3.phone_call(made.prepay_id))

    async def withdraw(self, order: OrderKey) -> Outcome:
        """关闭订单. One that WeChat does not know stays unpaid once it is handed to nobody."""
        outcome = await self._v3.withdraw(order)
        age = self._clock() - order.sent_at
        is_old = age > timedelta(seconds=self._merchant.code_life_seconds)
        if is_old and normal(outcome.code) in outcomes.NOT_KNOWN_THERE:
            never = outcomes.NEVER_CAME
            return replace(outcome, verdict=never.verdict, text=never.text)
        return outcome

    async def close(self) -> None:
        """Give back connections."""
        await self._line.close()
