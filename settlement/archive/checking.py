"""Holding an archive against the database: each row is what the database's row commits to, none is
missing, and each detail opens to what its row commits to.

The rows in the database are what their entries commit to, and the entries are chained: `verify`
says so. Together that proves what lies in the files, whoever kept them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from msgspec import Struct

from settlement.archive.files import check_file, settlements_in
from settlement.archiving import (
    MANIFEST,
    ArchivedYear,
    ArchiveError,
    ArchiveSeen,
    Manifest,
    read_manifest,
)
from settlement.keyring import Keyring, UndecipherableError, personal_commitment
from settlement.rows import commitment
from settlement.storage import archive as store
from settlement.storage.archive import ArchivedSettlement, Committed
from settlement.storage.lease import PlainConnection
from settlement.usecases.booking import detail_record

_NO_DETAIL = sha256(b"\x04").digest()
"""What a row commits to that never had a detail (of the system before)."""


class Checked(Struct, frozen=True, kw_only=True):
    """What was held against the database."""

    settlements: int
    details: int
    unopened: int
    """details whose key is not at hand"""


def manifest_in(folder: Path, known: ArchivedYear | None = None) -> Manifest:
    """The manifest of an archive. Raises ArchiveError."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError as exc:
        raise ArchiveError(f"{folder / MANIFEST}: {exc.strerror}") from exc
    return read_manifest(content, known)


async def see_archive(
    connection: PlainConnection, folder: Path, known: ArchivedYear, lanes: int,
    keyring: Keyring | None,
) -> ArchiveSeen:  # fmt: skip
    """What a verification says of an archived year whose files should lie in a folder."""
    try:
        manifest = manifest_in(folder, known)
        if manifest.year != known.year:
            raise ArchiveError(f"{MANIFEST}: {manifest.year}")
        checked = await check_archive(
            connection, folder, manifest, lanes=lanes, keyring=keyring
        )
        if (checked.settlements, checked.details) != (known.settlements, known.details):
            raise ArchiveError(f"{MANIFEST} 与记录不符 holds other counts than were written down")
    except ArchiveError as exc:
        return ArchiveSeen(
            year=known.year, details=known.details, checked=True, wrong=str(exc)
        )  # fmt: skip
    return ArchiveSeen(
        year=known.year, details=known.details, checked=True, unopened=checked.unopened
    )


async def check_archive(
    connection: PlainConnection, folder: Path, manifest: Manifest, *, lanes: int,
    keyring: Keyring | None, walked: Callable[[int], object] = lambda _: None,
) -> Checked:  # fmt: skip
    """Hold every row of an archive against the database. Raises ArchiveError at the first that does
    not fit. Without a keyring, or where it lacks a key, details stay unopened."""
    files = {file.lane: file for file in manifest.files}
    if set(files) - set(range(lanes)) or len(files) != len(manifest.files):
        raise ArchiveError(f"{MANIFEST}: 分道不符 its lanes are not those of the database")
    details = unopened = 0
    for lane in range(lanes):
        file = files.get(lane)
        rows = iter(()) if file is None else settlements_in(check_file(folder, file))
        found = await _check_lane(connection, lane, manifest.year, rows, keyring)
        if file is not None and (found.settlements, found.details) != (
            file.settlements, file.details
        ):  # fmt: skip
            raise ArchiveError(f"{file.name}: 行数与清单不符 holds other counts than listed")
        details, unopened = details + found.details, unopened + found.unopened
        walked(lane)
    return Checked(settlements=manifest.settlements, details=details, unopened=unopened)


async def _check_lane(
    connection: PlainConnection, lane: int, year: int, rows: Iterator[ArchivedSettlement],
    keyring: Keyring | None,
) -> Checked:  # fmt: skip
    settlements = details = unopened = after = 0
    while page := await store.committed_page(connection, lane, year, after):
        for known in page:
            one = next(rows, None)
            if one is None or one.row.setl_id != known.setl_id or one.row.lane != lane:
                raise ArchiveError(f"结算 {known.setl_id} 缺失 settlement is missing")
            unopened += not _holds(one, known, keyring)
            details += one.salt is not None
        settlements, after = settlements + len(page), page[-1].setl_id
    if list(islice(rows, 1)):
        raise ArchiveError(f"分道 lane {lane}: 多出结算 it holds more than the database")
    return Checked(settlements=settlements, details=details, unopened=unopened)


def _holds(one: ArchivedSettlement, known: Committed, keyring: Keyring | None) -> bool:
    """False where the detail could not be opened for want of its key."""
    setl_id = known.setl_id
    if commitment(one.row) != known.commitment:
        raise ArchiveError(f"结算 {setl_id} 已被改动 settlement was changed")
    if one.salt is None or one.payload is None or one.key_version is None:
        if known.is_erased or one.row.detail_commitment == _NO_DETAIL:
            return True
        raise ArchiveError(f"结算 {setl_id} 缺明细 its detail is missing")
    if keyring is None or one.key_version not in keyring.versions:
        return False
    try:
        plain = keyring.open(
            one.payload, detail_record(one.row.lane, setl_id), one.key_version
        )
    except UndecipherableError as exc:
        raise ArchiveError(f"结算 {setl_id} 明细已被改动 its detail was changed") from exc
    if personal_commitment(one.salt, plain) != one.row.detail_commitment:
        raise ArchiveError(f"结算 {setl_id} 明细已被改动 its detail was changed")
    return True
