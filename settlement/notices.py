"""How a notice of the outbox looks when it leaves, and what its answer says. Pure but for signing.

Mobile payment: the centre's envelope, SM2 and SM4, to the receiver's address with the transaction
behind it. Webhooks: JSON with an HMAC-SHA256 of it. Both carry `notice_id`, by which a receiver
knows what it has had before.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from protocol.nhsa import mobile_envelope
from protocol.nhsa.gm import Sm2PrivateKey
from protocol.nhsa.mobile_envelope import EnvelopeError, Party
from protocol.nhsa.times import compact_seconds
from settlement.clock import local_time
from settlement.outbox import Came, Kind, judge
from settlement.seals import Keys

JSON = "application/json; charset=utf-8"


class Said(Struct, frozen=True, kw_only=True):
    """What is told: as the outbox has it."""

    kind: Kind
    topic: str
    institution: str
    case_no: int
    notice_no: int
    told_at: datetime
    data: bytes

    @property
    def notice_id(self) -> str:
        """The same at every attempt."""
        return f"{self.case_no}-{self.notice_no}"


class Letter(Struct, frozen=True, kw_only=True):
    """A request, ready to leave."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class _Webhook(Struct, frozen=True, kw_only=True):
    notice_id: str
    topic: str
    institution: str
    told_at: str
    data: Raw


class CannotBeSignedError(Exception):
    """We, or the receiver, lack a key for it; the text says which."""


def letter(
    said: Said, url: str, keys: Keys, platform_key: Sm2PrivateKey | None, now: datetime
) -> Letter:
    """Signed now. Raises CannotBeSignedError."""
    if said.kind is Kind.WEBHOOK:
        return _webhook(said, url, keys, now)
    if platform_key is None:
        raise CannotBeSignedError("本平台没有SM2签名密钥")
    party = Party(app_id=keys.signer.access_key, secret=keys.signer.secret)
    try:
        body = mobile_envelope.sealed(
            said.data, party, platform_key, stamp=compact_seconds(local_time(now)),
            more={"infno": said.topic, "noticeId": said.notice_id},
        )  # fmt: skip
    except ValueError as exc:
        raise CannotBeSignedError(str(exc)) from exc
    headers = {"Content-Type": JSON, "x-notice-id": said.notice_id}
    return Letter(url=f"{url.rstrip('/')}/{said.topic}", headers=headers, body=body)


def heard(said: Said, keys: Keys, status: int, answer: bytes) -> tuple[Came, str]:
    """What an answer says. One in the centre's envelope must be signed by the receiver."""
    if said.kind is Kind.WEBHOOK or b'"signData"' not in answer:
        return judge(status, answer)
    if keys.signer.public_key is None:
        return Came.STRANGE, "未登记机构SM2公钥，无法验证应答签名"
    party = Party(app_id=keys.signer.access_key, secret=keys.signer.secret)
    try:
        opened = mobile_envelope.opened(answer, party)
    except (EnvelopeError, ValueError) as exc:
        return Came.STRANGE, f"应答报文无法解析：{exc}"
    if not mobile_envelope.is_signed(opened, party, keys.signer.public_key):
        return Came.STRANGE, "应答签名不正确"
    return judge(status, opened.data)


def webhook_signature(secret: str, timestamp: str, notice_id: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 over time, notice and body, each on a line of its own."""
    text = f"{timestamp}\n{notice_id}\n".encode() + body
    return hmac.digest(secret.encode(), text, "sha256").hex()


def _webhook(said: Said, url: str, keys: Keys, now: datetime) -> Letter:
    content = _Webhook(
        notice_id=said.notice_id, topic=said.topic, institution=said.institution,
        told_at=said.told_at.isoformat(), data=Raw(said.data),
    )  # fmt: skip
    body = msgspec.json.encode(content)
    timestamp = str(int(now.timestamp()))
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
