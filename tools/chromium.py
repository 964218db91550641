"""Sees to it that the browser tests have a browser: Debian's chromium, where we may install it.

Says what it did, or why there is none; the tests then skip themselves and say so too.
"""

from __future__ import annotations

import shutil

from tools.debian import install, may_install

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Always 0: a machine without a browser can run all other tests."""
    if any(map(shutil.which, NAMES)):
        return 0
    if not may_install():
        print("browser tests: skipped, there is no chromium and no right to install it")
        return 0
    installed = install(["chromium"])
    words = "chromium installed" if installed else "skipped, chromium could not be installed"
    print(f"browser tests: {words}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
