"""The `settlement` command, run to its end as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.kit.served import ROOT
from tests.services import embedded_environment

SECONDS_MAX = 180


def settlement(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What the command came to; without an `environment`, with embedded servers."""
    return subprocess.run(
        [sys.executable, "-m", "settlement.cli", *arguments],
        env={**(environment or embedded_environment()), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
    )  # fmt: skip


def refusal(ran: subprocess.CompletedProcess[str]) -> str:
    """What the command said when it would not do it: the last line, without a traceback."""
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("settlement: "), ran.stderr
    return last
