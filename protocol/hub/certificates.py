"""Certificates of regions: whose a pair of keys is, until when, and that it was taken back.

Three one-line texts, each `LABEL.content.signature` (docs/reference/hub.md): what a region asks a
certificate with, the certificate, and the withdrawal of one. The last two are signed by the hub's
authority, whose public key every region has pinned. A certificate has two keys, one that signs
(Ed25519) and one that messages are sealed for (X25519), which X.509 has no place for in one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Struct

CERTIFICATE = "HUBCERT1"
REQUEST = "HUBREQ1"
WITHDRAWAL = "HUBREV1"
SUITE = "ed25519-x25519-aes256gcm"
"""The only one so far; `sm2-sm4gcm` is kept for the national algorithms, and refused today."""
NEWEST_VERSION = 2
"""Of messages: 1 is one question or answer (envelope.py), 2 several of them (bundle.py)."""
HUB = "000000"
"""The hub itself, where it is a party: no area has this code."""
KEY_BYTES = 32
TEXT_LENGTH_MAX = 2_000


class CertificateError(ValueError):
    """A text that is not what it should be, or not signed by whom it should; says why."""


class Purpose(StrEnum):
    """What a certificate is good for."""

    REGION = "region"
    """a pooling area speaks with it"""
    HUB = "hub"
    """the hub speaks with it, of its own book"""


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A region's own claim of its keys, signed with the key that is to be certified."""

    region: str
    suite: str
    signing_key: bytes
    """public key, 32 bytes; base64 in the JSON"""
    sealing_key: bytes
    made_at: datetime
    message_version: int = 1
    """the highest version of messages that the region reads"""


class Certificate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose keys these are, and when. Valid from the first moment to before the last."""

    serial: str
    region: str
    purpose: Purpose
    suite: str
    signing_key: bytes
    sealing_key: bytes
    not_before: datetime
    not_after: datetime
    message_version: int = 1
    """the highest version of messages that may be sent to the region: it reads them, and the hub
    carries them"""

    def holds_at(self, at: datetime) -> bool:
        """Whether it is valid by its dates."""
        return self.not_before <= at < self.not_after


class Withdrawal(Struct, frozen=True, kw_only=True):
    """A certificate is good for nothing any more, whatever its dates say."""

    serial: str
    withdrawn_at: datetime
    reason: str


class SecretKeys(Struct, frozen=True, kw_only=True):
    """The private halves, 32 bytes each. Prints itself without them."""

    signing: bytes
    sealing: bytes

    def __repr__(self) -> str:
        """Without the keys."""
        return "SecretKeys(…)"

    @property
    def signing_key(self) -> bytes:
        """The public half of the key that signs."""
        return Ed25519PrivateKey.from_private_bytes(self.signing).public_key().public_bytes_raw()

    @property
    def sealing_key(self) -> bytes:
        """The public half of the key that messages to us are sealed for."""
        return X25519PrivateKey.from_private_bytes(self.sealing).public_key().public_bytes_raw()


class Authority:
    """Who issues certificates and takes them back: the hub's operator, not a region."""

    def __init__(self, key: Ed25519PrivateKey, *, message_version: int = NEWEST_VERSION) -> None:
        """`message_version`: the highest that the hub carries."""
        self._key = key
        self._message_version = message_version

    @property
    def root(self) -> bytes:
        """What regions pin: the public key."""
        return self._key.public_key().public_bytes_raw()

    def issue(
        self, request: Request, *, serial: str, not_before: datetime, not_after: datetime
    ) -> str:
        """A certificate for what `read_request` gave."""
        certificate = Certificate(
            serial=serial, region=request.region, purpose=_purpose_of(request.region),
            suite=request.suite,
            signing_key=request.signing_key, sealing_key=request.sealing_key,
            not_before=not_before, not_after=not_after,
            message_version=min(request.message_version, self._message_version),
        )  # fmt: skip
        return _signed(CERTIFICATE, certificate, self._key)

    def withdraw(self, serial: str, *, at: datetime, reason: str) -> str:
        """A withdrawal."""
        told = Withdrawal(serial=serial, withdrawn_at=at, reason=reason)
        return _signed(WITHDRAWAL, told, self._key)


