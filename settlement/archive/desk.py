"""What `settlement archive` does: a closed year's details go to files, are held against the
database, and leave it (年度归档).

In this order, so that whatever stops it in between loses nothing: files are written beside their
place, flushed and renamed; every row of them is read again and compared; the partition is dropped
in the transaction that writes down that it was. From the first row on nobody may change a detail of
the year. A run that was stopped before that leaves files, which the next one takes as they are
where they still fit.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from settlement.archive.checking import Checked, check_archive, manifest_in
from settlement.archive.files import LaneWriter
from settlement.archiving import (
    MANIFEST,
    ArchivedFile,
    ArchivedYear,
    ArchiveError,
    Manifest,
    first_day_of_archiving,
    manifest_bytes,
    months_to_be_sealed,
    online_years,
)
from settlement.books.month_states import MonthState, month_text, standing
from settlement.clock import Clock, local_time, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.files import sync_directory, write_durably
from settlement.embedded.services import open_database
from settlement.keyring import Keyring
from settlement.numbers import numbers_of
from settlement.people.personal_data import keep_years, kept_since
from settlement.said import UNUSABLE, Said
from settlement.storage import archive as store
from settlement.storage import closing, personal, reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError, translate
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.readjudication import claims_to_readjudicate
from settlement.storage.seals import Home

DROP_PAUSE_SECONDS = 0.2
"""Whoever settles has so long between two tries to take the partition's lock."""


class Desk(Struct, frozen=True, kw_only=True):
    """An opened database, as the schema's owner, with what is needed of it."""

    connection: PlainConnection
    keyring: Keyring
    home: Home
    years: int
    """full years after a year for which its details stay"""
    kept_years: int
    """how long details are kept at all"""
    clock: Clock = system_clock
    told: Callable[[str], object] = lambda _: None
    """hears how far it is"""
    drop_tries: int = 50


async def archive_year(desk: Desk, year: int, to: Path, *, actor: str, reason: str) -> Said:
    """Archive the details of a year into a folder of its own; 1, and nothing is changed, where it
    may not be."""
    objections = await objections_to(desk, year)
    if objections:
        told = "\n".join(f"  {one}" for one in objections)
        return Said(1, f"{year} 年不能归档 may not be archived:\n{told}")
    folder = to / str(year)
    async with desk.connection.transaction():
        if not await store.freeze(desk.connection, year):
            return Said(1, f"{year} 年没有明细分区 there is no partition of the year")
        if not folder.exists():
            await _write(desk, year, folder)
        checked, archived = await _fitting(desk, year, folder, actor=actor, reason=reason)
        await _drop(desk, year)
        await store.keep_archived(desk.connection, archived)
    return Said(0, (
        f"{year} 年已归档 archived: {folder}\n"
        f"  结算 settlements {checked.settlements}，明细 details {checked.details}，"
        f"清单 manifest {archived.manifest.hex()}\n"
        f"  密钥版本 keys {_listed(archived.key_versions)}：与归档一同保管 keep them as long as "
        f"these files\n  核验 verify: settlement verify --archive {folder.parent}"
    ))  # fmt: skip


async def objections_to(desk: Desk, year: int) -> list[str]:
    """Why a year may not go; nothing where it may."""
    today, first, before = local_time(desk.clock()).date(), *numbers_of(year)
    may_from = first_day_of_archiving(year, desk.years)
    if today < may_from:
        return [f"自 {may_from} 起可归档 may go from that day on (在线 {desk.years} 年 years)"]
    connection, found = desk.connection, []
    found += await _months_open(desk, year)
    unlisted = await closing.blocks_unlisted(connection, date(year, 12, 31))
    if unlisted:
        found.append(f"{unlisted} 个区块未列入对账 blocks are in no statement yet")
    for doubt in await closing.in_doubt(connection, before):
        found.append(f"未决 in doubt: {doubt.what} {doubt.found}（{doubt.first}）")
    claims = await claims_to_readjudicate(connection)
    again = sum(first <= claim.setl_id < before for claim in claims)
    if again:
        found.append(f"{again} 笔待重算 to be decided again: settlement readjudication")
    found += await _erasures_open(desk, year)
    approved = await store.approvals_of(connection, year)
    if approved:
        found.append(f"{approved} 笔退费备案未用 approved cancels are not used")
    return found


async def _months_open(desk: Desk, year: int) -> list[str]:
    """Months of the year that are not sealed, from the first on that has anything."""
    first_on = await store.first_settled_on(desk.connection, year)
    if first_on is None:
        return []
    lane, found = desk.home.lane, []
    for month in months_to_be_sealed(year, first_on):
        steps = await closing.steps_of(desk.connection, closing.Place(lane=lane, month=month))
        if standing(steps).state is not MonthState.SEALED:
            found.append(f"{month_text(month)} 未封存 is not sealed: settlement close")
    return found


