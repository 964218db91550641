"""Who is calling: the two header signatures of the gateway, as pure functions.

x-tif (1.5 a): hex SHA-256 over timestamp, secret, nonce, timestamp. CSB (1.5 b): Base64 HMAC-SHA1
over the other headers as sorted `key=value`. Neither covers the body. The clock is a parameter;
secrets and remembered nonces live elsewhere.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

TIF_WINDOW_SECONDS = 300
"""No source states the skew the gateway allows; institutions with a bad clock may need more."""

CSB_WINDOW_SECONDS = 1_800

CSB_SIGNED_HEADERS = ("_api_access_key", "_api_name", "_api_timestamp", "_api_version")
CSB_SIGNATURE_HEADER = "_api_signature"


def tif_signature(timestamp: str, secret: str, nonce: str) -> str:
    """Lower-case hex SHA-256 of timestamp + secret + nonce + timestamp."""
    return sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def tif_verified(*, timestamp: str, secret: str, nonce: str, signature: str) -> bool:
    """Compares in constant time; upper-case hex is accepted too."""
    return _same(tif_signature(timestamp, secret, nonce), signature.lower())


def csb_signature(headers: Mapping[str, str], secret: str) -> str:
    """Base64 HMAC-SHA1 of `key=value` of every header given but the signature, sorted, joined
    by `&`. Give it the `_api_…` headers only."""
    text = "&".join(
        f"{key}={value}" for key, value in sorted(headers.items()) if key != CSB_SIGNATURE_HEADER
    )
    # SHA-1 is what the bus defines; HMAC does not rest on collision resistance.
    return b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


def csb_verified(headers: Mapping[str, str], *, secret: str, signature: str) -> bool:
    """Compares in constant time."""
    return _same(csb_signature(headers, secret), signature)


def tif_in_window(
    timestamp: str, *, now_seconds: int, window_seconds: int = TIF_WINDOW_SECONDS
) -> bool:
    """Is the Unix second in `x-tif-timestamp` within the window around now, either side?"""
    sent = _digits(timestamp, length_max=12)
    return sent is not None and abs(now_seconds - sent) <= window_seconds


def csb_in_window(
    timestamp: str, *, now_seconds: int, window_seconds: int = CSB_WINDOW_SECONDS
) -> bool:
    """Is the 13-digit millisecond in `_api_timestamp` within the window around now, either side?"""
    sent = _digits(timestamp, length_max=15)
    return sent is not None and abs(now_seconds * 1_000 - sent) <= window_seconds * 1_000


def _digits(text: str, *, length_max: int) -> int | None:
    if len(text) > length_max or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogateescape"))
