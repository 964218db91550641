"""Sees to it that alert rules can be tested: promtool of Debian's package `prometheus`.

The package is fetched and unpacked under build/, not installed: it would start a server. Says what
it did, or why there is none; the tests then skip themselves. Which mirror is asked is the business
of the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOM = ROOT / "build" / "prometheus"
UNPACKED = ROOM / "usr" / "bin" / "promtool"
SECONDS_MAX = 240
_DOWNLOAD = ("apt-get", "download", "--quiet", "prometheus")
_UPDATE = ("apt-get", "update", "--quiet")


def find() -> Path | None:
    """The program, installed or unpacked by us."""
    installed = shutil.which("promtool")
    if installed is not None:
        return Path(installed)
    return UNPACKED if UNPACKED.exists() else None


def main() -> int:
    """Always 0: a machine without it can run all other tests."""
    if find() is not None:
        return 0
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        print("tests of alert rules: skipped, there is no promtool and no apt-get to fetch it")
        return 0
    ROOM.mkdir(parents=True, exist_ok=True)
    fetched = _ran(_DOWNLOAD) or (os.geteuid() == 0 and _ran(_UPDATE) and _ran(_DOWNLOAD))
    unpacked = fetched and _unpack()
    words = "promtool fetched" if unpacked else "skipped, promtool could not be fetched"
    print(f"tests of alert rules: {words}", flush=True)
    return 0


def _unpack() -> bool:
    archive = max(ROOM.glob("prometheus_*.deb"), default=None)
    if archive is None or not _ran(("dpkg-deb", "--extract", str(archive), str(ROOM))):
        return False
    archive.unlink()
    return UNPACKED.exists()


def _ran(command: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(
            command, cwd=ROOM, capture_output=True, check=False, timeout=SECONDS_MAX
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
