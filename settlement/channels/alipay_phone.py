"""Alipay on the payer's own phone (扫码支付 by alipay.trade.precreate, or 手机网站支付 by
alipay.trade.wap.pay): an address that the phone opens.

There is no trade before the payer opens it: until then Alipay knows nothing of the order. Queries,
refunds, notifications and bills are those of any payment (`alipay`).
"""

from __future__ import annotations

from msgspec.structs import replace

from protocol.alipay import trade
from protocol.alipay.amounts import yuan
from protocol.alipay.times import text_of
from settlement.channels import alipay_outcomes as outcomes
from settlement.channels.alipay_calls import AlipayCalls, believed
from settlement.channels.alipay_config import AlipayMerchant
from settlement.payments.payment import Handed, OrderKey, Outcome, PhoneOrder, Verdict
from settlement.payments.payment_timers import PHONE_TIMERS

PRECREATE_PRODUCT, WAP_PRODUCT = "FACE_TO_FACE_PAYMENT", "QUICK_WAP_WAY"


class AlipayPhone:
    """See `settlement.channels.port.PhoneDoor`. Whoever opens the address first pays."""

    timers = PHONE_TIMERS
    asks_who = False

    def __init__(self, merchant: AlipayMerchant, calls: AlipayCalls) -> None:
        self._merchant = merchant
        self._calls = calls
        self.gives_once = merchant.phone == "precreate"

    def sign_in(self, back: str, state: str) -> str:
        """Nobody asks who pays."""
        return ""

    async def payer(self, code: str) -> str:
        """Nobody asks who pays."""
        return ""

    async def hand(self, order: PhoneOrder) -> Handed | Outcome:
        """预下单, or the address of a page, of which Alipay hears when it is opened."""
        if self._merchant.phone == "wap":
            return await self._page(order)
        reply, exchange = await self._calls.call(
            trade.PRECREATE, self._precreated(order), trade.PrecreateReply,
            notify_url=order.notify_url,
        )  # fmt: skip
        if isinstance(reply, Outcome):
            return replace(reply, exchange=exchange)
        outcome = replace(
            believed(reply, outcomes.of_precreate, order.order_no), exchange=exchange
        )
        if outcome.verdict is not Verdict.PAYER_ACTION:
            return outcome
        return Handed(outcome=outcome, url=reply.qr_code or "")

    async def withdraw(self, order: OrderKey) -> Outcome:
        """alipay.trade.close; where nobody has opened it there is no trade to close, and
        alipay.trade.cancel makes its number dead. That one gives back what was paid between. One
        that is not closed is paid, or was closed before: a query tells."""
        content = trade.OrderRequest(out_trade_no=order.order_no)
        closed = await self._calls.ask(
            trade.CLOSE, content, trade.CloseReply, outcomes.of_close, order.order_no
        )
        if outcomes.is_not_there(closed):
            return await self._calls.ask(
                trade.CANCEL, content, trade.CancelReply, outcomes.of_undo, order.order_no
            )
        if closed.verdict is not Verdict.FAILED:
            return closed
        return outcomes.of_not_closed(
            await self._calls.ask(
                trade.QUERY, content, trade.QueryReply, outcomes.of_query, order.order_no
            )
        )

    async def _page(self, order: PhoneOrder) -> Handed:
        merchant = self._merchant
        content = trade.WapPayRequest(
            out_trade_no=order.order_no, total_amount=yuan(order.amount_fen),
            subject=order.subject[: trade.SUBJECT_LENGTH_MAX], product_code=WAP_PRODUCT,
            quit_url=order.back_url, seller_id=merchant.seller_id, store_id=merchant.store_id,
            time_expire=text_of(order.expires_at),
            extend_params=provided_by(merchant.service_provider_id),
        )  # fmt: skip
        target = await self._calls.page(
            trade.WAP_PAY, content, notify_url=order.notify_url, return_url=order.back_url
        )
        return Handed(
            outcome=outcomes.WAITS_FOR_PAYER, url=f"{merchant.base_url.rstrip('/')}{target}"
        )

    def _precreated(self, order: PhoneOrder) -> trade.PrecreateRequest:
        merchant = self._merchant
        return trade.PrecreateRequest(
            out_trade_no=order.order_no, total_amount=yuan(order.amount_fen),
            subject=order.subject[: trade.SUBJECT_LENGTH_MAX], product_code=PRECREATE_PRODUCT,
            seller_id=merchant.seller_id, store_id=merchant.store_id,
            time_expire=text_of(order.expires_at),
            extend_params=provided_by(merchant.service_provider_id),
        )  # fmt: skip


def provided_by(number: str) -> trade.ExtendParams | None:
    """系统商, where there is one."""
    return trade.ExtendParams(sys_service_provider_id=number) if number else None
