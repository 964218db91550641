"""What limited a run, and how many such machines a city, a province and the country need. Pure.

Sizing is by processor time: what a settlement of this mix took of the server's processors, with
clients and payment channels on machines of their own, and no processor busier than three fifths in
the fullest hour of the month. It is on the safe side where batches are small, for they grow with
the load, and a settlement in a larger batch takes less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from loadtest.generator.counts import Counts
from loadtest.load.presets import PRESETS
from loadtest.load.rhythm import busiest_per_second

BUSY_AT_MOST = 0.6
"""Share of its processors that a machine may use in the fullest hour: the rest is for bursts within
the hour, for verify and close, and for the day on which another machine is gone."""
BUSY_FULL, WAITING_FULL, OTHERS_MANY = 0.85, 0.25, 0.15
BUSY_LITTLE = 0.25
"""With less, what a settlement takes is mostly what an idle server takes."""
P99_MS_MAX = 100.0
MONTHS = 12


class Size(Struct, frozen=True, kw_only=True):
    """What one preset needs of machines such as this one."""

    preset: str
    chinese: str
    settlements_a_month: int
    busiest_per_s: float
    machines: int
    one_carries_per_s: float
    stored_gb_a_year: float


def sizes(*, cpu_us: int, cores: int, bytes_each: int) -> list[Size]:
    """One for each preset; none where nothing was settled."""
    if cpu_us <= 0:
        return []
    carries = BUSY_AT_MOST * cores * 1e6 / cpu_us
    return [
        Size(
            preset=one.name, chinese=one.chinese, settlements_a_month=one.settlements_a_month,
            busiest_per_s=round(busiest_per_second(one), 1),
            machines=math.ceil(busiest_per_second(one) / carries),
            one_carries_per_s=round(carries, 1),
            stored_gb_a_year=round(one.settlements_a_month * MONTHS * bytes_each / 1e9, 1),
        )
        for one in PRESETS
    ]  # fmt: skip


def what_limits(
    counts: Counts, *, points_p99: float, busy_most: float, waiting_most: float,
    others_mean: float, server_mean: float, by_kind: Mapping[str, int],
) -> list[str]:  # fmt: skip
    """In words, the most pressing first; `by_kind` has the server's own processes."""
    said = []
    largest = max(by_kind, key=lambda kind: by_kind[kind], default="")
    if busy_most >= BUSY_FULL:
        said.append(
            f"the processors: {busy_most:.0%} busy in the fullest twenty seconds; most of a "
            f"settlement's time is spent by {largest} ({by_kind[largest]} us)"
        )
    if waiting_most >= WAITING_FULL:
        said.append(f"the disk: processors were idle and waited for it, {waiting_most:.0%} at most")
    if counts.dropped:
        said.append(
            f"{counts.dropped} customers found no free connection for ten seconds, and left: the "
            "rate was more than this machine carries"
        )
    if points_p99 > P99_MS_MAX:
        said.append(f"the slowest stretch has a p99 of {points_p99:.0f} ms")
    if others_mean >= OTHERS_MANY:
        said.append(
            f"others used {others_mean:.0%} of the machine: its figures are not those of a free one"
        )
    if not said:
        said.append(
            f"nothing: the processors were {busy_most:.0%} busy in the fullest twenty seconds"
        )
    if server_mean < BUSY_LITTLE:
        said.append(
            f"the server itself used {server_mean:.0%} of the processors: its batches were small, "
            "and the numbers of machines are too high. Play it faster (--hours) or more (--scale)"
        )
    return said
