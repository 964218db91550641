"""What a browser keeps once an app has sent somebody to the page (网页会话).

Sealed, so that it says nothing to who reads it and cannot be made by anybody else. Pure but for
chance and the given time.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.keyring import Keyring, UndecipherableError

SESSION_SECONDS = 900
_RECORD = b"my/session"
_LENGTH_MAX = 1_024


class Session(Struct, frozen=True, kw_only=True, array_like=True):
    """Who was sent here, by which app, until when."""

    person_no: str
    app: str
    access_key: str
    """of the app: a session ends when the app is stopped"""
    ends_at: int


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(Session).decode


def kept(session: Session, keyring: Keyring) -> str:
    """As the browser keeps it."""
    sealed = keyring.version.to_bytes(2, "big") + keyring.seal(_ENCODE(session), _RECORD)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def opened(text: str, keyring: Keyring, now_seconds: int) -> Session | None:
    """The session, if it is one of ours and not over."""
    if len(text) > _LENGTH_MAX or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = keyring.open(raw[2:], _RECORD, int.from_bytes(raw[:2], "big"))
        session = _DECODE(plain)
    except (binascii.Error, ValueError, UndecipherableError, msgspec.MsgspecError):
        return None
    return session if now_seconds < session.ends_at else None


def form_key(text: str, keyring: Keyring) -> str:
    """What forms of this session carry: another site does not know it."""
    return hmac.digest(keyring.digest_key, f"form\n{text}".encode(), sha256).hex()[:32]
