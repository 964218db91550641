"""What is kept of a message to or from UnionPay for auditors: no payment code, no signature."""

from __future__ import annotations

import re
from collections.abc import Mapping

KEPT_CHARACTERS_MAX = 4_000
HIDDEN = "***"

_UNREAD_CHARACTERS_MAX = 200
_LONG_NUMBER = re.compile(r"\d{9,}")


def kept(fields: Mapping[str, str]) -> str:
    """A message as auditors may read it."""
    text = "&".join(f"{name}={_masked(name, value)}" for name, value in fields.items())
    return text[:KEPT_CHARACTERS_MAX]


def kept_unread(body: bytes) -> str:
    """The beginning of what is no message of the interface; a long number could be a code."""
    text = body[: 4 * _UNREAD_CHARACTERS_MAX].decode("utf-8", "replace")
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return _LONG_NUMBER.sub(HIDDEN, text)[:_UNREAD_CHARACTERS_MAX]


def masked_code(code: str) -> str:
    """Its first two digits, its length, its last four; of a short one only the length."""
    if len(code) < 12:
        return f"{HIDDEN}({len(code)})"
    return f"{code[:2]}{HIDDEN}({len(code)}){code[-4:]}"


def _masked(name: str, value: str) -> str:
    match name:
        case "qrNo":
            return masked_code(value)
        case "accNo":
            return f"{HIDDEN}{value[-4:]}" if len(value) >= 12 else HIDDEN
        case "signature" | "signPubKeyCert" | "fileContent":
            return f"{HIDDEN}({len(value)})"
    return value
