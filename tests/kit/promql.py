"""What a PromQL expression names: its selectors and the labels that it groups by or joins on.

Not a parser: promtool is one. It reads as much as tells whether what is named exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

SELECTOR = re.compile(
    r"(?<![\w\"])(?P<name>(?:settlement_\w+|up|ALERTS)\b)(?:\{(?P<inside>[^}]*)\})?"
)
MATCHER = re.compile(r"(?P<label>\w+)\s*(?P<how>=~|!~|!=|=)\s*\"(?P<value>[^\"]*)\"")
GROUPED = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
METRIC_LIKE = re.compile(r"(?<![\w\"{$.])([a-z]\w*_[a-z]\w*)\b(?!\s*\()")
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")

Labels = Mapping[str, str]
OF_SCRAPING = {"instance": "127.0.0.1:8080", "job": "settlement"}
"""What Prometheus adds to everything that it reads."""


class Selector(NamedTuple):
    """A metric, and what is asked of its labels."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def takes(self, labels: Labels) -> bool:
        """Whether a series is among what is selected."""
        return all(_holds(labels.get(label, ""), how, value) for label, how, value in self.matchers)


def selectors(expr: str) -> Iterator[Selector]:
    """Every selector of an expression."""
    for found in SELECTOR.finditer(expr):
        inside = found["inside"] or ""
        matchers = ((m["label"], m["how"], m["value"]) for m in MATCHER.finditer(inside))
        yield Selector(found["name"], tuple(matchers))


def grouped(expr: str) -> set[str]:
    """Labels that are grouped by or joined on."""
    return {one.strip() for inside in GROUPED.findall(expr) for one in inside.split(",")} - {""}


def strange_names(expr: str) -> set[str]:
    """Words that look like a metric's name and are none that `selectors` knows."""
    bare = re.sub(r"\"[^\"]*\"|\{[^}]*\}", "", GROUPED.sub("", expr))
    return set(METRIC_LIKE.findall(bare)) - {one.name for one in selectors(expr)}


def shown(legend: str) -> set[str]:
    """Labels that a legend shows."""
    return set(LEGEND.findall(legend))


def series_of(page: str) -> dict[str, list[Labels]]:
    """The series of a page of /metrics as Prometheus keeps them, and those that it makes itself, by
    name."""
    found: dict[str, list[Labels]] = {
        "up": [OF_SCRAPING],
        "ALERTS": [{"alertname": "SettlementDown", "alertstate": "firing", "severity": "page"}],
    }
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, []).append({**sample.labels, **OF_SCRAPING})
    return found


def objections(expr: str, series: Mapping[str, Iterable[Labels]]) -> Iterator[str]:
    """Selectors that can never find anything, and labels that nothing of it has."""
    named = list(selectors(expr))
    if not named:
        yield "it asks for nothing of ours"
    for one in named:
        if not any(one.takes(labels) for labels in series.get(one.name, ())):
            yield f"nothing is ever found by {one.name}{list(one.matchers) or ''}"
    known = {label for one in named for labels in series.get(one.name, ()) for label in labels}
    for label in sorted(grouped(expr) - known):
        yield f"nothing here has the label {label}"
    for name in sorted(strange_names(expr)):
        yield f"what is {name}?"


def _holds(value: str, how: str, wanted: str) -> bool:
    if how in ("=", "!="):
        return (value == wanted) == (how == "=")
    return (re.fullmatch(wanted, value) is not None) == (how == "=~")
