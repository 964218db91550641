"""What `settlement verify --json` prints is read strictly; servers do not outlive their program."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.server import ServerError, read_verdict


def test_a_good_verdict_needs_ok_and_exit_status_zero() -> None:
    printed = b'{"ok":true,"journals":2,"entries":10,"first_bad":null}'
    good = read_verdict(printed, 0, b"", 1.5)
    assert (good.ok, good.journals, good.entries, good.first_bad) == (True, 2, 10, None)
    assert not read_verdict(printed, 1, b"", 1.5).ok


def test_a_bad_verdict_names_the_place() -> None:
    printed = b'{"ok":false,"journals":[1,2],"entries":10,"first_bad":{"block":3}}'
    bad = read_verdict(printed, 1, b"", 1.5)
    assert (bad.ok, bad.journals) == (False, 2)
    assert bad.first_bad is not None
    assert "3" in bad.first_bad


def test_no_json_is_an_error_that_quotes_what_was_said() -> None:
    with pytest.raises(ServerError, match="no database"):
        read_verdict(b"", 2, b"no database here", 0.1)


SERVING = """
import json, signal, sys
print(json.dumps({"event": "ready", "url": "http://127.0.0.1:9"}), flush=True)
signal.pause()
"""
PROGRAM = """
import os, signal, sys
from pathlib import Path
from loadtest.server import Server
command = [sys.executable, sys.argv[1]]
with Server(Path("data"), workers=1, environment=os.environ, command=command) as server:
    print(server.pid, flush=True)
    signal.pause()
"""


def test_a_program_that_is_told_to_end_stops_its_server_first(tmp_path: Path) -> None:
    serving = tmp_path / "serving.py"
    serving.write_text(SERVING)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(serving)], stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=60) == 128 + signal.SIGTERM
    assert not Path(f"/proc/{pid}").exists()
