"""What stops a load before it begins, and what ends one: said in words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtest.load import guards
from loadtest.load.guards import LoadRefusedError, SteadyClock
from loadtest.load.target import running

NOW = datetime(2026, 11, 26, 21, 0, 0, tzinfo=UTC)
"""Five in the morning in China, on the 27th."""


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost:80", "http://[::1]:8080"]
)
def test_this_machine_is_a_target(url: str) -> None:
    assert guards.check_target(url, is_mine=False)[0]


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.8:8080", "http://settlement.example:80", "http://127.0.0.1.example",
     "http://0.0.0.0:8080", "http://2130706433"],
)  # fmt: skip
def test_another_machine_is_refused_unless_it_is_said_to_be_ours(url: str) -> None:
    with pytest.raises(LoadRefusedError, match="--i-own-this-target"):
        guards.check_target(url, is_mine=False)
    assert guards.check_target(url, is_mine=True)[0]


@pytest.mark.parametrize("url", ["https://127.0.0.1:8080", "127.0.0.1:8080", "ftp://127.0.0.1"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(LoadRefusedError, match="no address"):
        guards.check_target(url, is_mine=True)


def test_a_target_whose_ledger_cannot_be_read_is_refused() -> None:
    with pytest.raises(LoadRefusedError, match="--data-dir"):
        running("http://127.0.0.1:9", None, is_mine=False)


def test_an_old_runs_data_is_refused() -> None:
    guards.check_clean(is_dirty=False)
    with pytest.raises(LoadRefusedError, match="old run's data"):
        guards.check_clean(is_dirty=True)


def test_a_disk_without_room_is_refused(tmp_path: Path) -> None:
    guards.check_room(tmp_path, 10)
    with pytest.raises(LoadRefusedError, match="Make room"):
        guards.check_room(tmp_path, 1e12)


def test_the_servers_clock_may_be_a_few_seconds_off_and_no_more() -> None:
    assert guards.judge_clock("20261127050002000", NOW) == 2
    for told in ("20261127050100000", "20261127045900000", "20261126210000000"):
        with pytest.raises(LoadRefusedError, match="Set both by NTP"):
            guards.judge_clock(told, NOW)


def test_a_clock_that_is_set_during_a_run_is_found() -> None:
    wall, steady = iter([1_000.0, 1_060.0, 1_500.0]), iter([5.0, 65.0, 125.0])
    clock = SteadyClock(read_wall=lambda: next(wall), read_steady=lambda: next(steady))
    assert clock.complaint() == ""
    assert "by +380 s" in clock.complaint()
