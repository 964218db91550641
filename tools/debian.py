"""Installs Debian's packages for tests that want them, where we may.

Services that a package brings are not started, and stay as they were: whoever needs one starts one
of its own, in a directory of its own. Which mirror is asked is the business of the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SECONDS_MAX = 240
POLICY = Path("/usr/sbin/policy-rc.d")
"""What packages ask before they start a service; 101 forbids it."""
_FORBIDS = "#!/bin/sh\nexit 101\n"
_INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends")
_UPDATE = ("apt-get", "update", "--quiet")


def may_install() -> bool:
    """Whether this is a Debian and we are its root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> bool:
    """Whether they are there now."""
    with _no_service_starts():
        command = (*_INSTALL, *packages)
        return _ran(command) or (_ran(_UPDATE) and _ran(command))


@contextmanager
def _no_service_starts() -> Iterator[None]:
    if POLICY.exists():
        yield  # the machine has a rule of its own
        return
    POLICY.write_text(_FORBIDS)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _ran(command: tuple[str, ...]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
