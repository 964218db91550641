"""The inside of a message: sealed for one certificate, bound to what stands in the clear.

AES-256-GCM with a random nonce of 12 bytes in front and the tag of 16 bytes behind. The key belongs
to one sending certificate, one receiving certificate and one day (UTC, of `sent_at`): HKDF-SHA-256
of what X25519 gives for their keys. Both sides derive it; it is kept, so a message costs
microseconds. A day's key seals some ten thousand messages, far below what a random nonce allows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.hub.bundle import Bundle
from protocol.hub.certificates import bytes_of, text_of
from protocol.hub.envelope import Envelope

LABEL = b"HUB1"
BUNDLE_LABEL = "HUB2"
NONCE_BYTES = 12
CIPHERS_KEPT_MAX = 4_096
"""More pairs and days than that are forgotten, all at once, and derived again."""
Chance = Callable[[int], bytes]


class UnopenableError(Exception):
    """The body does not open: other keys, or another outside. Deliberately says no more."""


class Sealer:
    """Seals and opens bodies, and keeps derived keys."""

    def __init__(self, chance: Chance = os.urandom) -> None:
        self._chance = chance
        self._ciphers: dict[tuple[str, str, str], AESGCM] = {}

    def seal(
        self, plaintext: bytes, outside: Envelope | Bundle, own: X25519PrivateKey, peer: bytes
    ) -> str:
        """The body of a message with this outside, from our key to a peer's."""
        nonce = self._chance(NONCE_BYTES)
        cipher = self._cipher(outside, own, peer)
        return text_of(nonce + cipher.encrypt(nonce, plaintext, bound(outside)))

    def open(self, outside: Envelope | Bundle, own: X25519PrivateKey, peer: bytes) -> bytes:
        """What is inside. Raises UnopenableError."""
        cipher = self._cipher(outside, own, peer)
        try:
            sealed = bytes_of(outside.body)
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound(outside))
        except (InvalidTag, ValueError) as exc:
            raise UnopenableError from exc

    def _cipher(self, outside: Envelope | Bundle, own: X25519PrivateKey, peer: bytes) -> AESGCM:
        day = outside.sent_at.astimezone(UTC).date().isoformat()
        pair = outside.certificate, outside.sealed_for, day
        cipher = self._ciphers.get(pair)
        if cipher is None:
            if len(self._ciphers) >= CIPHERS_KEPT_MAX:
                self._ciphers.clear()
            shared = own.exchange(X25519PublicKey.from_public_bytes(peer))
            info = b"\n".join([LABEL, *(text.encode() for text in pair)])
            key = HKDF(algorithm=SHA256(), length=32, salt=LABEL, info=info).derive(shared)
            cipher = self._ciphers[pair] = AESGCM(key)
        return cipher


def bound(outside: Envelope | Bundle) -> bytes:
    """What of the outside the body is bound to (associated data), a line each; of several in one
    message three lines each behind those that they share."""
    if isinstance(outside, Bundle):
        return "\n".join((
            BUNDLE_LABEL, outside.kind, outside.says, outside.origin, outside.to,
            outside.certificate, outside.sealed_for, outside.answers,
            *(part for one in outside.items for part in (one.says, one.correlation, one.case)),
        )).encode()  # fmt: skip
    return "\n".join((
        LABEL.decode(), outside.kind, outside.says, outside.correlation, outside.case,
        outside.origin, outside.to, outside.certificate, outside.sealed_for, outside.answers,
    )).encode()  # fmt: skip
