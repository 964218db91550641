"""The second factor (动态口令): codes of six digits by time (RFC 6238), SHA-1, 30 seconds, as every
authenticator program knows them. Forty lines on hmac, so no library. Time is given."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from hashlib import sha1
from urllib.parse import quote

import segno

STEP_SECONDS = 30
DIGITS = 6
KEY_BYTES = 20
BORDER = 4
STEPS_AROUND = 1
"""A clock may be half a minute off, either way."""


def new_key() -> bytes:
    """A key of the length that RFC 4226 recommends."""
    return secrets.token_bytes(KEY_BYTES)


def step_of(at: datetime) -> int:
    """The time step of an instant."""
    return int(at.timestamp()) // STEP_SECONDS


def code_of(key: bytes, step: int) -> str:
    """The code of a time step."""
    digest = hmac.new(key, step.to_bytes(8, "big"), sha1).digest()
    place = digest[-1] & 15
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(key: bytes, code: str, at: datetime) -> int | None:
    """The time step whose code this is, near an instant; None where it is none."""
    now = step_of(at)
    found = None
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        if hmac.compare_digest(code_of(key, step).encode(), code.strip().encode()):
            found = step
    return found


def key_text(key: bytes) -> str:
    """The key as it is typed into an authenticator program."""
    return base64.b32encode(key).decode().rstrip("=")


def address_of(key: bytes, *, name: str, issuer: str) -> str:
    """What the QR code says (otpauth)."""
    label = quote(f"{issuer}:{name}")
    return f"otpauth://totp/{label}?secret={key_text(key)}&issuer={quote(issuer)}"


def qr_path(text: str) -> tuple[int, str]:
    """A QR code as one SVG path of unit squares, and how many there are along a side, with the
    empty border that readers need."""
    code = segno.make(text, error="m", micro=False)
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=BORDER)]
    parts = [
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    ]
    return len(rows), "".join(parts)
