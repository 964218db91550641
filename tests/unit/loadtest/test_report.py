"""Medians, ratios and the table."""

from __future__ import annotations

import pytest

from loadtest import report
from loadtest.generator.tally import Tally


def window(units: int) -> Tally:
    return Tally(units=units, window_seconds=2.0)


def test_the_median_window_is_the_rate() -> None:
    assert report.median_rate([window(20_000), window(22_000), window(4_000)]) == 10_000
    assert report.median_rate([]) is None


def test_ratios_pair_windows_taken_next_to_each_other() -> None:
    # The machine slowed down to a half meanwhile; the ratio does not see it.
    assert report.paired_ratio([8_000, 4_000], [10_000, 5_000]) == 0.8


def row(table: str, label: str) -> str:
    return next(line for line in table.splitlines() if line.lstrip().startswith(label))


@pytest.mark.parametrize(
    ("figures", "label", "ending"),
    [
        ({"oneshot_per_s": 10_500.0}, "one-shot settlements", "met"),
        ({"oneshot_per_s": 9_999.0}, "one-shot settlements", "MISSED"),
        ({}, "one-shot settlements", "not measured"),
        ({"open_loop_1000": {"p99": 15.0}}, "1,000/s open loop: p99, ms", "met"),
        ({"open_loop_1000": {"p99": 15.1}}, "1,000/s open loop: p99, ms", "MISSED"),
        ({"cpu_us_per_settlement": {"gateway": 61.5}}, "CPU a settlement, us: gateway", "61.5"),
    ],
)
def test_the_table_says_whether_a_goal_is_met(
    figures: dict[str, report.Figure], label: str, ending: str
) -> None:
    assert row(report.table(figures), label).endswith(ending)


def test_a_figure_without_goal_and_value_is_left_out() -> None:
    assert "redis" not in report.table({})
