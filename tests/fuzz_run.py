"""Tries every parser on broken input, on every core, for as long as wanted (`make fuzz`).

    python -m tests.fuzz_run --seconds 600
    python -m tests.fuzz_run --parser wechat-v2 --inputs 1000000 --seed 1

What is found is written to build/fuzz/, named for its parser, and told with its traceback; exit
code 1. Such a file goes to tests/unit/fuzz/corpus/ together with the repair. An input that is read
or refused in a new way is changed further, so that a run finds its way into a parser.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from random import Random

from msgspec import Struct

from tests.unit.fuzz.corpus import corpus_of
from tests.unit.fuzz.making import made
from tests.unit.fuzz.parsers import PARSERS
from tests.unit.fuzz.trying import loop, tried

FOUND = Path(__file__).resolve().parent.parent / "build" / "fuzz"
KEPT_MAX = 500
FAULTS_MAX = 5


class Task(Struct, frozen=True, kw_only=True):
    """One parser's share."""

    parser: str
    seed: int
    inputs: int
    seconds: float


class Came(Struct, frozen=True, kw_only=True):
    """What came of a task."""

    parser: str
    inputs: int
    ways: int
    faults: list[tuple[bytes, str]]


def main(arguments: list[str] | None = None) -> int:
    """Run, and say for each parser how many inputs were tried and what was found."""
    options = _options().parse_args(arguments)
    names = options.parser or sorted(PARSERS)
    print(f"seed {options.seed}, {options.processes} processes", flush=True)
    share = options.seconds * options.processes / len(names)
    tasks = [
        Task(parser=name, seed=options.seed, inputs=options.inputs, seconds=share)
        for name in names
    ]
    inputs = faults = 0
    with ProcessPoolExecutor(options.processes) as pool:
        for done in as_completed([pool.submit(run, task) for task in tasks]):
            came = done.result()
            inputs, faults = inputs + came.inputs, faults + len(came.faults)
            print(f"  {came.parser:24} {came.inputs:>10,} inputs, {came.ways:>3} ways", flush=True)
            for content, fault in came.faults:
                print(f"{_keep(came.parser, content)}: {fault}", flush=True)
    print(f"{inputs:,} inputs, {faults} faults")
    return 1 if faults else 0


def run(task: Task) -> Came:
    """Try one parser until its inputs or its time are used up."""
    gc.freeze()
    chance, parser = Random(f"{task.seed}:{task.parser}"), PARSERS[task.parser]
    good = list(corpus_of(task.parser).values())
    ways: set[str] = set()
    faults: dict[str, tuple[bytes, str]] = {}
    until, count, loop_seconds = time.monotonic() + task.seconds, 0, loop()
    while count < task.inputs and time.monotonic() < until and len(faults) < FAULTS_MAX:
        content = made(chance, good)
        outcome = tried(parser, content, loop_seconds=loop_seconds)
        count += 1
        if outcome.fault:
            faults.setdefault(outcome.fault.rpartition("File")[2][:200], (content, outcome.fault))
        elif outcome.said not in ways and len(good) < KEPT_MAX:
            good.append(content)
        ways.add(outcome.said)
    return Came(parser=task.parser, inputs=count, ways=len(ways), faults=list(faults.values()))


def _keep(parser: str, content: bytes) -> Path:
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{parser}-{hashlib.sha256(content).hexdigest()[:8]}.bin"
    path.write_bytes(content)
    return path


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of the whole run, about")
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="at most, of each parser")
    parser.add_argument("--parser", action="append", choices=sorted(PARSERS), help="only this one")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
