"""RSA2: RSA PKCS#1 v1.5 with SHA-256, in Base64. Three things are signed, each over its own text.

A request over its parameters, an answer over the exact bytes of its node, a notification over its
fields. Keys come as files, in any of the forms in which Alipay's console and tools give them.
In certificate mode (公钥证书模式) a request also names two certificates by serials that are
computed here; without certificates (公钥模式) nothing of that is sent.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PublicKeyTypes,
)

SIGN_TYPE = "RSA2"

_PADDING, _HASH = PKCS1v15(), hashes.SHA256()
_RSA_SIGNATURES = "1.2.840.113549.1.1."
_NOT_IN_NOTICES = frozenset({"sign", "sign_type"})


class KeyFormError(ValueError):
    """What should be a key or certificate is none; the text says of what kind it should be."""


class PrivateKey:
    """Signs, as a merchant does (应用私钥) or as Alipay."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    @classmethod
    def of(cls, data: bytes) -> PrivateKey:
        """From PEM, or from the bare Base64 of PKCS#1 or PKCS#8. Raises KeyFormError."""
        try:
            if data.lstrip().startswith(b"-----BEGIN"):
                key = serialization.load_pem_private_key(data, password=None)
            else:
                key = serialization.load_der_private_key(_der(data), password=None)
        except (ValueError, TypeError) as exc:
            raise KeyFormError("no private key in PEM, PKCS#8 or PKCS#1") from exc
        if not isinstance(key, RSAPrivateKey):
            raise KeyFormError("not an RSA key")
        return cls(key)

    @property
    def public(self) -> PublicKey:
        """The other half."""
        return PublicKey(self._key.public_key())

    def sign(self, text: bytes) -> str:
        """Half a millisecond of processor time: not for the event loop."""
        return b64encode(self._key.sign(text, _PADDING, _HASH)).decode()


class PublicKey:
    """Checks what the other side signed (支付宝公钥)."""

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key

    @classmethod
    def of(cls, data: bytes) -> PublicKey:
        """From PEM, bare Base64, or a certificate in PEM. Raises KeyFormError."""
        try:
            key = _public_key(data)
        except (ValueError, TypeError) as exc:
            raise KeyFormError("no public key or certificate") from exc
        if not isinstance(key, RSAPublicKey):
            raise KeyFormError("not an RSA key")
        return cls(key)

    def verifies(self, text: bytes, signature: str) -> bool:
        """Whether it is the signature of the text; anything that is no signature is not."""
        try:
            self._key.verify(b64decode(signature, validate=True), text, _PADDING, _HASH)
        except (InvalidSignature, ValueError):
            return False
        return True


def request_text(parameters: Mapping[str, str]) -> bytes:
    """What a request signs: its parameters but `sign` that are not empty, sorted, not encoded."""
    return _joined({name: value for name, value in parameters.items() if name != "sign" and value})


def notice_text(fields: Mapping[str, str]) -> bytes:
    """What a notification signs: its fields after decoding, without `sign` and `sign_type`."""
    return _joined({name: fields[name] for name in fields.keys() - _NOT_IN_NOTICES})


def certificate_serial(pem: bytes) -> str:
    """`app_cert_sn`, or `alipay_cert_sn` of an answer: MD5 over issuer and number, in hex.

    Raises KeyFormError.
    """
    return _serial(_certificates(pem)[0])


def root_serial(pem: bytes) -> str:
    """`alipay_root_cert_sn` of a file of root certificates: those with RSA, joined by _.

    Raises KeyFormError.
    """
    serials = [
        _serial(one)
        for one in _certificates(pem)
        if one.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES)
    ]
    return "_".join(serials)


def _public_key(data: bytes) -> CertificatePublicKeyTypes | PublicKeyTypes:
    if b"-----BEGIN CERTIFICATE" in data:
        return x509.load_pem_x509_certificate(data).public_key()
    if data.lstrip().startswith(b"-----BEGIN"):
        return serialization.load_pem_public_key(data)
    return serialization.load_der_public_key(_der(data))


def _joined(parameters: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters)).encode()


def _serial(certificate: x509.Certificate) -> str:
    name = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    # A name for a certificate, as the gateway defines it; nothing rests on its strength.
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as exc:
        raise KeyFormError("no certificate in PEM") from exc


def _der(text: bytes) -> bytes:
    try:
        return b64decode(b"".join(text.split()), validate=True)
    except Base64Error as exc:
        raise KeyFormError("neither PEM nor Base64") from exc
