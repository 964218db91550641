"""What WeChat encrypts: notifications and certificates under the APIv3 key, names under RSA.

AEAD_AES_256_GCM with the 16-byte tag at the end of the ciphertext; RSA OAEP with SHA-1. The
refund notification of v2 is AES-256-ECB under the MD5 of its key.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.padding import PKCS7
from msgspec import Struct

ALGORITHM = "AEAD_AES_256_GCM"
APIV3_KEY_BYTES = 32


class UndecipherableError(Exception):
    """Not encrypted under this key. Deliberately says no more."""


class Sealed(Struct, frozen=True, kw_only=True):
    """An encrypted resource of a notification, or a certificate."""

    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""
    original_type: str = ""


def seal(key: bytes, content: bytes, *, nonce: str, about: str, original_type: str = "") -> Sealed:
    """`nonce` has twelve ASCII characters."""
    ciphertext = AESGCM(key).encrypt(nonce.encode(), content, about.encode())
    return Sealed(
        algorithm=ALGORITHM, ciphertext=b64encode(ciphertext).decode(), nonce=nonce,
        associated_data=about, original_type=original_type,
    )  # fmt: skip


def unseal(key: bytes, sealed: Sealed) -> bytes:
    """Raises UndecipherableError."""
    if sealed.algorithm != ALGORITHM:
        raise UndecipherableError
    try:
        ciphertext = b64decode(sealed.ciphertext, validate=True)
        nonce, about = sealed.nonce.encode(), sealed.associated_data.encode()
        return AESGCM(key).decrypt(nonce, ciphertext, about)
    except (InvalidTag, ValueError) as exc:
        raise UndecipherableError from exc


def encrypt_field(key: RSAPublicKey, text: str) -> str:
    """A name or a digest under the platform's key."""
    return b64encode(key.encrypt(text.encode(), _OAEP)).decode()


def decrypt_field(key: RSAPrivateKey, text: str) -> str:
    """Raises UndecipherableError."""
    try:
        return key.decrypt(b64decode(text, validate=True), _OAEP).decode()
    except ValueError as exc:
        raise UndecipherableError from exc


def seal_v2(key: str, content: bytes) -> str:
    """`req_info` of a refund notification of v2."""
    padder = PKCS7(128).padder()
    encryptor = _v2_cipher(key).encryptor()
    padded = padder.update(content) + padder.finalize()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unseal_v2(key: str, text: str) -> bytes:
    """Raises UndecipherableError."""
    try:
        decryptor, unpadder = _v2_cipher(key).decryptor(), PKCS7(128).unpadder()
        padded = decryptor.update(b64decode(text, validate=True)) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as exc:
        raise UndecipherableError from exc


def _v2_cipher(key: str) -> Cipher[ECB]:
    # Mode and digest are what v2 defines; a merchant of v3 never comes here.
    digest = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    return Cipher(AES(digest.encode()), ECB())  # noqa: S305 - what v2 defines


_SHA1 = SHA1()  # noqa: S303 - what WeChat defines for OAEP, which needs no collision resistance
_OAEP = OAEP(mgf=MGF1(algorithm=_SHA1), algorithm=_SHA1, label=None)
