"""Pins `requirements*.in` anew into `requirements*.txt`, with the hash of every file published.

No address is written: which index is asked is the business of the machine, not of the tree.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--allow-unsafe",
    "--strip-extras",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-find-links",
)


def main() -> int:
    """Runtime first: what is beside it is constrained by it."""
    for name in (
        "requirements", "requirements-archive", "requirements-traces", "requirements-dev",
    ):
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS]
        subprocess.run([*command, "-o", f"{name}.txt", f"{name}.in"], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
