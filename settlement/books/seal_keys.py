"""Keys that sign seals (封存签名): Ed25519, or SM2 where a region wants it.

Pure. A public key is known by its fingerprint, which is printed and published; whoever checks a
proof compares it with what was published, or gives the key.
"""

from __future__ import annotations

import re
from enum import StrEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from protocol.nhsa.gm import Sm2PrivateKey, Sm2PublicKey


class Algorithm(StrEnum):
    """How seals are signed."""

    ED25519 = "ed25519"
    SM2 = "sm2"


class PublicKey(Struct, frozen=True, kw_only=True):
    """A key that checks, in hex."""

    algorithm: Algorithm
    public: str

    @property
    def fingerprint(self) -> str:
        """By which people know it: 32 hex digits in groups of four."""
        digest = sha256(f"{self.algorithm}:{self.public}".encode()).hexdigest()[:32]
        return " ".join(re.findall("....", digest))


class SigningKey(Struct, frozen=True, kw_only=True):
    """A key that signs, in hex."""

    algorithm: Algorithm
    private: str

    @property
    def public(self) -> PublicKey:
        """What checks its signatures."""
        if self.algorithm is Algorithm.SM2:
            point = Sm2PrivateKey.parse(self.private).public.point
            return PublicKey(algorithm=self.algorithm, public=point.hex())
        raw = _ed25519(self.private).public_key().public_bytes_raw()
        return PublicKey(algorithm=self.algorithm, public=raw.hex())

    def sign(self, text: bytes) -> bytes:
        """A signature of 64 bytes."""
        if self.algorithm is Algorithm.SM2:
            return Sm2PrivateKey.parse(self.private).sign(text)
        return _ed25519(self.private).sign(text)


def is_signed(text: bytes, signature: bytes, key: PublicKey) -> bool:
    """Whether a signature is this key's; never where the key is none."""
    try:
        if key.algorithm is Algorithm.SM2:
            return Sm2PublicKey.parse(key.public).verify(text, signature)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public)).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _ed25519(private: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
