"""A base backup: the whole of a server's data, taken while it works, by PostgreSQL's own program.

Two compressed files and PostgreSQL's manifest of every file with its SHA-256; the WAL of the time
that it took is inside, so that a base backup is whole by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from settlement.embedded.errors import ServiceError, failure
from settlement.embedded.identity import server_environment

MANIFEST_FILE = "backup_manifest"
DATA_FILE = "base.tar.gz"
WAL_FILE = "pg_wal.tar.gz"


class WalRange(Struct, frozen=True, kw_only=True):
    """The WAL that a base backup needs to be whole."""

    timeline: int = msgspec.field(name="Timeline")
    start_lsn: str = msgspec.field(name="Start-LSN")
    end_lsn: str = msgspec.field(name="End-LSN")


class _File(Struct, frozen=True, kw_only=True):
    path: str = msgspec.field(name="Path", default="")
    encoded_path: str = msgspec.field(name="Encoded-Path", default="")
    """instead of the path where that is no UTF-8"""
    checksum: str = msgspec.field(name="Checksum")


class _Manifest(Struct, frozen=True, kw_only=True):
    files: list[_File] = msgspec.field(name="Files")
    wal_ranges: list[WalRange] = msgspec.field(name="WAL-Ranges")


async def take(program: str, dsn: str, folder: Path) -> WalRange:
    """Write a base backup into a folder that is not there yet. Raises ServiceError.

    Whoever logs in must be a superuser or have the right of replication.
    """
    url, password = _without_password(dsn)
    process = await asyncio.create_subprocess_exec(
        program, f"--dbname={url}", f"--pgdata={folder}", "--format=tar", "--gzip",
        "--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE, env={**server_environment(), "PGPASSWORD": password},
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    except BaseException:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        text = said.decode(errors="replace").strip()
        raise failure(f"the base backup failed: {text}", log=text)
    _require_no_tablespaces(folder)
    return wal_range(folder / MANIFEST_FILE)


def _require_no_tablespaces(folder: Path) -> None:
    found = {path.name for path in folder.iterdir()} - {MANIFEST_FILE, DATA_FILE, WAL_FILE}
    if found:
        raise ServiceError(
            f"the server has tablespaces ({', '.join(sorted(found))}), which these backups do not "
            "cover. Move their tables into the default one, or back it up with other means."
        )


def wal_range(manifest: Path) -> WalRange:
    """The WAL that a base backup needs."""
    (needed,) = _read(manifest).wal_ranges
    return needed


def first_damaged(manifest: Path, data: Path) -> str | None:
    """The first file of an unpacked base backup that is not as it was copied, by the SHA-256 that
    PostgreSQL took then. PostgreSQL's own program for it crashes in the wheel."""
    for one in _read(manifest).files:
        name = one.path or bytes.fromhex(one.encoded_path).decode(errors="surrogateescape")
        try:
            with (data / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return name
        if digest != one.checksum:
            return name
    return None


def _read(manifest: Path) -> _Manifest:
    try:
        return msgspec.json.decode(manifest.read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError) as exc:
        raise ServiceError(f"{manifest} cannot be used: {exc}.") from exc


def _without_password(dsn: str) -> tuple[str, str]:
    """A password on a command line is seen by everybody on the machine. The program speaks to the
    server, not to one of its databases."""
    parts = urlsplit(dsn)
    password = unquote(parts.password or "")
    user, at, host = parts.netloc.rpartition("@")
    user = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}")), password
