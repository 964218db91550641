"""What is installed has the hash that the lock says, or is not installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import environment

WHEEL = "probe_of_hashes-1.0-py3-none-any.whl"
METADATA = "Metadata-Version: 2.1\nName: probe-of-hashes\nVersion: 1.0\n"
KIND = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with one package, all that pip is shown."""
    info = "probe_of_hashes-1.0.dist-info"
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", METADATA)
        wheel.writestr(f"{info}/WHEEL", KIND)
        wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return tmp_path


def install(wheels: Path, pin: str) -> None:
    """What `make setup` does with a line of the lock, but nothing is written."""
    lock = wheels / "lock.txt"
    lock.write_text(f"{pin}\n", "utf-8")
    environment.install_pinned(
        lock, "--dry-run", "--no-index", "-f", str(wheels), python=Path(sys.executable)
    )


def test_package_with_the_pinned_hash_is_installed(wheels: Path) -> None:
    digest = hashlib.sha256((wheels / WHEEL).read_bytes()).hexdigest()
    install(wheels, f"probe-of-hashes==1.0 --hash=sha256:{digest}")


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        (f"probe-of-hashes==1.0 --hash=sha256:{'0' * 64}", "DO NOT MATCH THE HASHES"),
        ("probe-of-hashes==1.0", "Hashes are required"),
    ],
)
def test_package_with_another_hash_or_none_is_refused(
    wheels: Path, pin: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        install(wheels, pin)
    assert why in capsys.readouterr().err


def test_environment_of_another_tree_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worktree that borrows one does not empty it under its owner."""
    theirs, link = tmp_path / "theirs", tmp_path / ".venv"
    theirs.mkdir()
    (theirs / "kept").touch()
    link.symlink_to(theirs)
    monkeypatch.setattr(environment, "VENV", link)
    assert environment.main(["dev"]) == 0
    assert [path.name for path in theirs.iterdir()] == ["kept"]
    assert "used as it is" in capsys.readouterr().out
