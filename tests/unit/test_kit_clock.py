"""The clock of counters at a real server: however many messages, it is never ahead of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from settlement.clock import CHINA, system_clock
from tests.kit.clock import MachineClock

MESSAGES = 10_000


def test_busy_counter_is_never_ahead_of_its_server() -> None:
    clock = MachineClock()
    for _ in range(MESSAGES):
        clock.tick()
    said = datetime.fromisoformat(clock.tick()).replace(tzinfo=CHINA)
    assert said <= system_clock() and clock() <= system_clock()


def test_time_of_a_real_server_is_not_moved() -> None:
    clock = MachineClock()
    with pytest.raises(AssertionError, match="the machine's"):
        clock.pass_by(timedelta(hours=-1))
    with pytest.raises(AssertionError, match="the machine's"):
        clock.move_to(datetime(2026, 11, 23, 9, 0))
