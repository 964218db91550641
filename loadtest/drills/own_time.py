"""What a channel leg adds to a sale but the wait for the channel, from the server's own histograms.

`call` ends when the channel's answer is read and checked, `leg` when what it said is committed
(docs/reference/metrics.md). A percentile is interpolated between the bounds that it falls between.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Mapping

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

METRICS = {
    "call": "settlement_channel_call_seconds",
    "leg": "settlement_channel_leg_seconds",
}
PERCENTS = (50, 99)
FETCH_SECONDS_MAX = 30
SHOWN_SECONDS_MAX = 3.0
"""The processes of a server show each other their numbers twice a second."""
LOOK_SECONDS = 0.1


class Buckets(Struct, frozen=True):
    """A histogram of Prometheus: how many were at most so long, by bound in seconds."""

    up_to: Mapping[float, float]

    @property
    def count(self) -> int:
        """All of them."""
        return round(max(self.up_to.values(), default=0.0))

    def less(self, before: Buckets) -> Buckets:
        """What came since."""
        return Buckets({at: n - before.up_to.get(at, 0.0) for at, n in self.up_to.items()})

    def percentile_ms(self, percent: float) -> float | None:
        """None where nothing was counted, or where it is beyond the last bound."""
        rank, below, seen = self.count * percent / 100, 0.0, 0.0
        for bound in sorted(self.up_to):
            within = self.up_to[bound]
            if within >= rank and within > seen:
                if bound == float("inf"):
                    return None
                return round((below + (bound - below) * (rank - seen) / (within - seen)) * 1e3, 2)
            below, seen = bound, within
        return None


NOTHING = Buckets({})
Read = dict[str, Buckets]


def of_page(page: str) -> Read:
    """Both histograms from a page of /metrics."""
    found = dict.fromkeys(METRICS, NOTHING)
    for family in text_string_to_metric_families(page):
        for name, metric in METRICS.items():
            if family.name == metric:
                found[name] = Buckets(
                    {
                        float(sample.labels["le"]): sample.value
                        for sample in family.samples
                        if sample.name.endswith("_bucket")
                    }
                )
    return found


def read(url: str, *, at_least: int = 0) -> Read:
    """As they stand, once so many payments are in them or no more come."""
    until = time.monotonic() + SHOWN_SECONDS_MAX
    while True:
        found = of_page(_page(f"{url}/metrics"))
        if found["leg"].count >= at_least or time.monotonic() > until:
            return found
        time.sleep(LOOK_SECONDS)


def since(now: Read, before: Read) -> Read:
    """What came in between."""
    return {name: one.less(before[name]) for name, one in now.items()}


def figures(read: Read) -> dict[str, float | int | None]:
    """Median and 99th percentile of both, in milliseconds, and of how many payments."""
    shown: dict[str, float | int | None] = {
        f"{name}_p{percent}": buckets.percentile_ms(percent)
        for name, buckets in read.items()
        for percent in PERCENTS
    }
    return shown | {"payments": read["leg"].count}


def _page(url: str) -> str:
    if not url.startswith("http://127.0.0.1:"):
        raise ValueError(f"not a server of our own: {url}")
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS_MAX) as reply:  # noqa: S310 - ours
        content: bytes = reply.read()
    return content.decode()
