"""Keys of the simulated WeChat and of its merchants, made when they are asked for, kept nowhere."""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from protocol.wechat.certificates import Certificates, PlatformCertificate
from protocol.wechat.sealing import seal
from protocol.wechat.signing import (
    PUBLIC_KEY_ID_PREFIX,
    SigningKey,
    VerifyingKey,
    answer_headers,
)
from settlement.clock import CHINA, Clock

KEY_BITS = 2048
CERTIFICATE_LIFE = timedelta(days=1_825)


class SimMerchant:
    """A merchant as WeChat's console would show it to its owner."""

    def __init__(self, mchid: str, appid: str) -> None:
        self.mchid = mchid
        self.appid = appid
        self.serial = secrets.token_hex(20).upper()
        self.private_key_pem = _private_pem()
        self.signing = SigningKey(self.private_key_pem)
        self.public_key = VerifyingKey(_public_pem(self.signing))
        self.apiv3_key = secrets.token_hex(16)
        self.apiv2_key = secrets.token_hex(16)
        self.app_secret = secrets.token_hex(16)


class Platform:
    """WeChat's own key: as a public key with an id, and as a certificate with a serial."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.signing = SigningKey(_private_pem())
        self.public_key_pem = _public_pem(self.signing)
        self.public_key_id = f"{PUBLIC_KEY_ID_PREFIX}{secrets.randbelow(10**26):026d}"
        self.certificate = self._certificate()
        self.serial = f"{self.certificate.serial_number:X}"

    def headers(self, body: bytes, *, wanted: str, at: int) -> dict[str, str]:
        """The signature's headers; `wanted` is the key that the caller named, if it named one."""
        serial = self.public_key_id if wanted == self.public_key_id else self.serial
        nonce = secrets.token_hex(16)
        return answer_headers(self.signing, serial, at=at, nonce=nonce, body=body)

    def certificates(self, apiv3_key: str) -> bytes:
        """What /v3/certificates answers."""
        one = self.certificate
        pem = one.public_bytes(serialization.Encoding.PEM)
        sealed = seal(
            apiv3_key.encode(), pem, nonce=secrets.token_hex(6), about="certificate"
        )
        return msgspec.json.encode(
            Certificates(
                data=(
                    PlatformCertificate(
                        serial_no=self.serial, encrypt_certificate=sealed,
                        effective_time=one.not_valid_before_utc.astimezone(CHINA).isoformat(),
                        expire_time=one.not_valid_after_utc.astimezone(CHINA).isoformat(),
                    ),
                )
            )
        )  # fmt: skip

    def _certificate(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated WeChat Pay")])
        begin = self._clock() - timedelta(days=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.signing.rsa.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + CERTIFICATE_LIFE)
        )
        return builder.sign(self.signing.rsa, SHA256())


def _private_pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip


def _public_pem(key: SigningKey) -> bytes:
    return key.rsa.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
