"""The file of the keys that sign seals (封存签名密钥).

JSON, mode 0600, among the secrets of the data directory; `SETTLEMENT_SEAL_KEY_FILE` names another.
The newest key signs; of those before it only what checks is kept, so that old seals can still be
checked.
"""

from __future__ import annotations

import os
import secrets as chance
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from protocol.nhsa.gm import SM2_ORDER
from settlement.books.seal_keys import Algorithm, PublicKey, SigningKey
from settlement.storage.keyfile import KeyFileError

VARIABLE = "SETTLEMENT_SEAL_KEY_FILE"
FILE_NAME = "seal-keys.json"


class PastKey(Struct, frozen=True, kw_only=True):
    """A key that signs no more."""

    key: PublicKey
    until: datetime


class SealKeys(Struct, frozen=True, kw_only=True):
    """What is in the file."""

    signing: SigningKey
    since: datetime
    past: tuple[PastKey, ...] = ()


def seal_key_file(secrets: Path, environment: Mapping[str, str]) -> Path:
    """Where the keys are."""
    named = environment.get(VARIABLE)
    return Path(named) if named else secrets / FILE_NAME


def load_seal_keys(path: Path) -> SealKeys | None:
    """The keys of a file, None where there is none. KeyFileError for what cannot be used."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SealKeys)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as exc:
        raise KeyFileError(f"the file of seal keys {path} cannot be used: {exc}") from exc


def make_seal_key(path: Path, algorithm: Algorithm, at: datetime) -> SealKeys:
    """A new key, which signs from now on; the one before it checks what it signed. The file is
    replaced as a whole."""
    before = load_seal_keys(path)
    past = () if before is None else (
        *before.past, PastKey(key=before.signing.public, until=at)
    )  # fmt: skip
    made = SealKeys(
        signing=SigningKey(algorithm=algorithm, private=_number(algorithm)), since=at, past=past
    )
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(made)))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as exc:
        raise KeyFileError(f"the file of seal keys {path} cannot be made: {exc}") from exc
    return made


def _number(algorithm: Algorithm) -> str:
    if algorithm is Algorithm.SM2:
        return f"{1 + chance.randbelow(SM2_ORDER - 2):064x}"
    return chance.token_bytes(32).hex()
