"""Tries the laws of tests/unit/benefit/laws.py on as many random cases as wanted, on every core.

    python -m tests.property_run --cases 10000000

Each case is tried on every law, under a policy chosen by chance, which comes from a printed
seed: a block of cases depends on the seed and its own number only, so that `--seed S --block N`
tries one block again. What is found is printed with its policy and its case; exit code 1.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from random import Random

import msgspec
from msgspec import Struct

from settlement.benefit import adjudicate
from settlement.case import Case
from settlement.policy.model import Policy
from tests.unit.benefit import laws

BLOCK_CASES = 2_000
LINES_EVERY = 8
"""Pricing lines twice costs as much as all other laws together: one case in so many does"""
PROGRESS_SECONDS = 30.0
_NAMES = sorted(laws.POLICIES)


class Tried(Struct, frozen=True):
    """What came of one block."""

    block: int
    cases: int
    by_policy: dict[str, int]
    split: int
    """cases for which splitting a stay was asked"""
    failure: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Run, print a line now and then, and say how it ended."""
    options = _options().parse_args(arguments)
    seed = options.seed
    if options.block is not None:
        tried = try_block(seed, options.block)
        print(tried.failure or f"block {options.block} of seed {seed}: {tried.cases} cases hold")
        return 1 if tried.failure else 0
    # A bare SIGTERM would leave the processes of the pool behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"seed {seed}, {options.cases} cases, {options.processes} processes", flush=True)
    began = told = time.perf_counter()
    cases = split = 0
    by_policy: Counter[str] = Counter()
    for tried in _run(seed, -(-options.cases // BLOCK_CASES), options):
        if tried.failure:
            print(f"--seed {seed} --block {tried.block}\n{tried.failure}")
            return 1
        cases, split = cases + tried.cases, split + tried.split
        by_policy.update(tried.by_policy)
        now = time.perf_counter()
        if now - told > PROGRESS_SECONDS:
            print(f"{cases} cases, {cases / (now - began):,.0f} a second", flush=True)
            told = now
    seconds = time.perf_counter() - began
    for name, count in sorted(by_policy.items()):
        print(f"  {name:28} {count:>12,}")
    print(
        f"{cases:,} cases hold ({split:,} of them split) in {seconds:,.0f} s: "
        f"{cases / seconds:,.0f} a second"
    )
    return 0


def try_block(seed: int, block: int) -> Tried:
    """Try one block of cases on every law; the first failure ends it."""
    rng = Random(f"{seed}:{block}")
    by_policy: Counter[str] = Counter()
    split = 0
    for number in range(BLOCK_CASES):
        name = _NAMES[rng.randrange(len(_NAMES))]
        policy = laws.POLICIES[name]
        case = laws.random_case(policy, rng)
        try:
            split += _try(case, policy, rng, with_lines=number % LINES_EVERY == 0)
        except Exception:
            failure = f"{name}\n{msgspec.json.encode(case).decode()}\n{traceback.format_exc()}"
            return Tried(block, number, dict(by_policy), split, failure)
        by_policy[name] += 1
    return Tried(block, BLOCK_CASES, dict(by_policy), split)


def _try(case: Case, policy: Policy, rng: Random, *, with_lines: bool) -> bool:
    benefit = adjudicate(case, policy)
    laws.conserves_every_fen(case, policy, benefit)
    laws.never_pays_less_for_more(case, policy, benefit)
    laws.cancel_restores_the_year(case, benefit)
    laws.relatives_pay_what_is_held(case, policy, benefit)
    laws.stored_case_gives_the_same(case, policy, benefit)
    if with_lines:
        laws.order_of_lines_does_not_matter(case, policy, laws.random_lines(rng), rng)
    return laws.splits_evenly(case, policy, benefit, rng.randrange(laws.AMOUNT_MAX))


def _run(seed: int, blocks: int, options: argparse.Namespace) -> Iterable[Tried]:
    """The blocks as they are done, a few ahead of the processes; stops where the time is over."""
    until = time.perf_counter() + options.seconds if options.seconds else float("inf")
    numbers = iter(range(blocks))
    with ProcessPoolExecutor(options.processes, initializer=gc.disable) as pool:
        running: set[Future[Tried]] = set()
        while True:
            free = 2 * options.processes - len(running)
            if time.perf_counter() < until:
                running |= {pool.submit(try_block, seed, each) for each in islice(numbers, free)}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.property_run", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: never")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--block", type=int, help="try one block of a seed again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