async def _erasures_open(desk: Desk, year: int) -> list[str]:
    """What is to be erased must not be carried away before."""
    if await personal.unfinished(desk.connection):
        return ["有未完成的个人信息删除 an erasure was not finished: settlement personal"]
    kept = kept_since(desk.clock(), desk.kept_years)
    if local_time(kept).date() > date(year, 1, 1):
        for lane in range(desk.home.lanes):
            if await personal.expired(desk.connection, lane, kept):
                return ["有超过保存年限的明细 details have expired: settlement personal expire"]
    return []


async def _write(desk: Desk, year: int, folder: Path) -> None:
    """Write the files beside their place, flush them, and put them there. Raises ArchiveError."""
    partial = folder.with_name(f".{year}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    files: list[ArchivedFile] = []
    keys: set[int] = set()
    for lane in range(desk.home.lanes):
        file = await _write_lane(desk.connection, lane, year, partial, keys)
        files += [] if file is None else [file]
        desk.told(f"{year} {lane + 1}/{desk.home.lanes}")
    manifest = Manifest(
        region=desk.home.region, year=year, written_at=desk.clock(),
        key_versions=tuple(sorted(keys)), files=tuple(files),
    )  # fmt: skip
    write_durably(partial / MANIFEST, manifest_bytes(manifest).decode())
    partial.rename(folder)
    sync_directory(folder.parent)


async def _write_lane(
    connection: PlainConnection, lane: int, year: int, folder: Path, keys: set[int]
) -> ArchivedFile | None:
    """The file of a lane; none where it has no settlement of the year."""
    page = await store.settlements_page(connection, lane, year, 0)
    if not page:
        return None
    writer = LaneWriter(folder, lane)
    while page:
        writer.add(page)
        keys |= {one.key_version for one in page if one.key_version is not None}
        page = await store.settlements_page(connection, lane, year, page[-1].row.setl_id)
    return writer.close()


async def _fitting(
    desk: Desk, year: int, folder: Path, *, actor: str, reason: str
) -> tuple[Checked, ArchivedYear]:
    """Hold what is written against the database. Raises ArchiveError where it does not fit."""
    manifest = manifest_in(folder)
    if (manifest.region, manifest.year) != (desk.home.region, year):
        raise ArchiveError(f"{folder} 属于 is of {manifest.region}, {manifest.year}")
    checked = await check_archive(
        desk.connection, folder, manifest, lanes=desk.home.lanes, keyring=desk.keyring
    )
    if checked.unopened:
        raise ArchiveError(f"{checked.unopened} 项明细打不开 details do not open: a key is missing")
    there = await store.details_of(desk.connection, year)
    if checked.details != there:
        raise ArchiveError(
            f"明细 {checked.details}，库中 {there}：{folder} 写成后又有删除，移开后重来 | "
            "the files hold other details than the database: something was erased since, or a "
            "detail has no settlement; move the folder away and run it again"
        )
    return checked, ArchivedYear(
        year=year, archived_at=desk.clock(), settlements=checked.settlements,
        details=checked.details, key_versions=manifest.key_versions,
        manifest=sha256((folder / MANIFEST).read_bytes()).digest(), actor=actor, reason=reason,
    )  # fmt: skip


async def _drop(desk: Desk, year: int) -> None:
    for _ in range(desk.drop_tries):
        if await store.drop_once(desk.connection, year):
            return
        await asyncio.sleep(DROP_PAUSE_SECONDS)
    raise StorageError(
        "somebody reads or changes details all the time; nothing was changed. Run it again: it "
        "goes on with the files that are written"
    )


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(str(version) for version in versions) or "无 none"


def run(
    data_dir: Path, year: int, to: Path, *, actor: str, reason: str, told: Callable[[str], object]
) -> Said:
    """Archive a year of a data directory's database."""
    folder = to.expanduser().resolve()

    async def work() -> Said:
        years = online_years(os.environ)
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        async with open_database(data_dir, os.environ) as database:
            connection = await connect_plain(database.owner_dsn, name="settlement-archive")
            try:
                installed = await reference.installation(connection)
                if installed is None:
                    raise ServiceError("the database is not ours")
                home = Home(region=installed.region, lanes=installed.lanes)
                desk = Desk(
                    connection=connection, keyring=keyring, home=home, years=years, told=told,
                    kept_years=keep_years(os.environ),
                )  # fmt: skip
                return await archive_year(desk, year, folder, actor=actor, reason=reason)
            finally:
                await connection.close()

    try:
        return asyncio.run(work())
    except ArchiveError as exc:
        return Said(1, f"未归档，数据未变 not archived, nothing was changed: {exc}")
    except (ServiceError, StorageError, KeyFileError, ValueError, OSError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    except Exception as exc:
        refused = translate(exc)
        if refused is None:
            raise
        return Said(UNUSABLE, f"settlement: {refused}")
