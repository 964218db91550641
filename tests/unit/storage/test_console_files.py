"""Files that people bring to the console: sealed, known by their digest, plain only while read."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from settlement.keyring import Keyring, UndecipherableError, new_material
from settlement.storage.console_files import (
    KEPT_SECONDS,
    PIECE_BYTES,
    KeptFile,
    Shelf,
    plain_name,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
CONTENT = "机构编码,金额\n".encode() * 30_000


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "files", Keyring((new_material(1),)))


def brought(shelf: Shelf, content: bytes = CONTENT, name: str = "a.csv") -> KeptFile:
    arriving = shelf.receive(name)
    for begin in range(0, len(content), 100_000):
        arriving.take(content[begin : begin + 100_000])
    return arriving.keep("jing", NOW)


def test_what_was_brought_is_read_as_it_was_and_nobody_reads_it_on_the_disk(
    shelf: Shelf, tmp_path: Path
) -> None:
    assert len(CONTENT) > PIECE_BYTES
    kept = brought(shelf)
    assert kept.digest == sha256(CONTENT).hexdigest()
    assert shelf.find(kept.digest) == kept
    with shelf.opened(kept) as path:
        assert path.name == "a.csv" and path.read_bytes() == CONTENT
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
    for file in (tmp_path / "files").iterdir():
        assert "金额".encode() not in file.read_bytes()


def test_the_same_file_is_there_once(shelf: Shelf, tmp_path: Path) -> None:
    assert brought(shelf).digest == brought(shelf, name="b.csv").digest
    assert len(list((tmp_path / "files").iterdir())) == 2


def test_a_file_that_was_changed_or_cut_is_not_read(shelf: Shelf, tmp_path: Path) -> None:
    kept = brought(shelf)
    place = tmp_path / "files" / f"{kept.digest}.sealed"
    whole = place.read_bytes()
    second = 2 + 16 + 4 + int.from_bytes(whole[18:22], "big")
    for wrong in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:second]):
        place.write_bytes(wrong)
        with pytest.raises(UndecipherableError), shelf.opened(kept):
            pass


def test_what_is_unknown_old_or_left_over_is_gone(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.find("../etc") is None
    assert shelf.find("0" * 64) is None
    kept = brought(shelf)
    left = shelf.receive("c.csv")
    left.take(b"x")
    for file in (tmp_path / "files").iterdir():
        os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    shelf.sweep(NOW + timedelta(days=2))
    assert shelf.find(kept.digest) == kept
    assert not list((tmp_path / "files").glob("*.partial"))
    left.drop()
    shelf.sweep(NOW + timedelta(seconds=KEPT_SECONDS + 1))
    assert shelf.find(kept.digest) is None


def test_a_file_of_our_own_lies_sealed_and_is_found_by_its_name(
    shelf: Shelf, tmp_path: Path
) -> None:
    with shelf.scratch() as folder:
        made = folder / "interest-2026.csv"
        made.write_bytes(b"psn_no\n" * 50_000)
        kept = shelf.put(made, "jing", NOW)
    assert not list((tmp_path / "files").glob("open-*")), "what was plain is gone"
    brought(shelf)
    assert shelf.named("interest-") == [kept]
    for file in (tmp_path / "files").iterdir():
        assert b"psn_no" not in file.read_bytes()
    with shelf.opened(kept) as path:
        assert path.read_bytes() == b"psn_no\n" * 50_000


@pytest.mark.parametrize(
    ("told", "name"),
    [("划拨 12月.csv", "划拨_12月.csv"), ("C:\\x\\回单.xlsx", "回单.xlsx"),
     ("../../etc/passwd", "passwd"), ("..", "file"), ("", "file"), ("a" * 200, "a" * 80)],
)  # fmt: skip
def test_names_are_no_paths(told: str, name: str) -> None:
    assert plain_name(told) == name
