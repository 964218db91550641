"""How long a name is left alone."""

from __future__ import annotations

from datetime import timedelta

from settlement.console.lockout import DELAY_MAX, delay_after


def test_delays_grow_and_end() -> None:
    seconds = [delay_after(failures).total_seconds() for failures in range(13)]
    assert seconds == [0, 0, 0, 15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert delay_after(10**6) == DELAY_MAX == timedelta(hours=1)
