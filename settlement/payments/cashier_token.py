"""The name of a payment in the address of its page (手机付款页): who has it may pay.

The number with a keyed digest: nobody guesses one, and nothing has to be kept to know it again. It
names no person, and what it shows ends with the payment. Pure.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

NUMBER_BYTES = 8
DIGEST_BYTES = 16
TOKEN_LENGTH = (NUMBER_BYTES + DIGEST_BYTES) * 4 // 3
_ABOUT = b"cashier/1/"


def token_of(pay_no: int, key: bytes) -> str:
    """Of a payment's number: 32 letters, digits, `_` and `-`."""
    number = pay_no.to_bytes(NUMBER_BYTES, "big")
    return urlsafe_b64encode(number + _digest(number, key)).decode()


def number_in(token: str, key: bytes) -> int | None:
    """The payment's number; None for what we did not make."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    try:
        content = urlsafe_b64decode(token)
    except binascii.Error:
        return None
    number, digest = content[:NUMBER_BYTES], content[NUMBER_BYTES:]
    if not hmac.compare_digest(digest, _digest(number, key)):
        return None
    return int.from_bytes(number, "big")


def _digest(number: bytes, key: bytes) -> bytes:
    return hmac.digest(key, _ABOUT + number, sha256)[:DIGEST_BYTES]
