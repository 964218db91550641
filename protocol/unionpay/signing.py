"""Signatures with RSA certificates (signMethod 01, version 5.1.0).

Signed is the SHA-256, in lower-case hex, of all fields but `signature`, sorted by name and joined
as `name=value&name=value`; and that hex text is signed by RSA (PKCS#1 v1.5) with SHA-256. Empty
fields are left out when we sign, and belong to the text when they came.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

SIGNATURE = "signature"

_PADDING, _HASH = PKCS1v15(), SHA256()


def text_to_sign(fields: Mapping[str, str]) -> str:
    """`name=value&…` of all fields but the signature, sorted by name."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != SIGNATURE)


def digest(fields: Mapping[str, str]) -> bytes:
    """What RSA signs: the hex SHA-256 of `text_to_sign`, 64 letters and digits."""
    return sha256(text_to_sign(fields).encode()).hexdigest().encode("ascii")


def sign_digest(digested: bytes, key: RSAPrivateKey) -> str:
    """The value of `signature`, Base64. Two thirds of a millisecond: not on an event loop."""
    return b64encode(key.sign(digested, _PADDING, _HASH)).decode("ascii")


def signature(fields: Mapping[str, str], key: RSAPrivateKey) -> str:
    """Both steps."""
    return sign_digest(digest(fields), key)


def is_signed(fields: Mapping[str, str], key: RSAPublicKey) -> bool:
    """Does `signature` stand for these fields?"""
    try:
        key.verify(b64decode(fields.get(SIGNATURE, "")), digest(fields), _PADDING, _HASH)
    except (InvalidSignature, ValueError):
        return False
    return True
