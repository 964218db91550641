"""The gateway of messages to persons (短信网关): how it is asked to send one, and what it answers.

A port. Every provider has a form of its own, and is one more class; which telephone and which
words, and that it is tried until it is taken, is the same for all (ADR 0032, ADR 0034). Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Struct

from settlement.notices import JSON, CannotBeSignedError, Letter, Said, webhook_signature
from settlement.outbox import Came, judge
from settlement.seals import Keys


class SmsGateway(Protocol):
    """A provider's form."""

    def letter(self, said: Said, url: str, keys: Keys, now: datetime) -> Letter:
        """The request that has a message sent, signed now. Raises CannotBeSignedError."""
        ...

    def heard(self, status: int, answer: bytes) -> tuple[Came, str]:
        """What its answer says: only an explicit yes has taken it."""
        ...


class Told(Struct, frozen=True, kw_only=True):
    """What goes to the gateway: no number of a person, no name."""

    notice_id: str
    """the same at every attempt: a message that is known is not sent again"""
    phone: str
    text: str


class _Kept(Struct, frozen=True):
    phone: str
    text: str


_DECODE = msgspec.json.Decoder(_Kept).decode


class JsonGateway:
    """The form that the simulator and a gateway of the agency's own speak: JSON, HMAC-SHA256 as
    webhooks have it, and `{"success":true}`."""

    def letter(self, said: Said, url: str, keys: Keys, now: datetime) -> Letter:
        """As the port."""
        try:
            kept = _DECODE(said.data)
        except msgspec.MsgspecError as exc:
            raise CannotBeSignedError("短信内容无法解析") from exc
        told = Told(notice_id=said.notice_id, phone=kept.phone, text=kept.text)
        body, timestamp = msgspec.json.encode(told), str(int(now.timestamp()))
        headers = {
            "Content-Type": JSON,
            "x-notice-id": said.notice_id,
            "x-settlement-key": keys.signer.access_key,
            "x-settlement-timestamp": timestamp,
            "x-settlement-signature": webhook_signature(
                keys.signer.secret, timestamp, said.notice_id, body
            ),
        }
        return Letter(url=url, headers=headers, body=body)

    def heard(self, status: int, answer: bytes) -> tuple[Came, str]:
        """As the port."""
        return judge(status, answer)
