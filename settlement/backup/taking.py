"""Making backups: where they go, base backups with their retention, and marks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from settlement.backup.beside import beside, key_fingerprints
from settlement.backup.comparing import compare
from settlement.backup.site import Site, programs
from settlement.backup.store import PARTIAL, WAL_SUFFIX, Store, make_store
from settlement.backups import (
    Manifest,
    Mark,
    backup_name,
    is_old,
    kept_bases,
    needed_since,
)
from settlement.embedded import base_backup
from settlement.embedded.archiving import (
    ARCHIVE_SCRIPT,
    Place,
    archive_command,
    archived,
    finish_segment,
    install_script,
    keep_place,
    reload,
)
from settlement.embedded.errors import ServiceError
from settlement.storage import backups
from settlement.storage.keyfile import key_file
from settlement.wal_names import is_segment, parse

CLOCKS_DIFFER = timedelta(hours=1)
"""Seals carry the time of whoever made them; one that is noted twice counts once."""


class Dropped(Struct, frozen=True, kw_only=True):
    """What was too old to keep."""

    bases: list[str]
    segments: int
    marks: int


async def enable(site: Site, to: Path) -> Store:
    """From now on, WAL goes to a store. Of a site's own server the store is made, and its operator
    puts the command into its settings."""
    store = make_store(to, site.origin, site.directory.user)
    await _require_ours(site, store)
    place = Place(store=str(store.path))
    if site.postmaster_pid is None:
        install_script(ARCHIVE_SCRIPT, store.wal, site.directory.user)
        keep_place(site.directory, place, settings=False)
        return store
    keep_place(site.directory, place)
    await reload(site.postmaster_pid, site.copier_dsn)
    await require_archiving(site, store)
    return store


def command_for_site(store: Store) -> str:
    """What the operator of a site's own server puts into its settings."""
    return archive_command(store.wal / ARCHIVE_SCRIPT, store.wal)


async def require_archiving(site: Site, store: Store) -> None:
    """A base backup without the WAL that follows is good for its own moment only."""
    seen = await archived(site.copier_dsn)
    if seen.mode == "off":
        raise ServiceError(
            "the server archives no WAL (archive_mode is off). Set archive_mode = on and restart "
            "it; the embedded one needs one start with this release."
        )
    if str(store.wal) not in seen.command:
        raise ServiceError(
            f"the server archives into another place than {store.wal} (archive_command is "
            f"{seen.command!r}). Say settlement backup enable again."
        )


async def _require_ours(site: Site, store: Store) -> None:
    """A restored database is another future than the one that its store went on with."""
    manifests = store.manifests()
    if not manifests:
        return
    lacks = await compare(site.connection, manifests[0], store.marks())
    if lacks.blocks or lacks.altered or lacks.unlisted:
        raise ServiceError(
            f"{store.path} knows blocks that this database does not have: it was restored to an "
            "earlier moment. Choose a new folder for it and make a base backup at once; keep this "
            "one until nobody asks for the lost ones any more."
        )


async def take_base(
    site: Site, environment: Mapping[str, str], *, given: Path | None = None
) -> Manifest:
    """A base backup into the site's store, with what the books are at its end."""
    store = site.store()
    await require_archiving(site, store)
    program = programs(site.directory, given, environment) / "pg_basebackup"
    with store.locked():
        began = site.clock()
        name = backup_name(began)
        folder = store.bases / f"{name}{PARTIAL}"
        needed = await base_backup.take(str(program), site.copier_dsn, folder)
        manifest = Manifest(
            name=name, began_at=began, ended_at=site.clock(), origin=site.origin,
            embedded=site.is_embedded, schema_version=site.facts.schema_version,
            postgres_version=site.facts.postgres_version, timeline=needed.timeline,
            start_lsn=needed.start_lsn, end_lsn=needed.end_lsn, owner_role=site.facts.role,
            app_role=site.app_role, size_bytes=_size(folder),
            heads=await backups.heads(site.connection),
            seals=await backups.seal_heads(site.connection),
            key_fingerprints=key_fingerprints(_key_file(site, environment)),
            beside=beside(site.directory.root, environment),
        )  # fmt: skip
        await finish_segment(site.copier_dsn, store.wal)
        store.keep_base(folder, manifest)
    return manifest


async def mark(site: Site) -> Mark:
    """Note what the books are, once the WAL up to there is in the archive: from then on nothing
    that was answered before can be lost with the server's disk."""
    store = site.store()
    with store.locked():
        newest, bases = store.newest_mark(), store.manifests()
        if not bases:
            raise ServiceError("there is no base backup yet: settlement backup base")
        last = bases[0] if newest is None else newest
        since = (bases[0].began_at if newest is None else newest.at) - CLOCKS_DIFFER
        at = site.clock()
        heads = await backups.heads(site.connection)
        made = Mark(
            at=at, heads=heads,
            blocks=await backups.blocks_between(site.connection, last.heads, heads),
            seals=await backups.seal_heads(site.connection, since),
        )
        await finish_segment(site.copier_dsn, store.wal)
        store.keep_mark(made)
    return made


def drop_old(store: Store, keep: int) -> Dropped:
    """Remove base backups but for the newest, and the WAL and marks that only they needed."""
    with store.locked():
        manifests = store.manifests()
        kept = kept_bases(manifests, keep)
        since = needed_since(kept)
        if since is None:
            return Dropped(bases=[], segments=0, marks=0)
        going = [one for one in manifests if one not in kept]
        for one in going:
            store.drop_base(one)
        segment_bytes = kept[0].wal_segment_bytes
        old = [
            name
            for name in store.segments()
            if is_segment(name) and parse(name, segment_bytes).number < since.number
        ]
        for name in old:
            (store.wal / f"{name}{WAL_SUFFIX}").unlink()
        marks = [one for one in store.marks() if is_old(one, kept[0])]
        for past in marks:
            store.drop_mark(past)
    return Dropped(bases=[one.name for one in going], segments=len(old), marks=len(marks))


def _key_file(site: Site, environment: Mapping[str, str]) -> Path:
    return key_file(site.directory.secrets, environment)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
