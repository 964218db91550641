"""National cryptography (国密): SM3 digests, SM2 signatures, SM4 ciphers, and their encodings.

GB/T 32905, 32918 and 32907, with the user id of GB/T 35276. SM3 and SM4 come from `cryptography`,
SM2 from `libcrypto`. What is signed or encrypted, and who must, is decided elsewhere.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, GCM
from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from protocol.nhsa.libcrypto import Sm2Key

DEFAULT_USER_ID = b"1234567812345678"
SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
SM4_KEY_BYTES = 16
USER_ID_BYTES_MAX = 8_191
"""Its length in bits is written in two bytes."""

_HALF = 32
# GB/T 32918.5: a, b, x and y of the base point.
_CURVE = bytes.fromhex(
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
_SPKI_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_PKCS8_HEAD = bytes.fromhex(
    "3041020100301306072a8648ce3d020106082a811ccf5501822d04273025020101" "0420"
)


class UndecipherableTextError(Exception):
    """Not a ciphertext under this key and mode. Deliberately says no more."""


def sm3(data: bytes) -> bytes:
    """The digest: 32 bytes."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def hmac_sm3(key: bytes, data: bytes) -> bytes:
    """HMAC over SM3: 32 bytes."""
    mac = HMAC(key, SM3())
    mac.update(data)
    return mac.finalize()


