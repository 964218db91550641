"""A database that is lost whole, and what the store of its backups gives back: the drill in its
short form, then everything that a restore refuses, and the same with a server of the site's own."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from msgspec import Struct

from loadtest.drills.restore import Book, Came, check, lose, restore
from loadtest.population.persons import make_person
from settlement.backup import desk
from settlement.backup.site import COPIER_VARIABLE
from settlement.backup.store import open_store
from settlement.clock import CHINA
from settlement.embedded.archiving import reload
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.files import write_durably
from settlement.embedded.postgres import PostgresServer
from settlement.embedded.postgres_settings import ARCHIVE_FILE, render_archive
from settlement.embedded.services import open_database
from settlement.lanes import lane_of
from settlement.said import Said
from settlement.serve.personal_desk import ERASURES_FILE, Erased, note
from settlement.storage.install import LANES
from settlement.storage.keyfile import FILE_NAME, make_key_file
from tests.services import run_apart, temporary_directory

LOAD_SECONDS = 0.5
PERSONS = 200


class Lost(Struct, frozen=True, kw_only=True):
    """What is left of a city, and what its institutions know."""

    folder: Path
    book: Book
    second: datetime
    came: Came


@pytest.fixture(scope="module")
def lost() -> Iterator[Lost]:
    """A city that was backed up and lost."""
    with temporary_directory() as folder:
        came = Came()
        book, second = lose(folder, LOAD_SECONDS, PERSONS, came, workers=1)
        yield Lost(folder=folder, book=book, second=second, came=came)


@pytest.fixture(scope="module")
def restored(lost: Lost) -> Path:
    """Its data as they were at the second, held against what its institutions know."""
    check(lost.folder, lost.book, lost.second, lost.came, os.environ)
    return lost.folder / "restored"


@pytest.fixture
def store(lost: Lost, tmp_path: Path) -> Path:
    """A copy of the store, to be spoilt."""
    return Path(shutil.copytree(lost.folder / "store", tmp_path / "store"))


def asked(
    lost: Lost, store: Path, target: Path, *, to: datetime | None = None,
    secrets: Path | None = None,
) -> Said:  # fmt: skip
    """Ask for a restore that is to be refused."""
    return desk.restore_to(
        store, target, to=to, secrets=secrets or lost.folder / "kept-secrets", programs=None,
        as_json=False,
    )  # fmt: skip


def test_what_came_after_the_second_is_missing_and_named(lost: Lost, restored: Path) -> None:
    assert not lost.came.wrong
    assert lost.came.by_the_second and lost.came.named_missing
    assert not (restored / "backup.json").exists()


def test_what_was_erased_since_is_erased_again_and_said(
    lost: Lost, store: Path, tmp_path: Path
) -> None:
    """The backup has it still; nobody sees it in the restored database."""
    late = datetime(2099, 1, 1, tzinfo=CHINA)
    erased = [
        Erased(
            at=late, lane=lane_of(number, LANES), psn_no=number, before_at=late,
            actor="测试经办乙", reason="测试",
        )
        for number in (
            make_person(n, seed=1, region="441900", on=late.date()).person_no for n in range(1, 31)
        )
    ]  # fmt: skip
    note((store / ERASURES_FILE,), erased[0])
    note((store / ERASURES_FILE,), erased[0])
    for one in erased[1:]:
        note((store / ERASURES_FILE,), one)
    said = desk.restore_to(
        store, tmp_path / "new", to=None, secrets=lost.folder / "kept-secrets", programs=None,
        as_json=True,
    )  # fmt: skip
    told = json.loads(said.text)
    assert said.status == 0 and told["verified"]
    assert told["erased_again"] == sorted(one.psn_no for one in erased)


def test_wal_that_is_missing_is_named(lost: Lost, store: Path, tmp_path: Path) -> None:
    segments = open_store(store).segments()
    (store / "wal" / f"{segments[-2]}.gz").unlink()
    said = asked(lost, store, tmp_path / "new")
    assert said.status == 2 and f"the WAL {segments[-2]} is missing" in said.text
    assert not (tmp_path / "new").exists()


def test_a_moment_behind_missing_wal_is_refused_with_its_name(lost: Lost, store: Path) -> None:
    segments = open_store(store).segments()
    (store / "wal" / f"{segments[-2]}.gz").unlink()
    said = asked(lost, store, lost.folder / "never", to=datetime(2099, 1, 1, tzinfo=CHINA))
    assert said.status == 2 and f"The WAL {segments[-2]} is missing" in said.text
    assert not (lost.folder / "never").exists()


def test_keys_of_another_installation_are_refused(
    lost: Lost, store: Path, tmp_path: Path
) -> None:
    make_key_file(tmp_path / FILE_NAME)
    said = asked(lost, store, tmp_path / "new", secrets=tmp_path)
    assert said.status == 2 and "does not hold the keys of this backup" in said.text
    assert not (tmp_path / "new").exists()


def test_folders_that_were_mixed_are_refused(lost: Lost, store: Path, tmp_path: Path) -> None:
    newest = store / "wal" / f"{open_store(store).segments()[-1]}.gz"
    content = bytearray(gzip.decompress(newest.read_bytes()))
    content[24] ^= 1
    newest.write_bytes(gzip.compress(bytes(content), 1))
    assert "written by another server" in asked(lost, store, tmp_path / "new").text
    manifest = next(store.glob("base/*/manifest.json"))
    manifest.write_text(manifest.read_text().replace('"441900"', '"440100"'))
    assert "another installation" in asked(lost, store, tmp_path / "new").text


def test_a_moment_before_the_base_backup_is_refused(lost: Lost, tmp_path: Path) -> None:
    early = lost.second - timedelta(days=1)
    said = asked(lost, lost.folder / "store", tmp_path / "new", to=early)
    assert said.status == 2 and "the earliest moment that can be restored is" in said.text


def test_nothing_is_restored_over_anything(lost: Lost, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    said = asked(lost, lost.folder / "store", tmp_path)
    assert said.status == 2 and "is not empty" in said.text
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_moment_that_the_archive_does_not_reach_leaves_nothing_behind(
    lost: Lost,
) -> None:
    target = lost.folder / "never"
    late = datetime(2099, 1, 1, tzinfo=CHINA)
    said = asked(lost, lost.folder / "store", target, to=late)
    assert said.status == 2 and "the archive ends before that moment" in said.text
    assert not target.exists()


def test_a_damaged_base_backup_is_refused(lost: Lost, store: Path) -> None:
    whole = next(store.glob("base/*/base.tar.gz"))
    content = bytearray(gzip.decompress(whole.read_bytes()))
    content[len(content) // 2] ^= 1
    whole.write_bytes(gzip.compress(bytes(content), 1))
    said = asked(lost, store, lost.folder / "never")
    assert said.status == 2 and "damaged" in said.text
    assert not (lost.folder / "never").exists()


def test_a_server_of_the_sites_own_is_backed_up_and_restored(
    lost: Lost, restored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restored server plays it: the program is told of it by variables alone."""

    async def back_up() -> list[Said]:
        async with open_database(restored, os.environ) as server:
            assert isinstance(server, PostgresServer)
            assert await block_of_numbers(server) > 1_000
            with monkeypatch.context() as site:
                site.setenv(OWNER_VARIABLE, server.owner_dsn)
                site.setenv(APP_VARIABLE, server.app_dsn)
                site.setenv(COPIER_VARIABLE, server.superuser_dsn)
                enabled = await asyncio.to_thread(desk.enable, restored, lost.folder / "site-store")
                await archive_as_told(server, enabled)
                based = await asyncio.to_thread(desk.base, restored)
                marked = await asyncio.to_thread(desk.mark, restored)
                compared = await asyncio.to_thread(lambda: desk.compare(restored, seals=()))
                return [enabled, based, marked, compared]

    said = run_apart(back_up)
    assert [one.status for one in said] == [0, 0, 0, 0], said
    came = restore(lost.folder, "again", None, os.environ, store="site-store")
    assert came["verified"] is True and came["missing_settlements"] == []


async def block_of_numbers(server: PostgresServer) -> int:
    """The block from which a restored server would give out the next numbers."""
    connection = await asyncpg.connect(server.owner_dsn)
    found: int = await connection.fetchval("select last_value from settlement.number_block")
    await connection.close()
    return found


async def archive_as_told(server: PostgresServer, said: Said) -> None:
    """What the operator of a server of the site's own does."""
    command = next(
        line.partition("= ")[2].strip("'")
        for line in said.text.splitlines()
        if "archive_command" in line
    )
    write_durably(
        server.directory.postgres / ARCHIVE_FILE, render_archive(command),
        owner=server.directory.user,
    )  # fmt: skip
    await reload(server.pid, server.superuser_dsn)
