"""Files that wait for their import, sealed piece by piece in a directory of their own.

A file of a city does not fit into memory, and it is full of names: it is encrypted as it arrives.
The digest of the whole and the number of a piece are bound to each, so that pieces cannot be
exchanged. A file begins with the version of the key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from settlement.keyring import Keyring, UndecipherableError

PIECE_BYTES = 256 * 1024
_VERSION_BYTES = 2
_LENGTH_BYTES = 4


def spool_directory(data_dir: Path) -> Path:
    """Where they lie, readable by nobody else."""
    directory = data_dir / "imports"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def sealed_file(directory: Path, job_no: int) -> Path:
    """The file of a job."""
    return directory / f"{job_no}.sealed"


class SealedFile:
    """A file that is being written; it has its name once it is whole."""

    def __init__(self, directory: Path, job_no: int, digest: str, keyring: Keyring) -> None:
        self._directory = directory
        self._partial = directory / f"{job_no}.partial"
        self._digest = digest
        self._keyring = keyring
        self._running = sha256()
        self._waiting = bytearray()
        self._pieces = 0
        self._file: IO[bytes] = open(  # noqa: SIM115 - closed by `finish` or `drop`
            os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        )
        self._file.write(keyring.version.to_bytes(_VERSION_BYTES, "big"))
        self.size_bytes = 0

    def take(self, data: bytes) -> None:
        """The next bytes."""
        self._running.update(data)
        self.size_bytes += len(data)
        self._waiting += data
        while len(self._waiting) >= PIECE_BYTES:
            self._put(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]

    def finish(self) -> bool:
        """All of it is on the disk; False where it is not the file that was announced."""
        if self._waiting:
            self._put(bytes(self._waiting))
            self._waiting.clear()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._running.hexdigest() == self._digest

    def keep(self, job_no: int) -> None:
        """It is the file of this job from now on."""
        self._partial.replace(sealed_file(self._directory, job_no))

    def drop(self) -> None:
        """It is not wanted; harmless once it is kept."""
        self._file.close()
        with suppress(FileNotFoundError):
            self._partial.unlink()

    def _put(self, piece: bytes) -> None:
        sealed = self._keyring.seal(piece, _record(self._digest, self._pieces))
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._pieces += 1


def unseal(source: Path, digest: str, keyring: Keyring, target: Path) -> None:
    """Write the plain file, for nobody else to read. Raises UndecipherableError."""
    running, number = sha256(), 0
    opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with source.open("rb") as sealed, open(opened, "wb") as plain:
        version = int.from_bytes(sealed.read(_VERSION_BYTES), "big")
        while length := sealed.read(_LENGTH_BYTES):
            piece = sealed.read(int.from_bytes(length, "big"))
            data = keyring.open(piece, _record(digest, number), version)
            running.update(data)
            plain.write(data)
            number += 1
    if running.hexdigest() != digest:
        raise UndecipherableError(f"{source.name} is not whole")


def _record(digest: str, number: int) -> bytes:
    return f"import/{digest}/{number}".encode()
