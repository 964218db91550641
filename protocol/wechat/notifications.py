"""Notifications: the envelope of v3, and the refund notification of v2. Whether they are genuine is
checked elsewhere (`signing`); an encrypted part that opens came from somebody with the key."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from protocol.wechat import v2
from protocol.wechat.messages import UnreadableAnswerError, read
from protocol.wechat.sealing import Sealed, UndecipherableError, seal, seal_v2, unseal, unseal_v2

RESOURCE_TYPE = "encrypt-resource"
T = TypeVar("T")


class Envelope(Struct, frozen=True, kw_only=True):
    """What is posted to `notify_url`."""

    id: str
    event_type: str
    resource: Sealed
    create_time: str = ""
    resource_type: str = RESOURCE_TYPE
    summary: str = ""


class UnreadableNotificationError(Exception):
    """Not a notification for this key; the text says which part is not."""


def read_envelope(body: bytes) -> Envelope:
    """Raises UnreadableNotificationError."""
    try:
        return read(body, Envelope)
    except UnreadableAnswerError as exc:
        raise UnreadableNotificationError(f"envelope: {exc}") from exc


def read_resource(envelope: Envelope, key: bytes, kind: type[T]) -> T:
    """What it is about. Raises UnreadableNotificationError."""
    try:
        return read(unseal(key, envelope.resource), kind)
    except UndecipherableError as exc:
        raise UnreadableNotificationError("resource: not under this key") from exc
    except UnreadableAnswerError as exc:
        raise UnreadableNotificationError(f"resource: {exc}") from exc


def write_envelope(
    *, number: str, event_type: str, at: str, summary: str, about: str, content: bytes,
    key: bytes, nonce: str,
) -> bytes:  # fmt: skip
    """A notification of the platform; `about` is `transaction`, `refund` …"""
    resource = seal(key, content, nonce=nonce, about=about, original_type=about)
    envelope = Envelope(
        id=number, event_type=event_type, create_time=at, summary=summary, resource=resource
    )
    return msgspec.json.encode(envelope)


def read_v2_refund(body: bytes, key: str) -> dict[str, str]:
    """Fields of a refund notification of v2, the encrypted ones among them."""
    try:
        outer = v2.decode(body)
        inner = v2.decode(_as_xml(unseal_v2(key, outer.get("req_info", ""))))
    except v2.NotV2Error as exc:
        raise UnreadableNotificationError(str(exc)) from exc
    except UndecipherableError as exc:
        raise UnreadableNotificationError("req_info: not under this key") from exc
    return {**outer, **inner}


def write_v2_refund(outer: dict[str, str], inner: dict[str, str], key: str) -> bytes:
    """A refund notification of v2."""
    return v2.encode({**outer, "req_info": seal_v2(key, _as_root(v2.encode(inner)))})


def _as_xml(content: bytes) -> bytes:
    """The encrypted part has a root of another name."""
    inside = content.strip().removeprefix(b"<root>").removesuffix(b"</root>")
    return b"<xml>" + inside + b"</xml>"


def _as_root(content: bytes) -> bytes:
    return b"<root>" + content.removeprefix(b"<xml>").removesuffix(b"</xml>") + b"</root>"
