"""Sealed bytes that a ledger entry commits to (随凭证承诺的密文): the version of the key (2 bytes),
a salted commitment to what was sealed (32), the ciphertext of salt and plaintext.

An entry commits to the commitment, never to the ciphertext. So what is sealed may be encrypted
with another key, and may be erased: then version 0 and the commitment stay, which say nothing
without the salt, and the entry still holds (ADR 0058). `settlement verify` opens what is there.
"""

from __future__ import annotations

from settlement.keyring import (
    SALT_BYTES,
    ErasedError,
    Keyring,
    UndecipherableError,
    new_salt,
    personal_commitment,
)

_VERSION_BYTES = 2
_COMMITMENT_END = _VERSION_BYTES + 32


def seal_committed(plain: bytes, keyring: Keyring, record: bytes) -> bytes:
    """Seal for a record under a commitment."""
    salt = new_salt()
    return _with(personal_commitment(salt, plain), salt + plain, keyring, record)


def open_committed(sealed: bytes, keyring: Keyring, record: bytes) -> bytes:
    """What was sealed. Raises ErasedError once it was erased, UndecipherableError where it does not
    open or is not what was committed to."""
    return _opened(sealed, keyring, record)[SALT_BYTES:]


def seal_again(sealed: bytes, keyring: Keyring, record: bytes) -> bytes:
    """The same under the present key: the commitment stays. Raises as `open_committed`."""
    return _with(committed_part(sealed), _opened(sealed, keyring, record), keyring, record)


def committed_part(sealed: bytes) -> bytes:
    """What the entry of the row commits to; empty where nothing was sealed."""
    return sealed[_VERSION_BYTES:_COMMITMENT_END]


def erased(sealed: bytes) -> bytes:
    """What stays of sealed bytes once they are erased."""
    return bytes(_VERSION_BYTES) + committed_part(sealed)


def _with(commitment: bytes, salted: bytes, keyring: Keyring, record: bytes) -> bytes:
    version = keyring.version.to_bytes(_VERSION_BYTES, "big")
    return version + commitment + keyring.seal(salted, record)


def _opened(sealed: bytes, keyring: Keyring, record: bytes) -> bytes:
    version = int.from_bytes(sealed[:_VERSION_BYTES], "big")
    if not version and len(sealed) == _COMMITMENT_END:
        raise ErasedError("erased")
    salted = keyring.open(sealed[_COMMITMENT_END:], record, version)
    made = personal_commitment(salted[:SALT_BYTES], salted[SALT_BYTES:])
    if made != committed_part(sealed):
        raise UndecipherableError("not what was committed to")
    return salted
