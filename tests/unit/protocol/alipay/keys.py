"""Key pairs of a test run: made once, never written into the tree."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID


@cache
def rsa_key(_of_whom: str) -> RSAPrivateKey:
    """A party's own key."""
    return generate_private_key(65_537, 2_048)


def private_pem(of_whom: str, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    """As a file of the merchant's."""
    return rsa_key(of_whom).private_bytes(Encoding.PEM, form, NoEncryption())


def public_pem(of_whom: str) -> bytes:
    """As the other side gets it."""
    return rsa_key(of_whom).public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )


def bare(pem: bytes) -> bytes:
    """Without the frame of PEM: how Alipay's console shows a key."""
    return b"".join(pem.split(b"\n")[1:-2])


def certificate_pem(of_whom: str, *, number: int = 4_711, elliptic: bool = False) -> bytes:
    """A certificate for a party's key, issued by a made-up authority."""
    issuer_key = ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa_key("authority")
    return (
        x509.CertificateBuilder()
        .subject_name(_name(of_whom))
        .issuer_name(_name("Synthetic Authority"))
        .public_key(rsa_key(of_whom).public_key())
        .serial_number(number)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(issuer_key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Nobody"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
