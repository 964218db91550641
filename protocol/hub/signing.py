"""Signatures of messages: Ed25519 over the bytes exactly as sent."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.hub.envelope import Signed, message_of


def signed_message(signed: bytes, key: Ed25519PrivateKey) -> bytes:
    """The whole message."""
    return message_of(signed, key.sign(signed))


def is_signed_by(parts: Signed, key: Ed25519PublicKey) -> bool:
    """Whether a message is signed with the private half of this key."""
    try:
        key.verify(parts.signature, parts.signed)
    except InvalidSignature:
        return False
    return True
