"""What a process counts and how it shows it: plain integers, and a form that fits into a file.

Knows no metric by name; which there are is declared in `metrics`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct

Sample = tuple[tuple[str, ...], int | float]
"""Values of labels, in the order in which they are declared, and a number."""


class Tally:
    """Observations counted between bounds."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def observe_all(self, values: Iterable[float]) -> None:
        """Count many."""
        for value in values:
            self.observe(value)

    def resume(self, before: Shown) -> None:
        """Go on from what was shown, where it has the same bounds."""
        counts, total = before
        if len(counts) == len(self.counts):
            self.counts, self.total = list(counts), total


Shown = tuple[list[int], float]
"""A tally as it is published: its counts and the sum of what it observed."""


class Pool:
    """Connections of one name in a process: how many there may be, how many are in use, and what
    was waited for them."""

    __slots__ = ("busy", "size", "uses", "waited_seconds")

    def __init__(self) -> None:
        self.size = 0
        self.busy = 0
        self.uses = 0
        self.waited_seconds = 0.0


class Numbers(Struct, kw_only=True):
    """The numbers of one process, as they are published."""

    pid: int
    requests: dict[str, list[int]] = {}
    request_seconds: dict[str, Shown] = {}
    histograms: dict[str, Shown] = {}
    counters: dict[str, int] = {}
    gauges: dict[str, int] = {}
    samples: dict[str, list[Sample]] = {}
    """what has labels and is this process's own"""
    census: dict[str, list[Sample]] = {}
    """what is counted for all by whoever holds the lease; `metrics` says how long it holds good"""
    census_at: float | None = None
    starts: int = 1
    switches_at: float | None = None
    """when this process last knew that it has the newest stop switches; None where it needs none"""
    reference_at: float | None = None
    """the same of all reference data"""
