"""`make simulate SEEDS=… FROM=… [STORY=1]`: play seeds, print the rate, and what breaks.

A seed that breaks a law is named with its step and the command that plays it again; with STORY=1
everything that happened up to there is told.
"""

from __future__ import annotations

import argparse
import gc
import secrets
import sys
import time
from collections import Counter

from tests.simulation.whole.story import StoryBroken, Told, play

HOUR = 3_600.0
TOLD_EVERY = 500
COLLECTED_EVERY = 20


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 where a seed broke a law."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--from", dest="first", type=int, help="a fresh one if absent")
    parser.add_argument("--story", action="store_true", help="tell what happens")
    given = parser.parse_args(arguments)
    first = secrets.randbelow(2**31) if given.first is None else given.first
    print(f"seeds {first} to {first + given.seeds - 1}")
    began, operations = time.process_time(), 0
    faults: Counter[str] = Counter()
    gc.disable()
    for number, seed in enumerate(range(first, first + given.seeds), 1):
        if number % COLLECTED_EVERY == 0:
            gc.collect()
        try:
            told = play(seed, tell=print if given.story else None)
        except StoryBroken as broken:
            print(_broken(broken))
            return 1
        operations += told.operations
        faults += told.faults
        if number % TOLD_EVERY == 0:
            print(_rate(number, operations, faults, time.process_time() - began), flush=True)
    print(_rate(given.seeds, operations, faults, time.process_time() - began))
    if given.seeds == 1:
        print(_one(told))
    return 0


def _broken(broken: StoryBroken) -> str:
    return "\n".join([
        f"FAILED  seed       {broken.seed}",
        f"        step       {broken.step}",
        f"        invariant  {broken.law}",
        f"        found      {broken.found}",
        f"        replay     {broken.command}",
    ])  # fmt: skip


def _rate(seeds: int, operations: int, faults: Counter[str], seconds: float) -> str:
    return (
        f"{seeds} seeds, {operations} operations, {faults.total()} faults in {seconds:.1f} s of"
        f" one core: {seeds / seconds * HOUR:,.0f} seeds an hour"
    )


def _one(told: Told) -> str:
    kinds = ", ".join(f"{what} {count}" for what, count in told.faults.most_common())
    return f"{told.steps} steps in {told.virtual_seconds:.0f} s; {kinds}; digest {told.digest}"


if __name__ == "__main__":
    sys.exit(main())
