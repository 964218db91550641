"""A process that holds keys leaves no dump and lets nobody read its memory."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import ctypes, resource
from settlement.telemetry.private_memory import keep_memory_private
control = ctypes.CDLL(None).prctl
print(control(3, 0, 0, 0, 0), keep_memory_private(), control(3, 0, 0, 0, 0))
print(resource.getrlimit(resource.RLIMIT_CORE))
"""
"""3 is PR_GET_DUMPABLE of prctl(2)."""


def test_process_is_marked_and_limited() -> None:
    ran = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert ran.stdout == "1 True 0\n(0, 0)\n"
