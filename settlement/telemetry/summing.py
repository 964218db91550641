"""Numbers of several processes as one page of metrics, in the text format of Prometheus.

What is counted for ever is added up over all processes that ever were; what is so now, over those
that are alive. Times are the machine's monotonic clock, which its processes share. The page is
written here and not by the library of Prometheus, because a gateway does nothing else meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from prometheus_client.core import Metric

from settlement.telemetry.numbers import Numbers, Sample, Shown

REFERENCE_SECONDS_MAX = 5.0
"""A process that has not made sure for so long counts as behind; it looks twice a second."""
CENSUS_SECONDS_MAX = 90.0
"""What was counted longer ago is not shown: nobody holds the lease here, or counting fails."""


class Declared(Struct, frozen=True, kw_only=True):
    """A metric: what it is, the names of its labels, the bounds of a histogram."""

    metric: Metric
    labels: tuple[str, ...]
    bounds: tuple[float, ...]


class Page:
    """Written from what processes have published; `outcomes` are the labels of the counts of
    requests."""

    def __init__(
        self, processes: Sequence[Numbers], *, outcomes: Sequence[str], now: float
    ) -> None:
        self._processes = processes
        self._alive = [one for one in processes if _is_alive(one.pid)]
        self._outcomes = outcomes
        self._now = now

    def text(self, declared: Iterable[Declared]) -> str:
        """The page: each metric with its meaning and kind, then its numbers."""
        lines: list[str] = []
        for one in declared:
            metric = one.metric
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            lines += (f"# HELP {name} {metric.documentation}", f"# TYPE {name} {metric.type}")
            if one.bounds:
                lines += self._histogram(one)
                continue
            for values, value in self._samples(name, one):
                lines.append(f"{name}{_braced(one.labels, values)} {float(value)!r}")
        return "\n".join(lines) + "\n"

    def _samples(self, name: str, one: Declared) -> Iterator[Sample]:
        match name:
            case "settlement_requests_total":
                yield from self._requests()
            case "settlement_processes":
                yield (), len(self._alive)
            case "settlement_reference_behind":
                yield from self._behind()
            case _ if one.metric.type == "gauge":
                yield from self._gauge(name, one)
            case _ if one.labels:
                yield from _added(each.samples.get(name, ()) for each in self._processes)
            case _:
                yield (), sum(each.counters.get(name, 0) for each in self._processes)

    def _gauge(self, name: str, one: Declared) -> Iterator[Sample]:
        counted = self._census().get(name)
        if counted is not None:
            yield from counted
        elif any(name in each.gauges for each in self._processes):
            yield (), sum(each.gauges.get(name, 0) for each in self._alive)
        else:
            yield from _added(each.samples.get(name, ()) for each in self._alive)

    def _requests(self) -> Iterator[Sample]:
        sums: dict[str, list[int]] = {}
        for each in self._processes:
            for infno, counts in each.requests.items():
                before = sums.get(infno, [0] * len(self._outcomes))
                sums[infno] = [old + new for old, new in zip(before, counts, strict=True)]
        for infno, counts in sorted(sums.items()):
            for outcome, count in zip(self._outcomes, counts, strict=True):
                yield (infno, outcome), count

    def _behind(self) -> Iterator[Sample]:
        for part, field in (("switches", "switches_at"), ("all", "reference_at")):
            sure = [getattr(each, field) for each in self._alive]
            behind = [at for at in sure if at is not None and self._is_old(at)]
            yield (part,), len(behind)

    def _is_old(self, at: float) -> bool:
        return self._now - at > REFERENCE_SECONDS_MAX

    def _census(self) -> Mapping[str, Sequence[Sample]]:
        newest = max(self._alive, key=lambda one: one.census_at or 0.0, default=None)
        if newest is None or newest.census_at is None:
            return {}
        return newest.census if self._now - newest.census_at <= CENSUS_SECONDS_MAX else {}

    def _histogram(self, one: Declared) -> Iterator[str]:
        name = one.metric.name
        by_label: dict[tuple[str, ...], list[Shown]] = {} if one.labels else {(): []}
        for each in self._processes:
            if one.labels:
                for infno, shown in each.request_seconds.items():
                    by_label.setdefault((infno,), []).append(shown)
            elif name in each.histograms:
                by_label[()].append(each.histograms[name])
        bounds = [*map(str, one.bounds), "+Inf"]
        for values, tallies in sorted(by_label.items()):
            inside = _inside(one.labels, values)
            head = f"{name}_bucket{{{inside}," if inside else f"{name}_bucket{{"
            counts, total = _summed(len(bounds), tallies)
            below = 0
            for bound, count in zip(bounds, counts, strict=True):
                below += count
                yield f'{head}le="{bound}"}} {below}.0'
            braced = _braced(one.labels, values)
            yield f"{name}_count{braced} {below}.0"
            yield f"{name}_sum{braced} {total!r}"


def _summed(length: int, tallies: Iterable[Shown]) -> tuple[list[int], float]:
    counts, total = [0] * length, 0.0
    for own, own_total in tallies:
        total += own_total
        for index, count in enumerate(own):
            counts[index] += count
    return counts, total


def _braced(names: Sequence[str], values: Sequence[str]) -> str:
    return f"{{{_inside(names, values)}}}" if names else ""


def _inside(names: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(
        f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _added(of_each: Iterable[Iterable[Sample]]) -> Iterator[Sample]:
    sums: dict[tuple[str, ...], int | float] = {}
    for samples in of_each:
        for labels, value in samples:
            sums[labels] = sums.get(labels, 0) + value
    yield from sorted(sums.items())


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
