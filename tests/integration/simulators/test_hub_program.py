"""The simulated hub as a program: it stops when it is told to, whoever started it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

STOP_SECONDS_MAX = 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_hub_stops_when_told_also_where_ctrl_c_was_ignored_before(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtest.simulators.hub_server", "--port", "0"],
        stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(STOP_SECONDS_MAX) == 0
    finally:
        process.kill()
        process.wait()
