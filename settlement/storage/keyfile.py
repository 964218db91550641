"""The key file: the keys that protect personal data, outside the database.

JSON, mode 0600, one entry a key version. `SETTLEMENT_KEY_FILE` names it; without that it lies
among the secrets of the data directory and is made at first start. Whoever loses it loses every
name in the database.
"""

from __future__ import annotations

import logging
import os
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from pathlib import Path

import msgspec

from settlement.embedded.files import sync_directory
from settlement.keyring import KeyMaterial, Keyring, new_material

logger = logging.getLogger("settlement.keys")
FOLLOW_SECONDS = 0.5
"""How often a process looks whether there are other keys."""
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
        return Keyring(read_materials(path))
    except ValueError as exc:
        raise KeyFileError(f"the key file {path} cannot be used: {exc}") from exc


class KeyFile:
    """A key file that is followed: whoever has its keyring has the keys that are in it now."""

    def __init__(self, path: Path) -> None:
        """Raises KeyFileError."""
        self.keyring = load_keyring(path)
        self.keyring.asked_anew = self._look
        self._path = path
        self._seen = _stamp(path)

    def follow(self, loop: AbstractEventLoop) -> Keyring:
        """Look every second for as long as the loop runs."""
        self._look()
        loop.call_later(FOLLOW_SECONDS, self.follow, loop)
        return self.keyring

    def _look(self) -> bool:
        """What cannot be used leaves the keys as they are, and says so each time it changes."""
        seen = _stamp(self._path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self.keyring.renew(read_materials(self._path))
        except (KeyFileError, ValueError) as exc:
            logger.warning(
                "the key file cannot be used", extra={"event": "keys.reload.failed",
                                                      "reason": str(exc)},
            )  # fmt: skip
            return False
        logger.info(
            "keys were loaded anew",
            extra={"event": "keys.reload.completed", "version": self.keyring.version},
        )
        return True


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def read_materials(path: Path) -> tuple[KeyMaterial, ...]:
    """What is in a key file. Raises KeyFileError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[KeyMaterial, ...])
    except FileNotFoundError as exc:
        raise KeyFileError(f"there is no key file {path}; names cannot be read without it") from exc
    except (OSError, msgspec.DecodeError) as exc:
        raise KeyFileError(f"the key file {path} cannot be used: {exc}") from exc


def replace_materials(path: Path, materials: tuple[KeyMaterial, ...]) -> None:
    """The file with these keys in the place of the one that is there, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        owner = path.stat()
        _write_private(partial, materials)
        os.chown(partial, owner.st_uid, owner.st_gid)
        partial.replace(path)
        sync_directory(path.parent)
    except OSError as exc:
        raise KeyFileError(f"the key file {path} cannot be changed: {exc}") from exc


def _write_private(partial: Path, materials: tuple[KeyMaterial, ...]) -> None:
    content = msgspec.json.format(msgspec.json.encode(materials))
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_key_file(path: Path) -> None:
    """A new key file with one fresh key, or none at all; an existing one is never touched."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        _write_private(partial, (new_material(1),))
        path.hardlink_to(partial)
        partial.unlink()
    except OSError as exc:
        raise KeyFileError(f"the key file {path} cannot be made: {exc}") from exc
