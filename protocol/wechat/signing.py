"""Signatures of API v3: requests by the merchant, answers and notifications by the platform.

RSA PKCS#1 v1.5 over SHA-256, base64. What was signed is always the bytes as they were sent.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CLOCK_DISTANCE_SECONDS_MAX = 300
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
"""Begins a signature that WeChat sends wrong on purpose, to see whether it is refused."""
PUBLIC_KEY_ID_PREFIX = "PUB_KEY_ID_"

_AUTHORIZATION = re.compile(r'\b(\w+)="([^"]*)"')


class SignatureFault(StrEnum):
    """What is wrong with a signature."""

    MISSING = "missing"
    PROBE = "probe"
    CLOCK = "clock"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"


class SigningKey:
    """A private key."""

    def __init__(self, pem: bytes) -> None:
        """Raises ValueError for anything but an RSA private key without password."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("not an RSA private key")
        self.rsa = key

    def sign(self, text: bytes) -> bytes:
        """The signature, base64."""
        return b64encode(self.rsa.sign(text, PKCS1v15(), SHA256()))


class VerifyingKey:
    """A public key."""

    def __init__(self, pem: bytes) -> None:
        """Of a public key or a certificate; raises ValueError for another kind."""
        if b"CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = serialization.load_pem_public_key(pem)  # type: ignore[assignment]
        if not isinstance(key, RSAPublicKey):
            raise ValueError("not an RSA public key")
        self.rsa = key

    def verify(self, text: bytes, signature: str) -> bool:
        """Whether a base64 signature is this key's for the text."""
        try:
            self.rsa.verify(b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


class Authorization(Struct, frozen=True, kw_only=True):
    """What the header of a signed request says."""

    mchid: str
    serial_no: str
    nonce_str: str
    timestamp: str
    signature: str

    def header(self) -> str:
        """As the header's value."""
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{self.nonce_str}",'
            f'timestamp="{self.timestamp}",serial_no="{self.serial_no}",'
            f'signature="{self.signature}"'
        )


def read_authorization(header: str) -> Authorization | None:
    """None where it is not one."""
    scheme, _, rest = header.partition(" ")
    parts = dict(_AUTHORIZATION.findall(rest))
    if scheme != SCHEME or not set(Authorization.__struct_fields__) <= parts.keys():
        return None
    return Authorization(**{name: parts[name] for name in Authorization.__struct_fields__})


def request_text(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a request's signature covers; `target` is path and query."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def phone_text(appid: str, timestamp: str, nonce: str, package: str) -> bytes:
    """What the signature covers with which the payer's phone opens an order (调起支付, paySign)."""
    return f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode()


def answer_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the signature of an answer or a notification covers."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_headers(key: SigningKey, serial: str, *, at: int, nonce: str, body: bytes) -> (
    dict[str, str]
):  # fmt: skip
    """The platform's headers over an answer or a notification of a Unix second."""
    return {
        "Wechatpay-Timestamp": str(at),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Signature": key.sign(answer_text(str(at), nonce, body)).decode(),
    }


def signature_fault(
    keys: Mapping[str, VerifyingKey], headers: Mapping[str, str], body: bytes, *, now: int
) -> SignatureFault | None:
    """What is wrong with the platform's signature, None if it is good.

    `headers` have names in lower case; `keys` are by the serial of a certificate or the id of a
    public key; `now` is a Unix second.
    """
    signature = headers.get("wechatpay-signature", "")
    timestamp = headers.get("wechatpay-timestamp", "")
    if not signature or not (timestamp.isascii() and timestamp.isdigit()):
        return SignatureFault.MISSING
    if signature.startswith(PROBE_PREFIX):
        return SignatureFault.PROBE
    if len(timestamp) > 12 or abs(now - int(timestamp)) > CLOCK_DISTANCE_SECONDS_MAX:
        return SignatureFault.CLOCK
    key = keys.get(headers.get("wechatpay-serial", ""))
    if key is None:
        return SignatureFault.UNKNOWN_KEY
    text = answer_text(timestamp, headers.get("wechatpay-nonce", ""), body)
    return None if key.verify(text, signature) else SignatureFault.WRONG
