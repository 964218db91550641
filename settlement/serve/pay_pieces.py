"""What an order is made into: who asks, what was shown, what a channel is asked. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from protocol.paycode import CodeKind
from settlement import keys
from settlement.channels.port import Channel, OnPhones, PhoneDoor
from settlement.commands import Asked
from settlement.institution import Institution
from settlement.payments.payment import ChannelName, OrderKey, RefundOrder
from settlement.payments.payment_states import Attempt, Way
from settlement.translate import scans

Request = TypeVar("Request")
CHANNEL_OF = {
    CodeKind.WECHAT: ChannelName.WECHAT,
    CodeKind.ALIPAY: ChannelName.ALIPAY,
    CodeKind.ALIPAY_FACE: ChannelName.ALIPAY,
    CodeKind.UNIONPAY: ChannelName.UNIONPAY,
}
"""Which channel a wallet's code belongs to."""
NOT_A_WALLET = {
    CodeKind.IDENTITY: "PAY_CODE_IS_PERSON",
    CodeKind.SOCIAL_CARD: "PAY_CODE_IS_PERSON",
    CodeKind.VOUCHER: "PAY_CODE_IS_VOUCHER",
    CodeKind.VOUCHER_PARTNER: "PAY_CODE_IS_VOUCHER",
    CodeKind.VOUCHER_FACE: "PAY_CODE_IS_VOUCHER",
}
"""Why a code that is none is refused."""


def reader(kind: type[Request]) -> Callable[[bytes], Request]:
    """Reads a request's body; raises msgspec.MsgspecError, also for a NUL: part of what is sent is
    kept as JSON, and the database can make no text of that one."""
    decode = msgspec.json.Decoder(kind).decode

    def read(body: bytes) -> Request:
        if b"\\u0000" in body:
            raise msgspec.ValidationError("\\u0000 is no character of a text")
        return decode(body)

    return read


def asked_of(
    institution: Institution, lane: int, person_no: str, order_no: str, operator: str = "",
    fingerprint: bytes = b"", region: str = "",
) -> Asked:  # fmt: skip
    """Who asks, about which order, in the lane where it is; of somebody insured elsewhere which
    region, where that was said."""
    return Asked(
        infno=scans.SCAN, institution=institution, msgid=order_no, operator=operator, lane=lane,
        person_no=person_no, message_key=message_key_of(institution.code, scans.SCAN, order_no),
        fingerprint=fingerprint, insured_region=region,
    )  # fmt: skip


def message_key_of(institution: str, infno: str, order_no: str) -> bytes:
    """The key of an order, or of its refund."""
    return keys.message_key(institution, infno, order_no, 0)


def order_key(attempt: Attempt) -> OrderKey:
    """What finds an attempt at its channel."""
    on_phone = attempt.way is Way.PHONE
    return OrderKey(
        order_no=attempt.order_no, sent_at=attempt.sent_at, amount_fen=attempt.amount_fen,
        expires_at=phone_order_ends(attempt) if on_phone else None,
    )  # fmt: skip


def phone_order_ends(attempt: Attempt) -> datetime:
    """When an attempt on the payer's phone cannot be paid any more."""
    return attempt.sent_at + timedelta(seconds=attempt.timers.payer_undo_after)


def phone_door(channel: Channel | None) -> PhoneDoor | None:
    """Where a merchant hands orders to payers' phones; None where it does not."""
    return channel.phone if isinstance(channel, OnPhones) else None


def refund_order(attempt: Attempt, notify_url: str) -> RefundOrder:
    """The refund that an attempt of a return is, and where the channel may tell of it."""
    paid = attempt.refunds
    if paid is None:
        raise ValueError(f"{attempt.order_no} refunds nothing")
    return RefundOrder(
        order=order_key(paid), reference=attempt.refunds_reference, refund_no=attempt.order_no,
        sent_at=attempt.sent_at, amount_fen=attempt.amount_fen, reason="医药费退款",
        notify_url=notify_url,
    )  # fmt: skip
