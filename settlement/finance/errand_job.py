"""A long errand in a process of its own (`python -m settlement.finance.errand_job`).

It takes its processor time here, at a low priority, and from no page of the console. The errand
comes as one JSON line on stdin, because logins have no place in a command line; while it is done,
lines on stdout say how far it is, and the last one what it came to. Where stdin ends, it was
cancelled or whoever ordered it is gone: the act is given up, and what it had not committed is not.
"""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec
from msgspec import Struct

from settlement.clock import monotonic
from settlement.finance.errands import Errand, perform
from settlement.finance.progress import Tell
from settlement.said import Said
from settlement.telemetry.private_memory import keep_memory_private

NICENESS = 5
TOLD_EVERY_SECONDS = 0.2
GIVEN_UP = 3


class Progress(Struct, frozen=True, tag="progress"):
    """How far it is."""

    done: int
    whole: int


class Ended(Struct, frozen=True, tag="ended"):
    """What it came to."""

    said: Said


Line = Progress | Ended


def main() -> int:
    """Read the errand and do it."""
    keep_memory_private()
    errand = msgspec.json.decode(sys.stdin.buffer.readline(), type=Errand)
    os.nice(NICENESS)
    try:
        said = asyncio.run(_until_told(errand))
    except asyncio.CancelledError:
        return GIVEN_UP
    _say(Ended(said))
    return 0


async def _until_told(errand: Errand) -> Said:
    """Do it, unless stdin ends first."""
    doing = asyncio.ensure_future(perform(errand, _teller()))
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            doing.cancel()

    loop.add_reader(descriptor, readable)
    return await doing


def _teller() -> Tell:
    """Tells how far it is, now and then, and always the end of a stage."""
    told_at = 0.0

    def tell(done: int, whole: int) -> None:
        nonlocal told_at
        now = monotonic()
        if done < whole and now - told_at < TOLD_EVERY_SECONDS:
            return
        told_at = now
        _say(Progress(done, whole))

    return tell


def _say(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    raise SystemExit(main())
