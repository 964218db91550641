"""Sees to it that the browser tests have a browser: Debian's chromium, where we may install it.

Says what it did, or why there is none; the tests then skip themselves and say so too. Which mirror
is asked is the business of the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS_MAX = 240
_INSTALL = ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium")
_UPDATE = ("apt-get", "update", "--quiet")


def main() -> int:
    """Always 0: a machine without a browser can run all other tests."""
    if any(map(shutil.which, NAMES)):
        return 0
    if os.geteuid() or shutil.which("apt-get") is None:
        print("browser tests: skipped, there is no chromium and no right to install it")
        return 0
    installed = _ran(_INSTALL) or (_ran(_UPDATE) and _ran(_INSTALL))
    words = "chromium installed" if installed else "skipped, chromium could not be installed"
    print(f"browser tests: {words}", flush=True)
    return 0


def _ran(command: tuple[str, ...]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, check=False, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
