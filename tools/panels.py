"""What a dashboard is made of, as data. How Grafana wants it said is known to `dashboards`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """How a panel shows its numbers; the value is Grafana's name of it."""

    LINES = "timeseries"
    FIGURE = "stat"
    BARS = "bargauge"


class Unit:
    """Units as Grafana names them."""

    NUMBER = "short"
    SECONDS = "s"
    PER_SECOND = "ops"
    PER_MINUTE = "opm"
    BYTES = "bytes"
    SHARE = "percentunit"
    YUAN = "currency:¥"


@dataclass(frozen=True)
class Query:
    """A question to Prometheus, and what its lines are called."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One question. `about` says what the answer means, and what to do about a bad one."""

    title: str
    about: str
    queries: tuple[Query, ...]
    unit: str
    kind: Kind = Kind.LINES
    width: int = 8
    limits: tuple[float, ...] = ()
    """from where it is bad (one), or doubtful and bad (two)"""
    least: int | None = 0
    decimals: int | None = None
    stacked: bool = False


@dataclass(frozen=True)
class Section:
    """Panels that belong together, under a title."""

    title: str
    panels: tuple[Panel, ...]
    height: int = 8


@dataclass(frozen=True)
class Dashboard:
    """What one kind of person looks at. `uid` is also the name of its file."""

    uid: str
    title: str
    about: str
    sections: tuple[Section, ...]
    hours: int = 6
    refresh: str = "30s"
    marks_alerts: bool = field(default=True, kw_only=True)


def quantile(share: float, histogram: str, *, by: str = "", where: str = "") -> str:
    """A quantile of a histogram over all servers."""
    of_bucket = f"le, {by}" if by else "le"
    rate = f"rate({histogram}_bucket{where}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({of_bucket}) ({rate}))"


def rate(counter: str, *, by: str = "", where: str = "") -> str:
    """How fast a counter grows over all servers."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({counter}{where}[$__rate_interval]))"
