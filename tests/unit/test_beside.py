"""What runs beside the tests is waited for, and cannot fail unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT


def run(log: Path, behind: str, front: str) -> subprocess.CompletedProcess[str]:
    """Both as shell commands."""
    command = [sys.executable, "-m", "tools.beside", "--into", str(log)]
    return subprocess.run(
        [*command, behind, "true", "--", "sh", "-c", front],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("behind", "front", "status"),
    [("echo quiet", "echo loud", 0), ("exit 3", "echo loud", 1), ("echo quiet", "exit 5", 5)],
)
def test_both_must_succeed(tmp_path: Path, behind: str, front: str, status: int) -> None:
    assert run(tmp_path / "log", behind, front).returncode == status


def test_front_has_the_last_line_and_a_good_background_is_silent(tmp_path: Path) -> None:
    done = run(tmp_path / "log", "echo quiet", "echo loud")
    assert done.stdout.splitlines()[-1] == "loud"
    assert (tmp_path / "log").read_text() == "quiet\n"


def test_background_that_fails_is_shown(tmp_path: Path) -> None:
    failed = run(tmp_path / "log", "echo what went wrong; false", "echo loud")
    assert failed.stdout.splitlines()[-1] == "what went wrong"


def test_front_waits_for_the_background(tmp_path: Path) -> None:
    """The background goes on when the front has ended: it is let through only then."""
    gate = tmp_path / "gate"
    done = run(
        tmp_path / "log",
        f"mkfifo {gate} && cat {gate}",
        f"until [ -p {gate} ]; do :; done; echo through > {gate}",
    )
    assert done.returncode == 0
    assert (tmp_path / "log").read_text() == "through\n"
