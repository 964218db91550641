"""Sees to it that the browser tests have a browser, and it letters: Debian's chromium and a Chinese
font, where we may install them.

Says what it did, or why there is none; the tests then skip themselves and say so too.
"""

from __future__ import annotations

import shutil
import subprocess

from tools.debian import install, may_install

NAMES = ("chromium", "chromium-browser", "google-chrome")


FONT = "fonts-wqy-microhei"


def main() -> int:
    """Always 0: a machine without a browser can run all other tests."""
    wanted = [] if any(map(shutil.which, NAMES)) else ["chromium"]
    if not _writes_chinese():
        wanted.append(FONT)
    if not wanted:
        return 0
    if not may_install():
        print(f"browser tests: there is no {' and no '.join(wanted)}, and no right to install it")
        return 0
    words = "installed" if install(wanted) else "could not be installed"
    print(f"browser tests: {' and '.join(wanted)} {words}", flush=True)
    return 0


def _writes_chinese() -> bool:
    """Whether there is a font for it; without one the pictures of pages are rows of boxes."""
    listed = shutil.which("fc-list")
    if listed is None:
        return False
    # fontconfig's own list; nothing from outside is in the command
    found = subprocess.run([listed, ":lang=zh", "family"], capture_output=True, check=False)
    return bool(found.stdout.strip())


if __name__ == "__main__":
    raise SystemExit(main())
