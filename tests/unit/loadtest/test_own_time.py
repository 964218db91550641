"""What a channel leg adds, read from a page of /metrics."""

from __future__ import annotations

from loadtest.drills.own_time import Buckets, figures, of_page, since
from settlement.telemetry.metrics import Metrics, render


def page(*leg_ms: float, call_ms: float = 0.6) -> str:
    """Of a process that has counted these."""
    counts = Metrics()
    for one in leg_ms:
        counts.channel_leg.observe(one / 1e3)
        counts.channel_call.observe(call_ms / 1e3)
    return render([counts.numbers()]).decode()


def test_percentiles_lie_between_the_bounds_of_the_server_s_histogram() -> None:
    shown = figures(of_page(page(*[1.1] * 50, *[1.9] * 48, *[40.0] * 2)))
    assert shown == {
        "call_p50": 0.62, "call_p99": 0.75, "leg_p50": 1.25, "leg_p99": 37.5, "payments": 100,
    }  # fmt: skip


def test_what_was_counted_before_does_not_count() -> None:
    before = of_page(page(*[100.0] * 10))
    now = of_page(page(*[100.0] * 10, *[1.1] * 4))
    assert figures(since(now, before))["payments"] == 4
    assert figures(since(now, before))["leg_p99"] == 1.25


def test_nothing_is_said_of_nothing_and_of_what_is_beyond_all_bounds() -> None:
    assert figures(of_page(page()))["leg_p50"] is None
    assert Buckets({1.0: 0.0, float("inf"): 3.0}).percentile_ms(50) is None
