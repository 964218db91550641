"""Keys for personal data: encryption at rest, keyed-hash lookup, salted commitments.

Each key has a version, stored beside what it protects, so that keys can be changed without a stop.
AES-256-GCM with a random nonce; the record's own identity is the associated data, so a ciphertext
cannot be moved to another row. Knows no files: settlement/embedded and the command line load them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct


class LookupKind(IntEnum):
    """What a lookup key is the hash of."""

    CERTIFICATE = 1
    CARD = 2
    TOKEN = 3
    NAME = 4
    """of a name; several persons may have it, so a key is longer (settlement/person_keys.py)"""


_NONCE_BYTES = 12
_BLOCK_BYTES = 64
_INNER, _OUTER = bytes(n ^ 0x36 for n in range(256)), bytes(n ^ 0x5C for n in range(256))
"""The pads of HMAC (RFC 2104)."""
SALT_BYTES = 16


class UndecipherableError(Exception):
    """A stored ciphertext does not open with the key it names: damaged, moved or the wrong key."""


class ErasedError(UndecipherableError):
    """What is asked for was erased, as its time had come (settlement/people/personal_data.py)."""


class KeyMaterial(Struct, frozen=True, kw_only=True):
    """The secrets of one key version, 32 bytes each."""

    version: int
    encryption: bytes
    lookup: bytes
    in_use: bool = True
    """False: it is known, and nothing is written with it yet"""


def new_material(version: int) -> KeyMaterial:
    """Fresh random keys."""
    return KeyMaterial(version=version, encryption=os.urandom(32), lookup=os.urandom(32))


class Keyring:
    """All key versions; new data is encrypted with the highest that is in use, looked up with the
    lowest. `renew` changes them while the process works."""

    def __init__(self, materials: tuple[KeyMaterial, ...]) -> None:
        self.asked_anew: Callable[[], bool] = _nothing_new
        """looks whether there are other keys by now, and has them taken; True where there are"""
        self.renew(materials)
        # Digests stay comparable for years, so they are made with the oldest key and never change.
        oldest = min(materials, key=lambda m: m.version)
        short = len(oldest.lookup) <= _BLOCK_BYTES
        secret = oldest.lookup if short else sha256(oldest.lookup).digest()
        padded = secret.ljust(_BLOCK_BYTES, b"\0")
        self._inner, self._outer = padded.translate(_INNER), padded.translate(_OUTER)
        self.digest_key = sha256(b"digest" + oldest.lookup).digest()
        """keys the hashes that let equal claims be found (settlement/keys.py)"""
        self.step_key = sha256(b"step" + oldest.lookup).digest()
        """keys the digests of the steps of payments (settlement/payments/payment_rows.py)"""
        self.sheet_key = sha256(b"sheet" + oldest.lookup).digest()
        """keys the verification codes of settlement sheets (books/settlement_sheet.py)"""

    def renew(self, materials: tuple[KeyMaterial, ...]) -> None:
        """Have these keys from now on; those for looking up stay as they were at first."""
        writing = [m for m in materials if m.in_use]
        if not writing:
            raise ValueError("a keyring needs at least one key")
        ciphers = {m.version: AESGCM(m.encryption) for m in materials}
        self._ciphers = ciphers
        self.version = max(m.version for m in writing)
        self._encrypt = ciphers[self.version].encrypt

    @property
    def versions(self) -> frozenset[int]:
        """All that can be read."""
        return frozenset(self._ciphers)

    def seal(self, plaintext: bytes, record: bytes) -> bytes:
        """Encrypt for a record: nonce and ciphertext."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._encrypt(nonce, plaintext, record)

    def seal_all(self, records: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """`seal` for many plaintexts, each with its record, asking for chance once."""
        chance, encrypt = os.urandom(_NONCE_BYTES * len(records)), self._encrypt
        nonces = (chance[at : at + _NONCE_BYTES] for at in range(0, len(chance), _NONCE_BYTES))
        return [
            nonce + encrypt(nonce, plaintext, record)
            for nonce, (plaintext, record) in zip(nonces, records, strict=True)
        ]

    def open(self, sealed: bytes, record: bytes, version: int) -> bytes:
        """Decrypt what `seal` made for the same record."""
        if version not in self._ciphers:
            self.asked_anew()
        try:
            cipher = self._ciphers[version]
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], record)
        except (KeyError, InvalidTag) as exc:
            raise UndecipherableError(f"key version {version}") from exc

    def lookup_key(self, kind: LookupKind, text: str) -> bytes:
        """The keyed hash under which a certificate, card or token is looked up: 16 bytes of
        HMAC-SHA-256. It is spelt out: to prepare the library's takes twice as long as to hash."""
        inner = sha256(self._inner + b"%d\n%b" % (kind, text.encode())).digest()
        return sha256(self._outer + inner).digest()[:16]


def _nothing_new() -> bool:
    return False


def new_salt() -> bytes:
    """A fresh salt for one commitment."""
    return os.urandom(SALT_BYTES)


def personal_commitment(salt: bytes, plaintext: bytes) -> bytes:
    """The salted commitment to personal data: 32 bytes that say nothing once the salt is gone."""
    return sha256(b"\x04" + salt + plaintext).digest()
