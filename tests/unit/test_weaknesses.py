"""Bandit's findings are told unless a line says why they are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.weaknesses import Found, is_excused, look

OPEN = "import subprocess\nsubprocess.run(['ls'], shell=True)\n"


def found(test: str, first: int = 1, last: int = 1) -> Found:
    return {
        "filename": "", "test_id": test, "issue_text": "",
        "line_number": first, "line_range": list(range(first, last + 1)),
    }  # fmt: skip


def test_weakness_is_found_and_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file, twin, kept = tmp_path / "x.py", tmp_path / "y.py", tmp_path / "kept.json"
    file.write_text(OPEN, "utf-8")
    twin.write_text(OPEN, "utf-8")
    first = [(one["filename"], one["test_id"]) for one in look([file, twin], kept=kept)]
    assert {(str(file), "B602"), (str(twin), "B602")} <= set(first)
    assert len(first) == len(set(first)), "files of the same content share what is known"
    kept.write_text(kept.read_text("utf-8").replace("B602", "B999"), "utf-8")
    assert "B999" in {one["test_id"] for one in look([file], kept=kept)}
    file.write_text("print(1)\n", "utf-8")
    assert look([file], kept=kept) == []


@pytest.mark.parametrize(
    ("line", "excused"),
    [
        ("run(x)  # noqa: S602 - a command of our own", True),
        ("run(x)  # noqa: S603, S602 - a command of our own", True),
        ("run(x)  # nosec B602 - a command of our own", True),
        ("run(x)  # noqa: S602", False),
        ("run(x)  # nosec", False),
        ("run(x)  # nosec B602", False),
        ("run(x)  # noqa: S603 - another weakness", False),
        ("run(x)", False),
    ],
)
def test_excuse_names_the_weakness_and_says_why(line: str, excused: bool) -> None:
    assert is_excused(found("B602"), "settlement/x.py", [line]) is excused
    assert is_excused(found("B602", 1, 2), "settlement/x.py", ["run(", line]) is excused


def test_listed_excuse_holds_in_its_folder_only() -> None:
    assert is_excused(found("B311"), "loadtest/workload.py", [""])
    assert not is_excused(found("B311"), "settlement/gateway.py", [""])
    assert not is_excused(found("B105"), "settlement/refusals.py", [""])
