"""Whether a server that works at one rate stays as it is: its last third against the one before."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from itertools import pairwise

from msgspec import Struct

from loadtest.generator.counts import Stretch
from loadtest.load.watch import Sample

SECONDS_MIN = 300.0
"""Below, a third is mostly warming up."""
SAMPLES_MIN = 2
"""Of a third: what was spent is a difference."""


class Steady(Struct, frozen=True, kw_only=True):
    """The last third of a run ÷ the second third; the first one is for warming up."""

    settled: float
    """settlements that were answered"""
    cpu_per_settlement: float
    """processor time of the server"""
    private_bytes: float
    """memory that the server's processes have for themselves, at the median of the samples"""


def steadiness(
    stretches: Sequence[Stretch], samples: Sequence[Sample], *, seconds: float,
    not_the_servers: Collection[str],
) -> Steady | None:  # fmt: skip
    """None where the run was too short to tell."""
    bounds = [seconds * third / 3 for third in (1, 2, 3)]
    middle, last = (
        [one for one in samples if begin <= one.at_seconds <= end]
        for begin, end in pairwise(bounds)
    )
    if seconds < SECONDS_MIN or min(len(middle), len(last)) < SAMPLES_MIN:
        return None
    third = len(stretches) // 3
    settled = [
        sum(one.settled for one in part)
        for part in (stretches[third : 2 * third], stretches[2 * third :])
    ]
    if not all(settled):
        return None
    spent = [_cpu_seconds(part, not_the_servers) for part in (middle, last)]
    held = [_private_bytes(part, not_the_servers) for part in (middle, last)]
    return Steady(
        settled=round(settled[1] / settled[0], 3),
        cpu_per_settlement=round(spent[1] / settled[1] / (spent[0] / settled[0]), 3),
        private_bytes=round(held[1] / held[0], 3),
    )


def _cpu_seconds(samples: Sequence[Sample], without: Collection[str]) -> float:
    """A second of it, by the time between the first and the last look."""
    first, last = samples[0], samples[-1]
    spent = sum(
        value - first.cpu_seconds.get(kind, 0.0)
        for kind, value in last.cpu_seconds.items()
        if kind not in without
    )
    return spent / (last.at_seconds - first.at_seconds)


def _private_bytes(samples: Sequence[Sample], without: Collection[str]) -> float:
    return statistics.median(
        sum(value for kind, value in one.private_bytes.items() if kind not in without)
        for one in samples
    )
