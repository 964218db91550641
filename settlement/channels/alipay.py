"""Alipay for one merchant: the payer's code is scanned at the counter (当面付, 条码支付).

Signs, sends, checks and translates; decides nothing. A signature does not bind an answer to its
call, so an answer also has to name the order that was asked about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from protocol import paycode
from protocol.alipay import bills, notification, trade
from protocol.alipay.amounts import yuan
from protocol.alipay.trade import BillType, Scene
from protocol.paycode import CodeKind, Scanned
from settlement.channels import alipay_outcomes as outcomes
from settlement.channels.alipay_calls import OTHER_ORDER, AlipayCalls
from settlement.channels.alipay_config import AlipayKeys, AlipayMerchant
from settlement.channels.alipay_phone import AlipayPhone, provided_by
from settlement.channels.line import Line, NoAnswer
from settlement.channels.port import BillRefusedError, PhoneDoor
from settlement.channels.signer import Signer
from settlement.clock import Clock
from settlement.payments.payment import (
    Advice,
    ChannelName,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    RefundOrder,
    Timers,
)

TIMERS = Timers(
    query_after=(5.0, 3.0),
    payer_query_after=(5.0, 3.0),
    undo_after=35.0,
    payer_undo_after=60.0,
)
"""Alipay advises to ask first after 5 s, then every 3 to 5, and to cancel after about a minute.
Where nobody has to confirm we cancel earlier, so that a cancel that has to be repeated still ends
within the minute."""

SCENES = {CodeKind.ALIPAY: Scene.BAR_CODE, CodeKind.ALIPAY_FACE: Scene.SECURITY_CODE}
PRODUCT_CODE = "FACE_TO_FACE_PAYMENT"
BILL_BYTES_MAX = 64 * 1024 * 1024
NO_BILL = frozenset({"isp.bill_not_exist", "BILL_NOT_EXIST", "NO_BILL_DATA"})
"""Not made yet, or a day without trades. Document and gateway spell it differently."""


class AlipayChannel:
    """See `port.Channel`."""

    name = ChannelName.ALIPAY
    tells_later = False

    def __init__(
        self, merchant: AlipayMerchant, keys: AlipayKeys, *, signer: Signer, clock: Clock,
        timers: Timers = TIMERS,
    ) -> None:  # fmt: skip
        self.merchant_no = merchant.seller_id
        self.timers = timers
        self._merchant = merchant
        self._keys = keys
        self._clock = clock
        self._calls = AlipayCalls(
            keys, self._line_to(merchant.base_url), signer=signer, clock=clock
        )
        self.phone: PhoneDoor | None = None
        """预下单 or 手机网站支付, where the merchant is granted it"""
        if merchant.phone:
            self.phone = AlipayPhone(merchant, self._calls)

    async def close(self) -> None:
        """Give back what it holds."""
        await self._calls.close()

    async def pay(self, order: PayOrder) -> Outcome:
        """See the port. alipay.trade.pay. What is no code of Alipay's is refused and not sent: it
        may be a person's number."""
        scanned = paycode.read(order.code)
        if scanned.kind not in SCENES:
            return outcomes.NOT_A_CODE
        return await self._calls.ask(
            trade.PAY, self._payment(order, scanned), trade.PayReply, outcomes.of_payment,
            order.order_no, notify_url=order.notify_url, code=scanned.code,
        )  # fmt: skip

    async def query(self, order: OrderKey) -> Outcome:
        """See the port. alipay.trade.query. A payment that Alipay does not know may still arrive
        while its code is alive or its payer may open it; after that it has failed."""
        life = timedelta(seconds=self._merchant.code_life_seconds)
        until = max(order.sent_at + life, order.expires_at or order.sent_at)
        may_arrive = self._clock() <= until

        def read(reply: trade.QueryReply) -> Outcome:
            return outcomes.of_query(reply, may_arrive=may_arrive)

        content = trade.OrderRequest(out_trade_no=order.order_no)
        return await self._calls.ask(trade.QUERY, content, trade.QueryReply, read, order.order_no)

    async def undo(self, order: OrderKey) -> Outcome:
        """See the port. alipay.trade.cancel."""
        content = trade.OrderRequest(out_trade_no=order.order_no)
        return await self._calls.ask(
            trade.CANCEL, content, trade.CancelReply, outcomes.of_undo, order.order_no
        )

    async def refund(self, refund: RefundOrder) -> Outcome:
        """See the port. alipay.trade.refund."""
        content = trade.RefundRequest(
            out_trade_no=refund.order.order_no,
            refund_amount=yuan(refund.amount_fen),
            out_request_no=refund.refund_no,
            refund_reason=refund.reason[: trade.REASON_LENGTH_MAX],
            store_id=self._merchant.store_id,
        )
        return await self._calls.ask(
            trade.REFUND, content, trade.RefundReply, outcomes.of_refund, refund.order.order_no,
            notify_url=refund.notify_url,
        )  # fmt: skip

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """See the port. alipay.trade.fastpay.refund.query."""

        def read(reply: trade.RefundQueryReply) -> Outcome:
            if reply.out_request_no not in (None, refund.refund_no):
                return outcomes.broken(OTHER_ORDER, advice=Advice.OPERATOR)
            return outcomes.of_refund_query(reply)

        content = trade.RefundQueryRequest(
            out_trade_no=refund.order.order_no, out_request_no=refund.refund_no
        )
        return await self._calls.ask(
            trade.REFUND_QUERY, content, trade.RefundQueryReply, read, refund.order.order_no
        )

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """See the port. Headers carry nothing here: the signature is a field of the form."""
        try:
            form = notification.form_of(body)
        except ValueError as exc:
            return NotificationRefused(reason=f"no form: {exc}")
        if not notification.is_signed_by(form, self._keys.alipay):
            return NotificationRefused(reason="not signed by Alipay")
        notice = notification.notice_of(form)
        if (notice.app_id, notice.seller_id) != (self._merchant.app_id, self.merchant_no):
            return NotificationRefused(reason="about another merchant")
        if notice.notify_type != notification.TRADE_NOTICE:
            return NotificationRefused(reason=f"of type {notice.notify_type}, which nobody reads")
        try:
            outcome = outcomes.of_notice(notice)
        except ValueError as exc:
            return NotificationRefused(reason=str(exc))
        return Notified(
            notification_id=notice.notify_id,
            merchant_no=notice.seller_id,
            order_no=notice.out_trade_no,
            refund_no=notice.out_biz_no if outcome.refunded_fen else "",
            outcome=outcome,
        )

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """See the port. Anything but the word makes Alipay tell it again."""
        word = notification.TAKEN if taken else notification.NOT_TAKEN
        return HTTPStatus.OK, word, "text/plain"

    async def bill(self, day: date, *, kind: BillType = BillType.TRADE) -> bytes | None:
        """See the port. The link that Alipay gives lives for half a minute: where the file does not
        come, ask for the bill again. A day without trades has no bill either."""
        content = trade.BillUrlRequest(bill_type=kind, bill_date=f"{day:%Y-%m-%d}")
        reply, _ = await self._calls.call(trade.BILL_URL, content, trade.BillUrlReply)
        if isinstance(reply, Outcome):
            raise BillRefusedError(f"支付宝未给出账单地址（{reply.code}），请稍后重试。")
        if reply.code != trade.DONE and reply.sub_code in NO_BILL:
            return None
        if reply.code != trade.DONE or not reply.bill_download_url:
            why = reply.sub_code or reply.code
            raise BillRefusedError(f"支付宝拒绝提供账单（{why}），请核对账单日期和权限。")
        return await self._bill_at(reply.bill_download_url)

    async def fund_bill(self, day: date) -> bytes | None:
        """See the port: 账务账单."""
        return await self.bill(day, kind=BillType.SIGNCUSTOMER)

    async def _bill_at(self, link: str) -> bytes:
        over_tls = self._merchant.bill_over_tls and self._merchant.base_url.startswith("https:")
        host, target = bill_address(link, over_tls=over_tls)
        line = self._line_to(host)
        try:
            came = await line.ask("GET", target, headers={}, bytes_max=BILL_BYTES_MAX)
        finally:
            await line.close()
        if isinstance(came, NoAnswer) or came.status != HTTPStatus.OK:
            raise BillRefusedError("账单文件未能下载，链接可能已过期，请重新获取账单。")
        if not await asyncio.to_thread(bills.is_whole, came.body):
            raise BillRefusedError("账单文件不完整或不是压缩包，请重新获取账单。")
        return came.body

    def _payment(self, order: PayOrder, scanned: Scanned) -> trade.PayRequest:
        merchant = self._merchant
        return trade.PayRequest(
            out_trade_no=order.order_no,
            scene=SCENES[scanned.kind],
            auth_code=scanned.code,
            product_code=PRODUCT_CODE,
            subject=order.subject[: trade.SUBJECT_LENGTH_MAX],
            total_amount=yuan(order.amount_fen),
            seller_id=merchant.seller_id,
            operator_id=order.operator,
            store_id=merchant.store_id,
            terminal_id=order.terminal_id,
            timeout_express=merchant.timeout_express,
            extend_params=provided_by(merchant.service_provider_id),
        )

    def _line_to(self, base_url: str) -> Line:
        return Line(
            base_url,
            connect_seconds=self._merchant.connect_seconds,
            answer_seconds=self._merchant.answer_seconds,
        )


def bill_address(link: str, *, over_tls: bool) -> tuple[str, str]:
    """Host and target of a bill's link. A bill has no digest, so the line has to protect it; yet
    the links that Alipay gives may say http."""
    parts = urlsplit(link)
    scheme = "https" if over_tls else parts.scheme
    return f"{scheme}://{parts.netloc}", f"{parts.path}?{parts.query}"
