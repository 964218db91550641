"""A store of backups as a folder.

    STORE/
      SETTLEMENT_BACKUP    whose it is
      lock                 held by whoever adds a base backup or a mark
      base/NAME/           base.tar.gz, pg_wal.tar.gz, backup_manifest, manifest.json
      wal/                 what PostgreSQL archives, one compressed file a segment
      marks/NAME.json      ends of the chains, and what came since the mark before

What is half made has the ending `.partial` and counts for nothing. The folder `wal` belongs to the
user who runs PostgreSQL.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from settlement.backups import FORMAT, Manifest, Mark, Origin, backup_name
from settlement.embedded.errors import ServiceError, explained
from settlement.embedded.files import sync_directory, write_durably
from settlement.embedded.identity import ServiceUser
from settlement.wal_names import is_segment

MARKER = "SETTLEMENT_BACKUP"
MANIFEST = "manifest.json"
PARTIAL = ".partial"
WAL_SUFFIX = ".gz"
_LONG_HEADER = struct.Struct("<HHIQI4xQII")
"""The first bytes of a segment: magic, flags, timeline, address, rest, system, two sizes."""

Kept = TypeVar("Kept", bound=Struct)


class Marker(Struct, frozen=True, kw_only=True):
    """Whose store it is."""

    format: int
    origin: Origin


class Store:
    """An opened store."""

    def __init__(self, path: Path, origin: Origin) -> None:
        self.path = path
        self.origin = origin

    @property
    def wal(self) -> Path:
        """Where PostgreSQL's archive is."""
        return self.path / "wal"

    @property
    def bases(self) -> Path:
        """Where base backups are."""
        return self.path / "base"

    @property
    def marks_folder(self) -> Path:
        """Where marks are."""
        return self.path / "marks"

    def manifests(self) -> list[Manifest]:
        """All base backups that are whole, oldest first."""
        folders = sorted(self.bases.iterdir()) if self.bases.exists() else []
        return [
            _read(folder / MANIFEST, Manifest)
            for folder in folders
            if not folder.name.endswith(PARTIAL)
        ]

    def marks(self) -> list[Mark]:
        """All marks, oldest first."""
        return [_read(path, Mark) for path in self._mark_files()]

    def newest_mark(self) -> Mark | None:
        """The last one."""
        files = self._mark_files()
        return _read(files[-1], Mark) if files else None

    def segments(self) -> list[str]:
        """The segments in the archive, by name."""
        names = (path.name for path in self.wal.glob(f"*{WAL_SUFFIX}"))
        return sorted(
            name.removesuffix(WAL_SUFFIX)
            for name in names
            if is_segment(name.removesuffix(WAL_SUFFIX))
        )

    def keep_mark(self, mark: Mark) -> None:
        """Add a mark."""
        name = f"{backup_name(mark.at)}.json"
        write_durably(self.marks_folder / name, msgspec.json.encode(mark).decode() + "\n")

    def drop_mark(self, mark: Mark) -> None:
        """Remove one."""
        (self.marks_folder / f"{backup_name(mark.at)}.json").unlink()

    def keep_base(self, folder: Path, manifest: Manifest) -> None:
        """A base backup is whole: from now on it counts."""
        text = msgspec.json.format(msgspec.json.encode(manifest)).decode()
        write_durably(folder / MANIFEST, text + "\n")
        folder.rename(self.bases / manifest.name)
        sync_directory(self.bases)

    def drop_base(self, manifest: Manifest) -> None:
        """Remove a base backup; first it stops counting."""
        folder = self.bases / manifest.name
        going = folder.with_name(folder.name + PARTIAL)
        folder.rename(going)
        shutil.rmtree(going)

    def wal_system(self, segment: str) -> str:
        """Which server wrote a segment."""
        try:
            with gzip.open(self.wal / f"{segment}{WAL_SUFFIX}") as file:
                fields = _LONG_HEADER.unpack(file.read(_LONG_HEADER.size))
        except (OSError, EOFError, struct.error) as exc:
            raise ServiceError(f"the WAL {segment} in the archive is damaged: {exc}.") from exc
        return str(fields[5])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one who adds something. ServiceError where somebody else does."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(descriptor)
            raise ServiceError(
                f"another backup into {self.path} is under way; wait for its end."
            ) from exc
        try:
            yield
        finally:
            os.close(descriptor)

    def _mark_files(self) -> list[Path]:
        return sorted(self.marks_folder.glob("*.json"))


def open_store(path: Path) -> Store:
    """A store that is there. Raises ServiceError."""
    resolved = path.expanduser().resolve()
    if not (resolved / MARKER).exists():
        raise ServiceError(
            f"{resolved} is no store of backups (no {MARKER} in it). Check the folder, or whether "
            "its disk is mounted."
        )
    marker = _read(resolved / MARKER, Marker)
    if marker.format != FORMAT:
        raise ServiceError(f"{resolved} was made by another release of this program. Use that.")
    return Store(resolved, marker.origin)


def make_store(path: Path, origin: Origin, user: ServiceUser) -> Store:
    """The store of an installation, made in an empty folder or found. Raises ServiceError."""
    resolved = path.expanduser().resolve()
    if (resolved / MARKER).exists():
        store = open_store(resolved)
        require_origin(store, origin)
        return store
    if resolved.exists() and any(resolved.iterdir()):
        raise ServiceError(f"{resolved} is not empty and no store of backups; nothing was changed.")
    with explained(f"making {resolved}"):
        resolved.mkdir(parents=True, exist_ok=True)
        resolved.chmod(0o711 if user.switch else 0o700)
        for name in ("base", "marks"):
            (resolved / name).mkdir(mode=0o700, exist_ok=True)
        wal = resolved / "wal"
        wal.mkdir(mode=0o700, exist_ok=True)
        user.own(wal)
        if not user.can("-w", wal):
            raise ServiceError(
                f"{user.name!r}, who runs PostgreSQL, cannot enter {resolved}. Choose a folder "
                "that this user may pass through (chmod o+x)."
            )
        marker = Marker(format=FORMAT, origin=origin)
        write_durably(resolved / MARKER, msgspec.json.encode(marker).decode() + "\n")
    return Store(resolved, origin)


def require_origin(store: Store, origin: Origin) -> None:
    """Refuse to mix two installations."""
    if store.origin != origin:
        raise ServiceError(
            f"{store.path} holds backups of another installation ({told(store.origin)}), not of "
            f"this one ({told(origin)}). Choose another folder; nothing was changed."
        )


def told(origin: Origin) -> str:
    """An installation for people."""
    return f"region {origin.region}, server {origin.system_identifier}"


def _read(path: Path, kind: type[Kept]) -> Kept:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as exc:
        raise ServiceError(f"{path} cannot be used: {exc}.") from exc
