"""Turns windows into figures, and figures into a table with the goals beside them. Pure.

A figure is a number under a stable key (build/bench.json). Rates are medians of several short
windows; ratios are medians of ratios of neighbouring windows, because the machine's own speed
drifts. A goal that was not measured is shown as such, never as met.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from loadtest.generator.tally import Tally

Figure: TypeAlias = "float | int | str | bool | dict[str, Figure] | list[str] | None"


class Goal(Struct, frozen=True, kw_only=True):
    """A row of the table: where the figure is (a dotted path) and what it should be."""

    label: str
    path: str
    at_least: float | None = None
    at_most: float | None = None


GOALS = (
    Goal(label="one-shot settlements a second", path="oneshot_per_s", at_least=10_000),
    Goal(label="  p50, ms (closed loop)", path="oneshot_p50_ms"),
    Goal(label="  p99, ms (closed loop)", path="oneshot_p99_ms"),
    Goal(label="  transfers a settlement", path="transfers_per_settlement", at_least=5),
    Goal(label="bare echo a second", path="echo_per_s"),
    Goal(label="  one-shot / echo", path="ratio_echo", at_least=0.5),
    Goal(label="TPC-B transactions a second", path="tpcb_per_s"),
    Goal(label="  one-shot / TPC-B", path="ratio_tpcb", at_least=3.5),
    Goal(label="outpatient visits a second", path="visits_per_s", at_least=1_600),
    Goal(label="1,000/s open loop: p50, ms", path="open_loop_1000.p50", at_most=3),
    Goal(label="1,000/s open loop: p99, ms", path="open_loop_1000.p99", at_most=15),
    Goal(label="1,000/s open loop: p99.9, ms", path="open_loop_1000.p999", at_most=50),
    Goal(label="one institution / spread", path="hot_cold_ratio", at_least=0.95),
    Goal(label="100 persons / spread", path="hot_persons_ratio", at_least=0.8),
    Goal(label="while verifying / alone", path="settle_during_verify_ratio", at_least=0.9),
    Goal(label="bytes stored a settlement", path="bytes_per_settlement", at_most=3 * 1024),
    Goal(label="WAL bytes a settlement", path="wal_bytes_per_settlement", at_most=4 * 1024),
    Goal(label="verify, transfers a second", path="verify_per_s", at_least=200_000),
    Goal(label="CPU a settlement, us: gateway", path="cpu_us_per_settlement.gateway"),
    Goal(label="CPU a settlement, us: postgres", path="cpu_us_per_settlement.postgres"),
    Goal(label="CPU a settlement, us: worker", path="cpu_us_per_settlement.worker"),
    Goal(label="CPU a settlement, us: supervisor", path="cpu_us_per_settlement.supervisor"),
    Goal(label="CPU a settlement, us: redis", path="cpu_us_per_settlement.redis"),
    Goal(label="CPU a settlement, us: generator", path="cpu_us_per_settlement.generator"),
    Goal(label="SM2 checks a second of a core", path="sm2_per_s"),
    Goal(label="  ours / the library's own", path="sm2_ratio", at_least=0.8),
    Goal(label="journals", path="journals"),
)


def median_rate(tallies: Sequence[Tally]) -> float | None:
    """The median of the windows' completed units a second; None without windows."""
    if not tallies:
        return None
    return round(statistics.median(tally.units_per_second for tally in tallies), 1)


def median_of(values: Sequence[float]) -> float | None:
    """The median, to four decimals; None of nothing."""
    return round(statistics.median(values), 4) if values else None


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float | None:
    """Median of the ratios of windows measured next to each other."""
    pairs = zip(numerators, denominators, strict=True)
    return median_of([one / other for one, other in pairs if other])


def table(figures: Mapping[str, Figure]) -> str:
    """The figures with their goals, for the terminal."""
    lines = [f"{'figure':<36}{'measured':>12}  {'goal':<12}"]
    for goal in GOALS:
        value = lookup(figures, goal.path)
        if value is None and goal.at_least is None and goal.at_most is None:
            continue
        lines.append(f"{goal.label:<36}{_printed(value):>12}  {_aim(goal):<12}{_met(goal, value)}")
    return "\n".join(line.rstrip() for line in lines)


def lookup(figures: Mapping[str, Figure], path: str) -> float | None:
    """A number by its dotted path; None where it is missing or not a number."""
    value: object = figures
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value if isinstance(value, int | float) else None


def _printed(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.3g}"


def _aim(goal: Goal) -> str:
    if goal.at_least is not None:
        return f">= {goal.at_least:,g}"
    return f"<= {goal.at_most:,g}" if goal.at_most is not None else ""


def _met(goal: Goal, value: float | None) -> str:
    if goal.at_least is None and goal.at_most is None:
        return ""
    if value is None:
        return "not measured"
    low = goal.at_least is None or value >= goal.at_least
    high = goal.at_most is None or value <= goal.at_most
    return "met" if low and high else "MISSED"
