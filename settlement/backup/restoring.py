"""Restoring a database to a moment, into a directory of its own, and saying what it lacks.

What cannot come to a good end is refused before anything is written; what fails later leaves
nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.audit import VerifyReport
from settlement.backup.beside import key_fingerprints
from settlement.backup.comparing import compare
from settlement.backup.published import Published, Unlike, read_published, unlike_published
from settlement.backup.store import Store, told
from settlement.backups import Manifest, Missing, base_for, marks_since
from settlement.clock import local_time, monotonic
from settlement.embedded.binaries import POSTGRES_MAJOR, find_binaries
from settlement.embedded.directory import HARMLESS, DataDirectory, open_directory
from settlement.embedded.errors import ServiceError, explained
from settlement.embedded.files import write_durably
from settlement.embedded.machine import read_machine
from settlement.embedded.postgres_cluster import SUPERUSER, SUPERUSER_SECRET
from settlement.embedded.postgres_settings import choose_settings
from settlement.embedded.recovery import Recovered, Source, recovered, unpack
from settlement.embedded.roles import set_password
from settlement.people.personal_data import KEEP_YEARS
from settlement.serve.operations import verify_database
from settlement.serve.personal_desk import ERASURES_FILE, noted, open_desk, repeat
from settlement.storage import backups
from settlement.storage.connect import connect_plain
from settlement.storage.keyfile import FILE_NAME as KEY_FILE
from settlement.storage.keyfile import load_keyring
from settlement.storage.lease import PlainConnection
from settlement.wal_names import first_gap, name_of

MISSING_FILE = "missing.json"
"""In the restored data directory: everything that the store knows and the database lacks."""


class Order(Struct, frozen=True, kw_only=True):
    """What somebody wants restored."""

    data_dir: Path
    to: datetime | None
    """None: all that the archive has"""
    secrets: Path | None
    """a kept copy of the secrets, of which the key file is needed"""
    programs: Path | None
    """PostgreSQL's programs where the server was a site's own"""
    seals: tuple[Path, ...] = ()
    """published ones, to hold the restored books against"""


class Restored(Struct, frozen=True, kw_only=True):
    """What a restore came to."""

    manifest: Manifest
    to: datetime | None
    seconds: float
    seconds_unpacking: float
    seconds_recovering: float
    size_bytes: int
    report: VerifyReport
    missing: Missing
    unlike: list[Unlike]
    """whose published months are others"""
    newest_known_at: datetime
    """when the store last knew what the books are"""
    erased_again: list[str]
    """person numbers whose data was erased after that moment, and now again"""


def choose_base(store: Store, to: datetime | None) -> Manifest:
    """The base backup to begin with. Raises ServiceError where none can come to that moment."""
    manifests = store.manifests()
    if not manifests:
        raise ServiceError(f"{store.path} holds no base backup.")
    chosen = base_for(manifests, to)
    if chosen is None:
        earliest = manifests[0].ended_at
        raise ServiceError(
            f"the earliest moment that can be restored is {_text(earliest)} (China): the base "
            "backups before it are gone, or there were none."
        )
    if chosen.origin != store.origin:
        raise ServiceError(
            f"the base backup {chosen.name} is of another installation ({told(chosen.origin)}) "
            f"than its store ({told(store.origin)}): folders were mixed. Nothing was restored."
        )
    return chosen


def require_wal(store: Store, manifest: Manifest, to: datetime | None) -> str | None:
    """Refuse where WAL is of another server, or where restoring all would end at a gap. The first
    gap, before which a moment may still be restored."""
    begin = name_of(manifest.begin, manifest.wal_segment_bytes)
    segments = [name for name in store.segments() if name[8:] >= begin[8:]]
    for name in {*segments[:1], *segments[-1:]}:
        system = store.wal_system(name)
        if system != manifest.origin.system_identifier:
            raise ServiceError(
                f"the WAL {name} was written by another server ({system}) than the base backup "
                f"({manifest.origin.system_identifier}): folders were mixed. Nothing was restored."
            )
    missing = first_gap(segments, manifest.begin, manifest.wal_segment_bytes)
    if missing is not None and segments and to is None:
        raise ServiceError(
            f"the WAL {missing} is missing from the archive, though there is later WAL. Find it, "
            "or name a moment before it with --to-time. Nothing was restored."
        )
    return missing if segments else None


def require_empty(data_dir: Path) -> None:
    """Refuse to restore over anything."""
    if data_dir.exists() and {entry.name for entry in data_dir.iterdir()} - HARMLESS:
        raise ServiceError(f"{data_dir} is not empty. Restore into a new directory.")


def require_keys(manifest: Manifest, secrets: Path | None) -> None:
    """Refuse keys that are not those of the backup: nothing could be read."""
    wanted = manifest.key_fingerprints
    if secrets is None:
        raise ServiceError(
            f"name the folder with the key file of this installation (--secrets): {KEY_FILE} is "
            "kept apart from the backups, and without it no name can be read."
        )
    given = key_fingerprints(secrets / KEY_FILE)
    if wanted.items() - given.items():
        raise ServiceError(
            f"{secrets / KEY_FILE} does not hold the keys of this backup: it belongs to another "
            "installation, or is too old. Nothing was restored."
        )


async def restore(store: Store, order: Order, environment: Mapping[str, str]) -> Restored:
    """Restore, verify, compare; the database is stopped at the end. Raises ServiceError."""
    manifest = choose_base(store, order.to)
    require_empty(order.data_dir)
    require_keys(manifest, order.secrets)
    gap = require_wal(store, manifest, order.to)
    published = read_published(order.seals, store.origin.region)
    was_there = order.data_dir.exists()
    directory = open_directory(order.data_dir, environment)
    try:
        directory.lock()
        return await _restore(store, manifest, order, directory, environment, published)
    except ServiceError as exc:
        _undo(directory, was_there=was_there)
        if gap is None:
            raise
        raise ServiceError(f"{exc} The WAL {gap} is missing from the archive.") from exc
    except BaseException:
        _undo(directory, was_there=was_there)
        raise
    finally:
        directory.unlock()


async def _restore(
    store: Store, manifest: Manifest, order: Order, directory: DataDirectory,
    environment: Mapping[str, str], published: Sequence[Published],
) -> Restored:  # fmt: skip
    started = monotonic()
    source = _source(store, manifest, order, directory, environment)
    _copy_secrets(order, directory)
    unpack(source, directory.postgres)
    unpacked = monotonic()
    marks = marks_since(store.marks(), manifest)
    async with recovered(source, directory.postgres, to=order.to) as server:
        recovered_at = monotonic()
        connection = await connect_plain(
            server.dsn(manifest.owner_role, manifest.origin.database), name="settlement-restore"
        )
        try:
            missing = await compare(connection, manifest, marks)
            unlike = await unlike_published(connection, published)
            await backups.skip_number_blocks(connection)
            newest = max((head.booked_at for head in await backups.heads(connection)), default=None)
            erased_again = await _erase_again(connection, store, directory)
        finally:
            await connection.close()
        report = await verify_database(
            server.dsn(manifest.app_role, manifest.origin.database), directory.root, hurried=True,
            at=order.to or newest,
        )
        if manifest.embedded:
            await _take_over(server, directory)
    write_durably(directory.root / MISSING_FILE, msgspec.json.encode(missing).decode() + "\n")
    return Restored(
        manifest=manifest, to=order.to, seconds=monotonic() - started,
        seconds_unpacking=unpacked - started, seconds_recovering=recovered_at - unpacked,
        size_bytes=_size(directory.postgres), report=report, missing=missing,
        unlike=unlike,
        newest_known_at=marks[-1].at if marks else manifest.ended_at,
        erased_again=erased_again,
    )  # fmt: skip


async def _erase_again(
    connection: PlainConnection, store: Store, directory: DataDirectory
) -> list[str]:
    """What was erased after that moment is in the backup: it is erased again, before anybody sees
    the database. Whose it was."""
    erasures = noted(store.path / ERASURES_FILE)
    if not erasures:
        return []
    keyring = load_keyring(directory.secrets / KEY_FILE)
    desk = await open_desk(connection, keyring, directory.root, KEEP_YEARS)
    return sorted({one.psn_no for one in await repeat(desk, erasures)})


def _source(
    store: Store, manifest: Manifest, order: Order, directory: DataDirectory,
    environment: Mapping[str, str],
) -> Source:  # fmt: skip
    major = str(manifest.postgres_version // 10_000)
    if order.programs is None and major != POSTGRES_MAJOR:
        raise ServiceError(
            f"the backup is of a PostgreSQL {major}, and this program brings {POSTGRES_MAJOR}. "
            f"Name the programs of a PostgreSQL {major} with --programs."
        )
    programs = order.programs or find_binaries(directory.user, environment).postgres_bin
    return Source(
        base=store.bases / manifest.name, wal=store.wal, programs=programs, user=directory.user,
        settings=choose_settings(read_machine(), environment),
    )  # fmt: skip


def _copy_secrets(order: Order, directory: DataDirectory) -> None:
    """All of them, but for the superuser's password, which is set anew below."""
    assert order.secrets is not None  # noqa: S101 - require_keys came before
    with explained(f"copying {order.secrets}"):
        for path in sorted(order.secrets.iterdir()):
            if path.is_file() and not path.name.endswith(".partial"):
                target = directory.secrets / path.name
                shutil.copyfile(path, target)
                target.chmod(0o600)


async def _take_over(server: Recovered, directory: DataDirectory) -> None:
    """The superuser has the password that the new directory keeps, whatever the backup says."""
    password = directory.make_secret(SUPERUSER_SECRET)
    await set_password(server.dsn(SUPERUSER, "postgres"), SUPERUSER, password)


def _undo(directory: DataDirectory, *, was_there: bool) -> None:
    """Nothing half restored is left."""
    if directory.home != directory.root:
        shutil.rmtree(directory.home)
    if was_there:
        for entry in directory.root.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    else:
        shutil.rmtree(directory.root)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _text(at: datetime) -> str:
    return local_time(at).isoformat(sep=" ", timespec="seconds")
