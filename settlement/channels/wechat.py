"""WeChat Pay (微信支付): a merchant's door. API v2 and v3 are two transports of one set of calls.

Which one a merchant uses is configuration, because WeChat grants the payment code of v3 to some
merchants only. What a code means is in `wechat_outcomes`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import msgspec

from protocol.wechat import messages, v2
from protocol.wechat.codes import EventType, is_auth_code, normal
from protocol.wechat.medical import MixedAnswer
from protocol.wechat.notifications import (
    Envelope,
    UnreadableNotificationError,
    read_envelope,
    read_resource,
    read_v2_refund,
)
from protocol.wechat.signing import SignatureFault, signature_fault
from settlement.channels import wechat_outcomes as outcomes
from settlement.channels.line import Line
from settlement.channels.port import PhoneDoor
from settlement.channels.signer import Signer
from settlement.channels.wechat_config import TIMERS, WechatKeys, WechatMerchant
from settlement.channels.wechat_medical import MedicalOrders, mixed_outcome, outcome_of_mixed
from settlement.channels.wechat_outcomes import Duty
from settlement.channels.wechat_phone import WechatPhone
from settlement.channels.wechat_v2 import V2
from settlement.channels.wechat_v2 import refund_outcome as v2_refund_outcome
from settlement.channels.wechat_v3 import V3, is_of_merchant, payment_outcome, refund_outcome
from settlement.clock import Clock
from settlement.payments.payment import (
    ChannelName,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    RefundOrder,
    Timers,
)

_OF_REFUNDS = (EventType.REFUND_SUCCESS, EventType.REFUND_ABNORMAL, EventType.REFUND_CLOSED)


def _new_nonce() -> str:
    return secrets.token_hex(16)


class WechatChannel:
    """See `settlement.channels.port.Channel`."""

    name = ChannelName.WECHAT
    tells_later = False

    def __init__(
        self, merchant: WechatMerchant, keys: WechatKeys, *, signer: Signer, clock: Clock,
        nonce: Callable[[], str] = _new_nonce, timers: Timers = TIMERS,
    ) -> None:  # fmt: skip
        self.merchant_no = merchant.merchant_no
        self.timers = timers
        self._merchant = merchant
        self._keys = keys
        self._clock = clock
        self._line = Line(
            merchant.base_url, merchant.backup_url, connect_seconds=merchant.connect_seconds,
            answer_seconds=merchant.answer_seconds, tls=keys.tls,
        )  # fmt: skip
        self.v3 = V3(merchant, keys, self._line, signer, clock, nonce) if keys.signing else None
        """API v3, which a merchant of v2 may have as well"""
        self.medical = MedicalOrders(merchant, keys, self.v3) if self.v3 is not None else None
        """医保混合支付, over API v3 only"""
        self.phone: PhoneDoor | None = None
        """JSAPI支付, where the merchant is granted it"""
        self._phone: WechatPhone | None = None
        if merchant.phone and self.v3 is not None:
            self.phone = self._phone = WechatPhone(merchant, keys, self.v3, clock)
        self._transport: V2 | V3 = (
            V2(merchant, keys, self._line, signer, clock, nonce)
            if merchant.api == "v2" or self.v3 is None
            else self.v3
        )

    async def pay(self, order: PayOrder) -> Outcome:
        """付款码支付."""
        if not is_auth_code(order.code):
            return _settled(outcomes.NOT_A_CODE, "AUTH_CODE_INVALID")
        return await self._transport.pay(order)

    async def query(self, order: OrderKey) -> Outcome:
        """查询订单."""
        return await self._transport.query(order)

    async def undo(self, order: OrderKey) -> Outcome:
        """撤销订单. Not within fifteen seconds of the payment; of an order that WeChat does not
        know it is done when no code can be alive any more."""
        age = self._clock() - order.sent_at
        if age < timedelta(seconds=self.timers.undo_not_before):
            return _settled(outcomes.TOO_EARLY, "UNDO_TOO_EARLY")
        outcome = await self._transport.undo(order)
        code_is_dead = age > timedelta(seconds=self._merchant.code_life_seconds)
        if code_is_dead and normal(outcome.code) in outcomes.NOT_KNOWN_THERE:
            never = outcomes.NEVER_CAME
            return msgspec.structs.replace(outcome, verdict=never.verdict, text=never.text)
        return outcome

    async def refund(self, refund: RefundOrder) -> Outcome:
        """申请退款."""
        return await self._transport.refund(refund)

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """查询退款."""
        return await self._transport.query_refund(refund)

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """通知: JSON of v3, or the refund notification of v2, which is XML."""
        try:
            if body.lstrip().startswith(b"<"):
                return self._notified_v2(body)
            return self._notified_v3(headers, body)
        except UnreadableNotificationError as exc:
            return NotificationRefused(reason=f"UNREADABLE: {exc}")

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """As WeChat wants to hear it: a status above 400 brings the notification again."""
        code, message = ("SUCCESS", "OK") if taken else ("FAIL", "not taken")
        if self._merchant.api == "v2":
            told = v2.encode({"return_code": code, "return_msg": message})
            return (200 if taken else 500), told, "text/xml"
        told = msgspec.json.encode({"code": code, "message": message})
        return (200 if taken else 500), told, "application/json"

    async def bill(self, day: date) -> bytes | None:
        """交易账单, unpacked; of a day without movements no bytes at all."""
        return await self._transport.bill(day)

    async def fund_bill(self, day: date) -> bytes | None:
        """资金账单, in the same way."""
        return await self._transport.fund_bill(day)

    async def close(self) -> None:
        """Give back connections."""
        await self._line.close()
        if self._phone is not None:
            await self._phone.close()

    def _notified_v3(
        self, headers: Mapping[str, str], body: bytes
    ) -> Notified | NotificationRefused:
        now = int(self._clock().timestamp())
        fault = signature_fault(self._keys.platform, headers, body, now=now)
        if fault is not None:
            is_probe = fault is SignatureFault.PROBE
            return NotificationRefused(reason=f"SIGNATURE_{fault.upper()}", probe=is_probe)
        envelope = read_envelope(body)
        if envelope.event_type == EventType.TRANSACTION_SUCCESS:
            return self._of_payment(envelope)
        if envelope.event_type in _OF_REFUNDS:
            return self._of_refund(envelope)
        if envelope.event_type == EventType.MEDICAL_INSURANCE_SUCCESS:
            return self._of_mixed(envelope)
        return NotificationRefused(reason=f"EVENT_NOT_KNOWN: {envelope.event_type[:64]}")

    def _of_payment(self, envelope: Envelope) -> Notified | NotificationRefused:
        payment = read_resource(envelope, self._keys.apiv3_key, messages.Payment)
        if not is_of_merchant(
            self._merchant, payment.mchid, payment.sp_mchid, payment.sub_mchid
        ):  # fmt: skip
            return _OTHER_MERCHANT
        return Notified(
            notification_id=envelope.id, merchant_no=self.merchant_no,
            order_no=payment.out_trade_no, outcome=payment_outcome(payment),
        )  # fmt: skip

    def _of_refund(self, envelope: Envelope) -> Notified | NotificationRefused:
        refund = read_resource(envelope, self._keys.apiv3_key, messages.Refund)
        if not is_of_merchant(self._merchant, refund.mchid, refund.sp_mchid, refund.sub_mchid):
            return _OTHER_MERCHANT
        return Notified(
            notification_id=envelope.id, merchant_no=self.merchant_no,
            order_no=refund.out_trade_no, refund_no=refund.out_refund_no,
            outcome=refund_outcome(refund),
        )  # fmt: skip

    def _of_mixed(self, envelope: Envelope) -> Notified | NotificationRefused:
        """A mixed order names no merchant that we could compare: its number has to be ours."""
        answer = read_resource(envelope, self._keys.apiv3_key, MixedAnswer)
        return Notified(
            notification_id=envelope.id, merchant_no=self.merchant_no,
            order_no=answer.out_trade_no, outcome=outcome_of_mixed(mixed_outcome(answer)),
        )  # fmt: skip

    def _notified_v2(self, body: bytes) -> Notified | NotificationRefused:
        if not self._keys.apiv2_key:
            return NotificationRefused(reason="UNREADABLE: XML, and no key of API v2")
        fields = read_v2_refund(body, self._keys.apiv2_key)
        if fields.get("mch_id") != self._merchant.mchid:
            return _OTHER_MERCHANT
        refund_no, status = fields.get("out_refund_no", ""), fields.get("refund_status", "")
        return Notified(
            # v2 numbers no notification; a refund reaches each status once.
            notification_id=f"{refund_no}:{status}", merchant_no=self.merchant_no,
            order_no=fields.get("out_trade_no", ""), refund_no=refund_no,
            outcome=v2_refund_outcome(fields, status=status),
        )  # fmt: skip


_OTHER_MERCHANT = NotificationRefused(reason="OTHER_MERCHANT")


def _settled(duty: Duty, code: str) -> Outcome:
    """Known without asking."""
    return Outcome(verdict=duty.verdict, code=code, text=duty.text, advice=duty.advice)