class Sm2PublicKey:
    """Verifies. `point` is 04 ‖ x ‖ y."""

    __slots__ = ("_key", "_known", "point")

    def __init__(self, point: bytes) -> None:
        """Raises ValueError for a point that is not on the curve."""
        if len(point) != 1 + 2 * _HALF or point[0] != 4:
            raise ValueError("an SM2 public key is a point of 65 bytes that begins with 04")
        self._key = Sm2Key(_SPKI_HEAD + point)
        self._known = (b"", b"")
        self.point = point

    @classmethod
    def parse(cls, text: str) -> Sm2PublicKey:
        """Of PEM, or of hex or Base64 of the point (with or without 04) or of its DER."""
        data = _key_bytes(text)
        if len(data) == 2 * _HALF:
            return cls(b"\x04" + data)
        if len(data) == 1 + 2 * _HALF:
            return cls(data)
        if not data.startswith(_SPKI_HEAD):
            raise ValueError("not an SM2 public key: PEM, hex or Base64 of an uncompressed point")
        return cls(data[len(_SPKI_HEAD) :])

    def verify(
        self, message: bytes, signature: bytes, user_id: bytes = DEFAULT_USER_ID
    ) -> bool:
        """Whether a signature r ‖ s of 64 bytes is this key's for the message and the user id."""
        if len(signature) != 2 * _HALF:
            return False
        return self._key.verify(self.digest(message, user_id), der_signature(signature))

    def digest(self, message: bytes, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """e = SM3(Z ‖ M), where Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ G ‖ P) binds key and user id."""
        for_id, z = self._known
        if not z or for_id != user_id:
            if len(user_id) > USER_ID_BYTES_MAX:
                raise ValueError("the user id is too long")
            length = (8 * len(user_id)).to_bytes(2, "big")
            z = sm3(length + user_id + _CURVE + self.point[1:])
            # One pair, replaced as a whole: another thread sees the old one or the new one.
            self._known = (user_id, z)
        return sm3(z + message)


class Sm2PrivateKey:
    """Signs."""

    __slots__ = ("_key", "public")

    def __init__(self, der: bytes) -> None:
        """Of PKCS #8 or SEC 1; ValueError otherwise."""
        self._key = Sm2Key(der, private=True)
        self.public = Sm2PublicKey(self._key.public_der()[len(_SPKI_HEAD) :])

    @classmethod
    def of_number(cls, number: int) -> Sm2PrivateKey:
        """Of the number d, from 1 to n - 2."""
        if not 1 <= number <= SM2_ORDER - 2:
            raise ValueError("an SM2 private key is a number from 1 to n - 2")
        return cls(_PKCS8_HEAD + number.to_bytes(_HALF, "big"))

    @classmethod
    def parse(cls, text: str) -> Sm2PrivateKey:
        """Of PEM (not encrypted), or of hex or Base64 of the number or of its DER."""
        data = _key_bytes(text)
        if len(data) == _HALF:
            return cls.of_number(int.from_bytes(data, "big"))
        return cls(data)

    def sign(self, message: bytes, user_id: bytes = DEFAULT_USER_ID) -> bytes:
        """A signature r ‖ s of 64 bytes."""
        raw = raw_signature(self._key.sign(self.public.digest(message, user_id)))
        if raw is None:
            raise RuntimeError("the library made a signature that is not DER")
        return raw


def der_signature(raw: bytes) -> bytes:
    """r ‖ s as a DER sequence of two integers."""
    r, s = int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big")
    return encode_dss_signature(r, s)


def raw_signature(der: bytes) -> bytes | None:
    """The sequence as r ‖ s; None for anything but the one DER encoding of two such numbers."""
    try:
        r, s = decode_dss_signature(der)
        raw = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    except (ValueError, OverflowError):
        return None
    return raw if encode_dss_signature(r, s) == der else None


def signature_in(text: str) -> bytes | None:
    """r ‖ s of a signature as text: Base64 of r ‖ s or of DER, or hex of r ‖ s; else None.

    One spelling only of each: no blanks, no missing padding, no bits that are not used.
    """
    if len(text) == 4 * _HALF:
        return _hex(text)
    data = _base64(text)
    if data is None or len(data) == 2 * _HALF:
        return data
    return raw_signature(data)


def signature_text(raw: bytes) -> str:
    """Base64 of r ‖ s."""
    return b64encode(raw).decode()


class Sm4Mode(StrEnum):
    """How blocks are chained. CBC and GCM have their random start in front of the ciphertext."""

    ECB = "ecb"
    CBC = "cbc"
    GCM = "gcm"


_CBC_START = 16
_GCM_START = 12
_GCM_TAG = 16


def sm4_key(text: str) -> bytes:
    """A key of 16 bytes of its 32 hex digits, its Base64, or 16 characters as they are."""
    text = text.strip()
    data = text.encode() if len(text) == SM4_KEY_BYTES else _key_bytes(text)
    if len(data) != SM4_KEY_BYTES:
        raise ValueError("an SM4 key has 16 bytes: 32 hex digits, Base64, or 16 characters")
    return data


def sm4_encrypt(key: bytes, plaintext: bytes, mode: Sm4Mode) -> bytes:
    """The ciphertext; ECB and CBC pad as PKCS #7 does, GCM ends with its tag."""
    if mode is Sm4Mode.GCM:
        start = os.urandom(_GCM_START)
        gcm = Cipher(SM4(key), GCM(start)).encryptor()
        return start + gcm.update(plaintext) + gcm.finalize() + gcm.tag
    padder = PKCS7(128).padder()
    padded = padder.update(plaintext) + padder.finalize()
    if mode is Sm4Mode.CBC:
        start = os.urandom(_CBC_START)
        cbc = Cipher(SM4(key), CBC(start)).encryptor()
        return start + cbc.update(padded) + cbc.finalize()
    # ECB is what mobile payments define; a region that can choose takes GCM.
    ecb = Cipher(SM4(key), ECB()).encryptor()  # noqa: S305 - as above
    return ecb.update(padded) + ecb.finalize()


def sm4_decrypt(key: bytes, ciphertext: bytes, mode: Sm4Mode) -> bytes:
    """What `sm4_encrypt` made; UndecipherableTextError for anything else that can be told."""
    try:
        if mode is Sm4Mode.GCM:
            start, body = ciphertext[:_GCM_START], ciphertext[_GCM_START:-_GCM_TAG]
            gcm = Cipher(SM4(key), GCM(start, ciphertext[-_GCM_TAG:])).decryptor()
            return gcm.update(body) + gcm.finalize()
        if mode is Sm4Mode.CBC:
            start, ciphertext = ciphertext[:_CBC_START], ciphertext[_CBC_START:]
            blocks = Cipher(SM4(key), CBC(start)).decryptor()
        else:
            blocks = Cipher(SM4(key), ECB()).decryptor()  # noqa: S305 - what a sender defined
        unpadder = PKCS7(128).unpadder()
        padded = blocks.update(ciphertext) + blocks.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except (ValueError, InvalidTag) as exc:
        raise UndecipherableTextError from exc


def _key_bytes(text: str) -> bytes:
    """What a key's text stands for: PEM, hex or Base64."""
    text = text.strip()
    if text.startswith("-----BEGIN "):
        lines = text.splitlines()
        text = "".join(line.strip() for line in lines if not line.startswith("-----"))
    data = _hex(text) or _base64(text)
    if data is None:
        raise ValueError("a key is PEM, hex or Base64")
    return data


def _hex(text: str) -> bytes | None:
    try:
        # bytes.fromhex takes blanks, which no key or signature has.
        return bytes.fromhex(text) if text.isalnum() else None
    except ValueError:
        return None


def _base64(text: str) -> bytes | None:
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if b64encode(data).decode() == text else None
