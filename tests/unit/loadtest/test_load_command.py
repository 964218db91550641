"""`make load` says plainly what it will not do, and leaves no figures of an earlier run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from loadtest.load import __main__ as command


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--preset", "shenzhen"], "there are dongguan, guangdong, nation"),
        (["--hours", "0"], "more than nothing"),
        (["--target", "http://192.0.2.1:80"], "--i-own-this-target"),
        (["--target", "http://127.0.0.1:9"], "--data-dir"),
    ],
)
def test_what_is_refused_is_void_and_an_old_report_is_gone(
    arguments: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["loadtest.load", *arguments])
    (tmp_path / "build").mkdir()
    for ending in ("json", "html", "md"):
        (tmp_path / "build" / f"load.{ending}").write_text("of yesterday")
    assert command.main() == command.REFUSED
    told = json.loads((tmp_path / "build" / "load.json").read_text("utf-8"))
    assert told["void"] is True and why in told["why"][0]
    assert [one.name for one in (tmp_path / "build").iterdir()] == ["load.json"]
    assert "VOID, nothing was played" in capsys.readouterr().err
