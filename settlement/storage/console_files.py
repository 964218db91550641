"""Files that people brought to the console, sealed until what they say is booked or they are old.

They are known by their SHA-256, so the same file is there once, and whoever confirms what another
read in confirms the very same. Bank accounts and persons are in them: they are encrypted as they
arrive, piece by piece, and plain only while an errand reads them.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from settlement.keyring import Keyring, UndecipherableError

PIECE_BYTES = 256 * 1024
KEPT_SECONDS = 45 * 86_400
LEFT_SECONDS = 86_400
KEPT_MAX = 400
NAME_MAX = 80
_VERSION_BYTES, _TOKEN_BYTES, _LENGTH_BYTES = 2, 16, 4
_DIGEST = re.compile(r"[0-9a-f]{64}")


class KeptFile(Struct, frozen=True, kw_only=True):
    """A file that is there."""

    digest: str
    name: str
    size_bytes: int
    by: str
    at: datetime


class Shelf:
    """See the module."""

    def __init__(self, directory: Path, keyring: Keyring) -> None:
        self._directory = directory
        self._keyring = keyring

    def receive(self, name: str) -> Arriving:
        """A file begins to arrive."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Arriving(self._directory, self._keyring, plain_name(name))

    def find(self, digest: str) -> KeptFile | None:
        """The file of this digest."""
        if not _DIGEST.fullmatch(digest):
            return None
        try:
            raw = (self._directory / f"{digest}.about").read_bytes()
            plain = self._keyring.open(
                raw[_VERSION_BYTES:], _about(digest), int.from_bytes(raw[:_VERSION_BYTES], "big")
            )
        except (OSError, UndecipherableError):
            return None
        return msgspec.json.decode(plain, type=KeptFile)

    @contextmanager
    def opened(self, kept: KeptFile) -> Iterator[Path]:
        """The plain file under its own name, for as long as it is read. Raises UndecipherableError
        where it is not what it was."""
        with self.scratch() as place:
            self._unseal(kept, place / kept.name)
            yield place / kept.name

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for what is plain, which goes with everything in it; swept where its process
        died."""
        place = self._directory / f"open-{secrets.token_hex(8)}"
        place.mkdir(mode=0o700, parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def put(self, path: Path, by: str, at: datetime) -> KeptFile:
        """A file of our own making, as if somebody had brought it."""
        arriving = self.receive(path.name)
        try:
            with path.open("rb") as plain:
                while piece := plain.read(PIECE_BYTES):
                    arriving.take(piece)
            return arriving.keep(by, at)
        finally:
            arriving.drop()

    def named(self, beginning: str) -> list[KeptFile]:
        """Files whose names begin so, the newest first."""
        digests = [place.stem for place in self._directory.glob("*.about")]
        found = [kept for kept in map(self.find, digests) if kept is not None]
        return sorted(
            (one for one in found if one.name.startswith(beginning)), key=lambda one: one.at,
            reverse=True,
        )  # fmt: skip

    def drop(self, digest: str) -> None:
        """It is not needed any more."""
        if _DIGEST.fullmatch(digest):
            for suffix in ("about", "sealed"):
                (self._directory / f"{digest}.{suffix}").unlink(missing_ok=True)

    def sweep(self, now: datetime) -> None:
        """What is old goes, and what was left by a process that died."""
        for left in (*self._directory.glob("open-*"), *self._directory.glob("*.partial")):
            if now.timestamp() - left.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        files = sorted(self._directory.glob("*.about"), key=lambda one: one.stat().st_mtime)
        old = [one for one in files if now.timestamp() - one.stat().st_mtime > KEPT_SECONDS]
        for one in {*old, *files[: max(len(files) - KEPT_MAX, 0)]}:
            self.drop(one.stem)

    def _unseal(self, kept: KeptFile, target: Path) -> None:
        running, number = sha256(), 0
        opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        source = self._directory / f"{kept.digest}.sealed"
        with open(opened, "wb") as plain, source.open("rb") as sealed:
            version = int.from_bytes(sealed.read(_VERSION_BYTES), "big")
            token = sealed.read(_TOKEN_BYTES)
            while length := sealed.read(_LENGTH_BYTES):
                piece = sealed.read(int.from_bytes(length, "big"))
                data = self._keyring.open(piece, _piece(token, number), version)
                running.update(data)
                plain.write(data)
                number += 1
        if running.hexdigest() != kept.digest:
            raise UndecipherableError(f"{kept.name} is not whole")


class Arriving:
    """A file that is being written; it is on the shelf once it is whole."""

    def __init__(self, directory: Path, keyring: Keyring, name: str) -> None:
        self._directory = directory
        self._keyring = keyring
        self._name = name
        self._token = secrets.token_bytes(_TOKEN_BYTES)
        self._partial = directory / f"{self._token.hex()}.partial"
        self._running = sha256()
        self._waiting = bytearray()
        self._pieces = 0
        self.size_bytes = 0
        self._file: IO[bytes] = open(  # noqa: SIM115 - closed by `keep` or `drop`
            os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        )
        self._file.write(keyring.version.to_bytes(_VERSION_BYTES, "big") + self._token)

    def take(self, data: bytes) -> None:
        """The next bytes."""
        self._running.update(data)
        self.size_bytes += len(data)
        self._waiting += data
        while len(self._waiting) >= PIECE_BYTES:
            self._put(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]

    def keep(self, by: str, at: datetime) -> KeptFile:
        """All of it is here: it stays, under its digest."""
        if self._waiting:
            self._put(bytes(self._waiting))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._running.hexdigest()
        kept = KeptFile(
            digest=digest, name=self._name, size_bytes=self.size_bytes, by=by, at=at
        )
        self._partial.replace(self._directory / f"{digest}.sealed")
        sealed = self._keyring.seal(msgspec.json.encode(kept), _about(digest))
        about = self._directory / f"{digest}.about"
        about.write_bytes(self._keyring.version.to_bytes(_VERSION_BYTES, "big") + sealed)
        return kept

    def drop(self) -> None:
        """It is not wanted; harmless once it is kept."""
        self._file.close()
        with suppress(FileNotFoundError):
            self._partial.unlink()

    def _put(self, piece: bytes) -> None:
        sealed = self._keyring.seal(piece, _piece(self._token, self._pieces))
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._pieces += 1


def plain_name(told: str) -> str:
    """What a browser calls a file, without what could be a path."""
    last = re.split(r"[/\\]", told)[-1]
    return re.sub(r"[^\w.\-]", "_", last).lstrip(".")[-NAME_MAX:] or "file"


def _piece(token: bytes, number: int) -> bytes:
    return b"console file/%b/%d" % (token, number)


def _about(digest: str) -> bytes:
    return f"console file/{digest}".encode()