def new_keys() -> SecretKeys:
    """Fresh random keys."""
    return SecretKeys(
        signing=Ed25519PrivateKey.generate().private_bytes_raw(),
        sealing=X25519PrivateKey.generate().private_bytes_raw(),
    )


def request_of(
    keys: SecretKeys, region: str, *, at: datetime, message_version: int = NEWEST_VERSION
) -> str:
    """What a region sends to the authority."""
    asked = Request(
        region=region, suite=SUITE, signing_key=keys.signing_key, sealing_key=keys.sealing_key,
        made_at=at, message_version=message_version,
    )  # fmt: skip
    return _signed(REQUEST, asked, Ed25519PrivateKey.from_private_bytes(keys.signing))


def read_request(text: str) -> Request:
    """A request whose signature is by the key in it. Raises CertificateError."""
    content, signature = _parts(REQUEST, text)
    asked = _decoded(content, Request)
    _check_keys(asked.suite, asked.signing_key, asked.sealing_key)
    _check_signature(REQUEST, content, signature, asked.signing_key)
    return asked


def read_certificate(text: str, root: bytes) -> Certificate:
    """A certificate that the authority signed. Raises CertificateError."""
    content, signature = _parts(CERTIFICATE, text)
    _check_signature(CERTIFICATE, content, signature, root)
    certificate = _decoded(content, Certificate)
    _check_keys(certificate.suite, certificate.signing_key, certificate.sealing_key)
    if certificate.purpose is not _purpose_of(certificate.region):
        raise CertificateError("its purpose is not that of its owner")
    if certificate.not_before.tzinfo is None or certificate.not_after.tzinfo is None:
        raise CertificateError("a time without its offset")
    if certificate.not_after <= certificate.not_before:
        raise CertificateError("it ends before it begins")
    return certificate


def read_withdrawal(text: str, root: bytes) -> Withdrawal:
    """A withdrawal that the authority signed. Raises CertificateError."""
    content, signature = _parts(WITHDRAWAL, text)
    _check_signature(WITHDRAWAL, content, signature, root)
    return _decoded(content, Withdrawal)


def read_root(text: str) -> bytes:
    """A pinned public key, 64 hexadecimal digits. Raises CertificateError."""
    try:
        key = bytes.fromhex(text)
    except ValueError as exc:
        raise CertificateError("the root key is not hexadecimal") from exc
    if len(key) != KEY_BYTES:
        raise CertificateError(f"the root key has {len(key)} bytes instead of {KEY_BYTES}")
    return key


def text_of(data: bytes) -> str:
    """Base64 with the alphabet for URLs and without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """What `text_of` made, and nothing else: one byte string has one text. Raises ValueError."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if text_of(data) != text:
        raise ValueError("not the one way to write these bytes")
    return data


def _purpose_of(party: str) -> Purpose:
    return Purpose.HUB if party == HUB else Purpose.REGION


_Content = TypeVar("_Content", Request, Certificate, Withdrawal)


def _signed(label: str, content: Struct, key: Ed25519PrivateKey) -> str:
    told = text_of(msgspec.json.encode(content))
    return f"{label}.{told}.{text_of(key.sign(f'{label}.{told}'.encode()))}"


def _parts(label: str, text: str) -> tuple[str, bytes]:
    parts = text.strip().split(".")
    if len(text) > TEXT_LENGTH_MAX or len(parts) != 3 or parts[0] != label:
        raise CertificateError(f"no {label} text")
    try:
        return parts[1], bytes_of(parts[2])
    except ValueError as exc:
        raise CertificateError(f"the signature is damaged: {exc}") from exc


def _check_signature(label: str, content: str, signature: bytes, key: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, f"{label}.{content}".encode())
    except InvalidSignature as exc:
        raise CertificateError("it is not signed by whom it should be") from exc


def _decoded(content: str, kind: type[_Content]) -> _Content:
    try:
        return msgspec.json.decode(bytes_of(content), type=kind)
    except (ValueError, msgspec.DecodeError, RecursionError) as exc:
        raise CertificateError(f"its content cannot be read: {exc}") from exc


def _check_keys(suite: str, *keys: bytes) -> None:
    if suite != SUITE:
        raise CertificateError(f"the suite {suite!r} is not served, only {SUITE}")
    if any(len(key) != KEY_BYTES for key in keys):
        raise CertificateError(f"a key that has not {KEY_BYTES} bytes")
