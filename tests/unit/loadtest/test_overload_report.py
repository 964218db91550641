"""What the overload drill calls missed, and that a page says so."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from loadtest.drills.overload_crowd import LOOP, QUOTE, SALE, UNDO
from loadtest.drills.overload_report import Came, Kind, Phase, printed, what_was_missed


def a_phase(**served: float) -> Phase:
    kinds = {
        kind: Kind(
            asked=1_000, done=round(1_000 * share), served=share, over_share=0, done_p50_ms=4.0,
            done_p99_ms=9.0,
        )
        for kind, share in served.items()
    }  # fmt: skip
    return Phase(
        offered_per_s=300.0, done_per_s=100.0, away=10, away_p50_ms=1.0, away_p99_ms=9.0,
        without_advice=0, failed=0, not_sent=0, sent_late=0, generator_cores=0.1, kinds=kinds,
    )  # fmt: skip


def good() -> Came:
    return Came(
        seed=1, capacity_per_s=500.0, beyond_ratios=[0.7, 0.95, 1.0], pace_per_s=100,
        capped=a_phase(**{UNDO: 1.0, SALE: 0.33, QUOTE: 0.0}), alone=a_phase(**{SALE: 1.0}),
        looping=a_phase(**{SALE: 0.995, LOOP: 0.2}), dawdling=a_phase(**{SALE: 1.0}),
        acknowledged=9, verify_ok=True,
    )  # fmt: skip


def test_a_good_run_misses_nothing_and_says_so() -> None:
    assert what_was_missed(good()) == []
    page = printed(good(), [])
    assert page.endswith("PASSED (seed 1)") and "the ledger verifies" in page


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"verify_ok": False}, "the ledger does not verify"),
        ({"differences": ["P1: 1 and 2"]}, "books differ: ['P1: 1 and 2']"),
        ({"acknowledged": 0}, "nothing was settled"),
        ({"beyond_ratios": [0.7, 0.8, 1.0]}, "goodput at 1.5 times the capacity is 0.80 of it"),
        ({"pace_per_s": 120}, "goodput at a pace is 0.83 of it"),
        ({"alone": None}, "city alone: not measured"),
        ({"looping": a_phase(sale=0.98)}, "beside a loop 0.980 of the city is served"),
        ({"dawdling": a_phase(sale=0.5)}, "beside dawdlers 0.500 of the city is served"),
        ({"dawdling": replace(a_phase(sale=1.0), failed=2)}, "beside dawdlers: 2 failed"),
        ({"alone": replace(a_phase(sale=1.0), without_advice=1)}, "city alone: no Retry-After"),
        ({"capped": a_phase(undo=0.5, sale=0.5, quote=0.1)},
         "served: undo 0.5, sale 0.5, quote 0.1"),
    ],
)  # fmt: skip
def test_each_goal_can_be_missed(changed: dict[str, Any], text: str) -> None:
    came = good()
    for name, value in changed.items():
        setattr(came, name, value)
    missed = what_was_missed(came)
    assert [one.text for one in missed if one.counts] == [text]
    assert printed(came, missed).endswith("FAILED (seed 1)")


def test_a_slow_refusal_is_told_and_fails_nothing() -> None:
    came = good()
    came.alone = replace(a_phase(sale=1.0), away_p99_ms=80.0)
    (slow,) = what_was_missed(came)
    assert not slow.counts
    assert "SLOW: city alone: p99 of who is turned away is 80 ms" in printed(came, [slow])
