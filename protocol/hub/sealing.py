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

from protocol.hub.certificates import bytes_of, text_of
from protocol.hub.envelope import Envelope

LABEL = b"HUB1"
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
        self, plaintext: bytes, envelope: Envelope, own: X25519PrivateKey, peer: bytes
    ) -> str:
        """The body of a message whose outside is `envelope`, from our key to a peer's."""
        nonce = self._chance(NONCE_BYTES)
        cipher = self._cipher(envelope, own, peer)
        return text_of(nonce + cipher.encrypt(nonce, plaintext, bound(envelope)))

    def open(self, envelope: Envelope, own: X25519PrivateKey, peer: bytes) -> bytes:
        """What is inside. Raises UnopenableError."""
        cipher = self._cipher(envelope, own, peer)
        try:
            sealed = bytes_of(envelope.body)
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound(envelope))
        except (InvalidTag, ValueError) as exc:
            raise UnopenableError from exc

    def _cipher(self, envelope: Envelope, own: X25519PrivateKey, peer: bytes) -> AESGCM:
        day = envelope.sent_at.astimezone(UTC).date().isoformat()
        pair = envelope.certificate, envelope.sealed_for, day
        cipher = self._ciphers.get(pair)
        if cipher is None:
            if len(self._ciphers) >= CIPHERS_KEPT_MAX:
                self._ciphers.clear()
            shared = own.exchange(X25519PublicKey.from_public_bytes(peer))
            info = b"\n".join([LABEL, *(text.encode() for text in pair)])
            key = HKDF(algorithm=SHA256(), length=32, salt=LABEL, info=info).derive(shared)
            cipher = self._ciphers[pair] = AESGCM(key)
        return cipher


def bound(envelope: Envelope) -> bytes:
    """What of the outside the body is bound to (associated data), a line each."""
    return "\n".join((
        LABEL.decode(), envelope.kind, envelope.says, envelope.correlation, envelope.case,
        envelope.origin, envelope.to, envelope.certificate, envelope.sealed_for, envelope.answers,
    )).encode()  # fmt: skip
