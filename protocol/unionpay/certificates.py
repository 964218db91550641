"""Certificates: ours, whose serial is `certId`, and UnionPay's, which come with every answer.

An answer of 5.1.0 carries the certificate that verifies it (`signPubKeyCert`). That proves nothing:
anybody can send one. It is believed only where it is one of those that we were configured with, or
leads to one of them. No revocation lists are asked. The instant is a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    load_pem_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import NameOID
from msgspec import Struct

KEY_BITS_MIN = 2048
CHAIN_LENGTH_MAX = 4
_KNOWN_MAX = 64
"""Certificates remembered as good; UnionPay changes its own every few years."""


class CertificateError(ValueError):
    """A key or certificate file cannot be used; the text says why and shows nothing of it."""


class SigningKey(Struct, frozen=True):
    """A merchant's key with the certificate that UnionPay knows it by."""

    key: RSAPrivateKey
    certificate: Certificate

    @property
    def cert_id(self) -> str:
        """`certId`: the certificate's serial number, decimal."""
        return str(self.certificate.serial_number)

    def __repr__(self) -> str:
        """Without the key."""
        return f"SigningKey(certId {self.cert_id})"


def signing_key_of(data: bytes, password: bytes | None = None) -> SigningKey:
    """From a PKCS#12 file (.pfx, as UnionPay hands them out), or PEM with key and certificate."""
    read = _of_pem if data.lstrip().startswith(b"-----") else _of_pkcs12
    try:
        key, certificate = read(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise CertificateError("no PKCS#12 and no PEM, or the password is wrong") from fault
    if certificate is None:
        raise CertificateError("no certificate beside the key")
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS_MIN:
        raise CertificateError(f"no RSA key of at least {KEY_BITS_MIN} bits")
    if certificate.public_key() != key.public_key():
        raise CertificateError("key and certificate do not belong together")
    return SigningKey(key, certificate)


def certificates_of(data: bytes) -> list[Certificate]:
    """All certificates of a PEM file."""
    try:
        return load_pem_x509_certificates(data)
    except ValueError as fault:
        raise CertificateError("no certificate in PEM") from fault


def is_authority(certificate: Certificate) -> bool:
    """May it issue certificates of others?"""
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


class _Believed(Struct, frozen=True):
    """What is remembered of a certificate: reading it takes longer than checking a signature."""

    key: RSAPublicKey | None
    """None where it is weak"""
    begins_at: datetime
    ends_at: datetime


class Trust:
    """Whose signatures are believed.

    `anchors` are believed as they are: UnionPay's signing certificate itself, or a root (CFCA).
    `intermediates` only lead from a certificate to an anchor. `owner`, where given, must be what
    the certificate's common name says between its second and third `@`; a root alone would believe
    everybody who has a certificate of it.
    """

    def __init__(
        self, anchors: Sequence[Certificate], *, intermediates: Sequence[Certificate] = (),
        owner: str = "",
    ) -> None:  # fmt: skip
        self._anchors = tuple(anchors)
        self._issuers = (*anchors, *intermediates)
        self._owner = owner
        self._known: dict[str, _Believed] = {}

    def key_of(self, pem: str, at: datetime) -> RSAPublicKey | None:
        """The key of a certificate that came with a message, if it is believed at `at`."""
        known = self._known.get(pem)
        if known is None:
            certificate = self._checked(pem, at)
            if certificate is None:
                return None
            known = self._remember(pem, certificate)
        return known.key if known.begins_at <= at <= known.ends_at else None

    def _remember(self, pem: str, certificate: Certificate) -> _Believed:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        key = certificate.public_key()
        is_strong = isinstance(key, RSAPublicKey) and key.key_size >= KEY_BITS_MIN
        known = self._known[pem] = _Believed(
            key if isinstance(key, RSAPublicKey) and is_strong else None,
            certificate.not_valid_before_utc, certificate.not_valid_after_utc,
        )  # fmt: skip
        return known

    def _checked(self, pem: str, at: datetime) -> Certificate | None:
        try:
            certificate = load_pem_x509_certificate(pem.encode())
        except ValueError:
            return None
        if certificate in self._anchors:
            return certificate
        if self._owner and _owner(certificate) != self._owner:
            return None
        return certificate if self._leads_to_anchor(certificate, at) else None

    def _leads_to_anchor(self, certificate: Certificate, at: datetime) -> bool:
        link = certificate
        for _ in range(CHAIN_LENGTH_MAX):
            issuer = next((one for one in self._issuers if _issued(one, link, at)), None)
            if issuer is None:
                return False
            if issuer in self._anchors:
                return True
            link = issuer
        return False


def _of_pem(data: bytes, password: bytes | None) -> tuple[object, Certificate | None]:
    return load_pem_private_key(data, password), load_pem_x509_certificates(data)[0]


def _of_pkcs12(data: bytes, password: bytes | None) -> tuple[object, Certificate | None]:
    key, certificate, _ = load_key_and_certificates(data, password)
    return key, certificate


def _issued(issuer: Certificate, certificate: Certificate, at: datetime) -> bool:
    if issuer == certificate or not _is_valid(issuer, at) or not is_authority(issuer):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _is_valid(certificate: Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _owner(certificate: Certificate) -> str:
    """The third part of a common name such as `041@…@中国银联股份有限公司@00016494`."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if names else []
    return parts[2] if len(parts) > 2 else ""
