"""Which of the distribution's servers are found, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import debian


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of /usr/lib/postgresql; a redis-server is on the PATH."""
    redis = tmp_path / "path" / "redis-server"
    redis.parent.mkdir()
    redis.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(redis.parent))
    monkeypatch.setattr(debian, "POSTGRES_ROOT", tmp_path / "postgresql")
    return tmp_path / "postgresql"


def install(root: Path, *versions: str) -> None:
    """Lay out folders as the packages do."""
    for version in versions:
        (root / version / "bin").mkdir(parents=True)
        (root / version / "bin" / "initdb").touch()


#   installed              found
ROWS = [
    ((),                   None),
    (("14",),              None),
    (("15",),              "15"),
    (("9", "15", "17"),    "17"),
    (("15", "extension"),  "15"),
]  # fmt: skip


@pytest.mark.parametrize(("versions", "found"), ROWS)
def test_newest_supported_version_is_found(
    root: Path, versions: tuple[str, ...], found: str | None
) -> None:
    install(root, *versions)
    programs = debian.find_programs(root)
    assert (programs and programs.postgres_bin) == (found and root / found / "bin")


def test_without_redis_nothing_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(root, "15")
    monkeypatch.setenv("PATH", str(root))
    assert debian.find_programs(root) is None


@pytest.mark.parametrize(("options", "status"), [(["--if-installed"], 0), ([], 2)])
def test_missing_servers_are_told_in_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int
) -> None:
    assert debian.main(options) == status
    [line] = capsys.readouterr().out.splitlines()
    assert "skipped" in line and str(root) in line
