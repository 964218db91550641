"""The clock of a gateway that a drill sets wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from loadtest.drills.wrong_clock import FACTORY, FOLDER, set_clock, start_gateway, wrong_clock
from settlement.clock import system_clock
from settlement.serve.config import resolve


def test_clock_is_as_far_ahead_as_was_said_last(tmp_path: Path) -> None:
    clock = wrong_clock(tmp_path / FOLDER / "gateway-0")
    for seconds in (0, 200, -200, 0):
        if seconds:
            set_clock(tmp_path, "gateway-0", seconds)
        before = system_clock()
        ahead = clock() - before
        expected = timedelta(seconds=seconds)
        assert expected <= ahead < expected + timedelta(seconds=60)
        set_clock(tmp_path, "gateway-0", 0)


def test_factory_that_the_server_names_is_the_one_with_the_clock() -> None:
    assert resolve(FACTORY) is start_gateway
