"""The key file: the keys that protect personal data, outside the database.

JSON, mode 0600, one entry a key version. `SETTLEMENT_KEY_FILE` names it; without that it lies
among the secrets of the data directory and is made at first start. Whoever loses it loses every
name in the database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from settlement.keyring import KeyMaterial, Keyring, new_material

KEY_FILE_VARIABLE = "SETTLEMENT_KEY_FILE"
FILE_NAME = "keys.json"


class KeyFileError(Exception):
    """The key file is not there, not private or not readable; the text says what to do."""


def key_file(secrets: Path, environment: Mapping[str, str]) -> Path:
    """Where the key file is."""
    named = environment.get(KEY_FILE_VARIABLE)
    return Path(named) if named else secrets / FILE_NAME


def load_keyring(path: Path) -> Keyring:
    """The keys of a file."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=tuple[KeyMaterial, ...])
        return Keyring(found)
    except FileNotFoundError as exc:
        raise KeyFileError(f"there is no key file {path}; names cannot be read without it") from exc
    except (OSError, msgspec.DecodeError, ValueError) as exc:
        raise KeyFileError(f"the key file {path} cannot be used: {exc}") from exc


def make_key_file(path: Path) -> None:
    """A new key file with one fresh key, or none at all; an existing one is never touched."""
    content = msgspec.json.format(msgspec.json.encode([new_material(1)]))
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(partial)
        partial.unlink()
    except OSError as exc:
        raise KeyFileError(f"the key file {path} cannot be made: {exc}") from exc
