"""Keys and certificates of a simulated UnionPay and its merchants: made at start, never kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509 import BasicConstraints, CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID
from msgspec import Struct

from protocol.unionpay.certificates import SigningKey

OWNER = "中国银联股份有限公司（模拟）"
"""The owner in the simulated UnionPay's common name."""

_LIFE = timedelta(days=3650)
_EARLIER = timedelta(days=1)
_SERIAL_DIGITS = 10


class Keys(Struct, frozen=True):
    """Whom a simulated UnionPay signs as."""

    unionpay: SigningKey
    stranger: SigningKey
    """says that it is UnionPay, too; forged messages are signed by it"""


def make_keys(at: datetime) -> Keys:
    """New ones."""
    return Keys(make_signing_key(unionpay_name(), at=at), make_signing_key(unionpay_name(), at=at))


def make_signing_key(
    common_name: str, *, at: datetime, issuer: SigningKey | None = None, is_authority: bool = False,
    life: timedelta = _LIFE,
) -> SigningKey:  # fmt: skip
    """A new key with a certificate, signed by `issuer` or by itself. `certId` is its serial, ten
    decimal digits."""
    key = generate_private_key(65537, 2048)
    subject = Name([NameAttribute(NameOID.COMMON_NAME, common_name)])
    signed_by: RSAPrivateKey = issuer.key if issuer else key
    certificate = (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(10 ** (_SERIAL_DIGITS - 1) + secrets.randbelow(9 * 10**9))
        .not_valid_before(at - _EARLIER)
        .not_valid_after(at + life)
        .add_extension(BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signed_by, SHA256())
    )
    return SigningKey(key, certificate)


def unionpay_name() -> str:
    """A common name of the shape that UnionPay's certificates have."""
    return f"041@Z000000@{OWNER}@00000001"


def merchant_name(mer_id: str) -> str:
    """A common name of the shape that merchants' certificates have."""
    return f"041@Z{mer_id}@模拟商户@00000002"


def certificate_pem(signer: SigningKey) -> str:
    """The certificate, with line ends as `signPubKeyCert` has them."""
    pem = signer.certificate.public_bytes(Encoding.PEM).decode("ascii")
    return pem.strip().replace("\n", "\r\n")


def signing_key_pem(signer: SigningKey) -> str:
    """Key and certificate in one file."""
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (key + signer.certificate.public_bytes(Encoding.PEM)).decode("ascii")


def public_key_pem(signer: SigningKey) -> str:
    """The public key alone."""
    public = signer.key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
