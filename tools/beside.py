"""Runs one command while others run beside it, so that neither core of a small machine idles.

`python -m tools.beside --into FILE COMMAND… -- COMMAND…`: what stands before the dashes runs one
after the other in the background, its output kept in the file; what stands behind them has the
screen and the last line. Where the background fails its output is shown and the exit status is 1;
else it is that of the command in front. Commands in the background are one argument each.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str]) -> int:
    """The exit status of everything."""
    if len(arguments) < 4 or arguments[0] != "--into" or "--" not in arguments:
        print(__doc__, file=sys.stderr)
        return 2
    border = arguments.index("--")
    log, behind, front = Path(arguments[1]), arguments[2:border], arguments[border + 1 :]
    log.parent.mkdir(parents=True, exist_ok=True)
    chain = " && ".join(behind)
    print(f"beside it, into {log}: {chain}", flush=True)
    with log.open("wb") as said:
        child = subprocess.Popen(  # noqa: S602 - commands of our own Makefile
            chain, shell=True, stdout=said, stderr=subprocess.STDOUT, process_group=0
        )
        try:
            status = subprocess.run(front, check=False).returncode
            failed = child.wait() != 0
        except KeyboardInterrupt:
            return INTERRUPTED
        finally:
            _end(child)
    if failed:
        print(f"\n{shlex.join(behind)}\nfailed, and said (in {log}):\n", flush=True)
        sys.stdout.buffer.write(log.read_bytes())
        return 1
    return status


def _end(child: subprocess.Popen[bytes]) -> None:
    """What is still there is told to stop, with all that it started, and waited for."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
