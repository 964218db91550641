"""WAL on its way into an archive and back: nothing half written, nothing overwritten."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

import settlement.embedded as package
from settlement.embedded.archiving import (
    ARCHIVE_SCRIPT,
    FETCH_SCRIPT,
    Place,
    archive_command,
    keep_place,
    read_place,
    restore_command,
)
from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import ServiceError
from settlement.embedded.postgres_settings import ARCHIVE_FILE

SCRIPTS = Path(package.__file__).parent
NAME = "000000010000000000000003"


@pytest.fixture
def wal(tmp_path: Path) -> Path:
    """An archive, in a folder that a shell must quote."""
    folder = tmp_path / "the store" / "wal"
    folder.mkdir(parents=True)
    return folder


def run(command: str, source: Path, name: str) -> int:
    """As PostgreSQL runs a command, from its data directory."""
    line = command.replace("%p", source.name).replace("%f", name)
    ran = subprocess.run(["sh", "-c", line], cwd=source.parent, capture_output=True)
    return ran.returncode


def archive(source: Path, wal: Path, name: str = NAME) -> int:
    """Send a file to the archive."""
    return run(archive_command(SCRIPTS / ARCHIVE_SCRIPT, wal), source, name)


def test_a_segment_comes_back_as_it_went(tmp_path: Path, wal: Path) -> None:
    sent, fetched = tmp_path / "sent", tmp_path / "fetched"
    sent.write_bytes(bytes(range(256)) * 1000)
    assert archive(sent, wal) == 0
    assert run(restore_command(SCRIPTS / FETCH_SCRIPT, wal), fetched, NAME) == 0
    assert fetched.read_bytes() == sent.read_bytes()
    assert [path.name for path in wal.iterdir()] == [f"{NAME}.gz"]


def test_one_that_was_sent_before_a_crash_counts_and_another_is_never_overwritten(
    tmp_path: Path, wal: Path
) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(b"one")
    assert [archive(sent, wal), archive(sent, wal)] == [0, 0]
    sent.write_bytes(b"two")
    assert archive(sent, wal) != 0
    assert gzip.decompress((wal / f"{NAME}.gz").read_bytes()) == b"one"


def test_what_cannot_be_written_is_not_said_to_be(tmp_path: Path, wal: Path) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(b"one")
    assert archive(sent, wal / "not mounted") != 0
    assert archive(tmp_path / "gone", wal) != 0
    assert list(wal.iterdir()) == []


def test_what_a_recovery_asks_for_is_missing_or_damaged_and_told_apart(
    tmp_path: Path, wal: Path
) -> None:
    command = restore_command(SCRIPTS / FETCH_SCRIPT, wal)
    assert run(command, tmp_path / "fetched", NAME) == 1
    (wal / f"{NAME}.gz").write_bytes(b"no gzip")
    assert run(command, tmp_path / "fetched", NAME) == 255


def test_the_place_is_kept_with_the_data_and_can_be_taken_back(directory: DataDirectory) -> None:
    assert read_place(directory.root) is None
    keep_place(directory, Place(store="/mnt/store"))
    assert read_place(directory.root) == Place(store="/mnt/store")
    assert "/mnt/store/wal" in (directory.postgres / ARCHIVE_FILE).read_text()
    keep_place(directory, None)
    assert "archive_command" not in (directory.postgres / ARCHIVE_FILE).read_text()
    (directory.root / "backup.json").write_text("{")
    with pytest.raises(ServiceError, match="cannot be used"):
        read_place(directory.root)
