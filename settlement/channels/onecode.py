"""One-code payment (一码付) for one merchant: see protocol/onecode.py for what of it is known.

Signs, sends, checks and translates; decides nothing. It has no notifications.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from http import HTTPStatus
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from protocol import onecode, paycode
from protocol.onecode import (
    BillReply,
    BillRequest,
    OrderRequest,
    PayReply,
    PayRequest,
    RefundReply,
    RefundRequest,
    SignReply,
    SignRequest,
)
from settlement.channels import onecode_outcomes as outcomes
from settlement.channels.keeping import KEPT_CHARACTERS_MAX
from settlement.channels.line import ANSWER_BYTES_MAX, Line, NoAnswer, Reply
from settlement.channels.onecode_config import OneCodeKey, OneCodeMerchant
from settlement.channels.port import BillRefusedError
from settlement.clock import Clock
from settlement.payments.payment import (
    Advice,
    ChannelName,
    Exchange,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    RefundOrder,
    Timers,
)
from settlement.payments.payment_timers import TIMERS

SUBJECT_LENGTH_MAX = 127
BILL_BYTES_MAX = 256 * 1024 * 1024
_NO_BILL_YET = (onecode.BILL_NOT_READY, "SYSTEM_BUSY", "TOO_FAST")
Said = TypeVar("Said", bound=onecode.Reply)


class OneCodeChannel:
    """See `port.OneCode`."""

    name = ChannelName.ONECODE
    tells_later = False

    def __init__(
        self, merchant: OneCodeMerchant, key: OneCodeKey, *, clock: Clock,
        timers: Timers = TIMERS[ChannelName.ONECODE],
    ) -> None:  # fmt: skip
        self.merchant_no = merchant.merchant_no
        self.timers = timers
        self._key = key.key
        self._clock = clock
        self._sign_seconds = merchant.sign_seconds
        self._line = Line(
            merchant.base_url, connect_seconds=merchant.connect_seconds,
            answer_seconds=merchant.answer_seconds,
        )  # fmt: skip

    async def close(self) -> None:
        """Give back what it holds."""
        await self._line.close()

    async def wallet(self, code: str) -> str:
        """See the port."""
        if not paycode.read(code).is_voucher:
            return ""
        try:
            async with asyncio.timeout(self._sign_seconds):
                asked = SignRequest(ecQrCode=code)
                said, _ = await self._call(onecode.SIGN, asked, SignReply, code)
        except TimeoutError:
            return ""
        return said.wallet if isinstance(said, SignReply) and said.code == onecode.DONE else ""

    async def pay(self, order: PayOrder) -> Outcome:
        """See the port."""
        if not paycode.read(order.code).is_voucher:
            return outcomes.NOT_A_CODE
        content = PayRequest(
            outTradeNo=order.order_no, totalFen=order.amount_fen, ecQrCode=order.code,
            subject=order.subject[:SUBJECT_LENGTH_MAX], terminalId=order.terminal_id,
            operatorId=order.operator,
        )  # fmt: skip
        return await self._ask(
            onecode.PAY, content, PayReply, outcomes.of_payment, order.order_no, code=order.code
        )

    async def query(self, order: OrderKey) -> Outcome:
        """See the port."""
        content = OrderRequest(outTradeNo=order.order_no)
        return await self._ask(
            onecode.QUERY, content, PayReply, outcomes.of_query, order.order_no
        )

    async def undo(self, order: OrderKey) -> Outcome:
        """See the port."""
        content = OrderRequest(outTradeNo=order.order_no)
        return await self._ask(onecode.UNDO, content, PayReply, outcomes.of_undo, order.order_no)

    async def refund(self, refund: RefundOrder) -> Outcome:
        """See the port."""
        return await self._refund(onecode.REFUND, refund)

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """See the port."""
        return await self._refund(onecode.REFUND_QUERY, refund)

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """See the port. Nothing is ever told."""
        return NotificationRefused(reason="one-code payment tells nothing by itself")

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """See the port."""
        status = HTTPStatus.OK if taken else HTTPStatus.BAD_REQUEST
        return status, b"", "text/plain"

    async def bill(self, day: date) -> bytes | None:
        """See the port. The answer is signed as any; of a day without movements no bytes."""
        asked = BillRequest(billDate=day.isoformat())
        said, _ = await self._call(
            onecode.BILL, asked, BillReply, "", bytes_max=BILL_BYTES_MAX
        )
        if isinstance(said, Outcome) or said.code in _NO_BILL_YET:
            return None
        if said.code == onecode.NOTHING_MOVED:
            return b""
        if said.code != onecode.DONE:
            raise BillRefusedError(f"一码付不提供账单：{said.code} {said.message}".rstrip())
        if said.billDate != day.isoformat():
            raise BillRefusedError(f"一码付给的是 {said.billDate[:20]} 的账单，不是 {day} 的")
        return said.content.encode()

    async def _refund(self, path: str, refund: RefundOrder) -> Outcome:
        content = RefundRequest(
            outTradeNo=refund.order.order_no, outRefundNo=refund.refund_no,
            refundFen=refund.amount_fen,
        )  # fmt: skip

        def read(reply: RefundReply) -> Outcome:
            if reply.outRefundNo not in ("", refund.refund_no):
                return outcomes.broken(outcomes.OTHER_ORDER, advice=Advice.OPERATOR)
            return outcomes.of_refund(reply)

        return await self._ask(path, content, RefundReply, read, refund.order.order_no)

    async def _ask(
        self, path: str, content: Struct, kind: type[Said], read: Callable[[Said], Outcome],
        order_no: str, *, code: str = "",
    ) -> Outcome:  # fmt: skip
        said, exchange = await self._call(path, content, kind, code)
        if isinstance(said, Outcome):
            return replace(said, exchange=exchange)
        is_nameless = not said.outTradeNo and said.code != onecode.DONE  # a refusal may be
        if is_nameless or said.outTradeNo == order_no:
            return replace(read(said), exchange=exchange)
        other = outcomes.broken(outcomes.OTHER_ORDER, advice=Advice.OPERATOR)
        return replace(other, exchange=exchange)

    async def _call(
        self, path: str, content: Struct, kind: type[Said], code: str, *,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> tuple[Said | Outcome, Exchange]:  # fmt: skip
        """The answer, or why there is none to be believed. `code` is masked in what is kept."""
        began_at = self._clock()
        body = onecode.body_of(content)
        timestamp = str(int(began_at.timestamp()))
        signature = onecode.request_signature(self._key, path, timestamp, body)
        headers = {
            "Content-Type": "application/json", onecode.MERCHANT: self.merchant_no,
            onecode.TIMESTAMP: timestamp, onecode.SIGNATURE: signature,
        }  # fmt: skip
        came = await self._line.ask(
            "POST", path, body=body, headers=headers, bytes_max=bytes_max
        )
        exchange = Exchange(
            operation=path, request=_kept(body, code), reply=_kept(_said(came), code),
            status=None if isinstance(came, NoAnswer) else came.status,
            began_at=began_at, took_ms=came.took_ms,
        )  # fmt: skip
        return self._believed(came, signature, kind), exchange

    def _believed(self, came: Reply, asked: str, kind: type[Said]) -> Said | Outcome:
        if isinstance(came, NoAnswer):
            return outcomes.broken(came.code)
        if came.status != HTTPStatus.OK:
            return outcomes.broken(f"HTTP_{came.status}")
        timestamp = came.headers.get(onecode.TIMESTAMP, "")
        expected = onecode.answer_signature(self._key, asked, timestamp, came.body)
        if not onecode.is_same(came.headers.get(onecode.SIGNATURE, ""), expected):
            return outcomes.broken("SIGNATURE", advice=Advice.OPERATOR)
        if not self._is_of_now(timestamp):
            return outcomes.broken("CLOCK", advice=Advice.OPERATOR)
        try:
            return onecode.content_of(came.body, kind)
        except ValueError:
            return outcomes.broken("UNREADABLE")

    def _is_of_now(self, timestamp: str) -> bool:
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
            return False
        off = abs(int(timestamp) - int(self._clock().timestamp()))
        return off <= onecode.CLOCK_SECONDS_MAX


def _said(came: Reply) -> bytes:
    return came.reason.encode() if isinstance(came, NoAnswer) else came.body


def _kept(body: bytes, code: str) -> str:
    text = body.decode("utf-8", "replace")
    masked = text.replace(code, paycode.read(code).masked) if code else text
    return masked[:KEPT_CHARACTERS_MAX]
