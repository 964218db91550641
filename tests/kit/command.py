"""The `settlement` command, run to its end as a person runs it."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock

from tests.kit.served import ROOT
from tests.services import embedded_environment

SECONDS_MAX = 180
_TURN = Lock()


def settlement(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What the command came to; without an `environment`, with embedded servers."""
    request = {
        "arguments": list(arguments), "directory": os.getcwd(),
        "environment": {**(environment or embedded_environment()), "PYTHONPATH": str(ROOT)},
    }  # fmt: skip
    ours, theirs = socket.socketpair()
    with (
        ours, theirs, tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as err,
    ):  # fmt: skip
        with _TURN:
            descriptors = [out.fileno(), err.fileno(), theirs.fileno()]
            socket.send_fds(_nursery(), [json.dumps(request).encode()], descriptors)
        theirs.close()
        status = _status(ours)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, status, out.read(), err.read())


def refusal(ran: subprocess.CompletedProcess[str]) -> str:
    """What the command said when it would not do it: the last line, without a traceback."""
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("settlement: "), ran.stderr
    return last


def _status(line: socket.socket) -> int:
    """The exit status of a command, negative where a signal ended it."""
    line.settimeout(SECONDS_MAX)
    with line.makefile("r") as told:
        pid = int(told.readline())
        try:
            return int(told.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise


@cache
def _nursery() -> socket.socket:
    """The process that commands of this test run are forked from (tests/kit/nursery.py)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kit.nursery", str(theirs.fileno())],
        env={**embedded_environment(), "PYTHONPATH": str(ROOT)}, pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
