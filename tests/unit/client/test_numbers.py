"""Message ids never repeat: over a restart, between processes, when a clock goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from protocol.nhsa.msgid import parse
from settlement.client import CounterError, FileStore, MemoryStore, MessageNumbers
from settlement.client.numbers import BLOCK, PER_SECOND

AT = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
CODE = "P99999900001"


class MovedClock:
    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        return self.at


def test_id_is_institution_local_time_and_counter() -> None:
    numbers = MessageNumbers(CODE, MemoryStore(), clock=lambda: AT)
    assert [numbers.next() for _ in range(2)] == [
        "P9999990000120261125090203" + serial for serial in ("0000", "0001")
    ]
    parsed = parse(numbers.next())
    assert parsed is not None and parsed.institution_code == CODE


def test_ids_of_one_second_run_over_into_the_next() -> None:
    numbers = MessageNumbers(CODE, MemoryStore(), clock=lambda: AT)
    made = [numbers.next() for _ in range(PER_SECOND + 3)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert made[-1].endswith("202611250902040002")


def test_restart_repeats_no_id(tmp_path: Path) -> None:
    made: list[str] = []
    for lived in (1, BLOCK - 1, BLOCK, BLOCK + 1, 3):
        numbers = MessageNumbers(CODE, FileStore(tmp_path / "counter"), clock=lambda: AT)
        made += [numbers.next() for _ in range(lived)]
    assert len(set(made)) == len(made)


def test_two_processes_on_one_file_share_no_id(tmp_path: Path) -> None:
    both = [
        MessageNumbers(CODE, FileStore(tmp_path / "counter"), clock=lambda: AT) for _ in range(2)
    ]
    made = [numbers.next() for _ in range(2 * BLOCK) for numbers in both]
    assert len(set(made)) == len(made)


def test_two_runs_within_a_second_share_no_id_without_a_file() -> None:
    clock = MovedClock()
    made = []
    for fraction in (0, 30, 999):
        clock.at = AT + timedelta(milliseconds=fraction)
        numbers = MessageNumbers(CODE, MemoryStore(), clock=clock)
        made += [numbers.next() for _ in range(20)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert made[20].endswith("0300")


def test_clock_that_is_set_back_repeats_no_id(tmp_path: Path) -> None:
    clock = MovedClock()
    made = []
    for moved in (0, -3600, 5, -1, 0):
        clock.at = AT + timedelta(seconds=moved)
        numbers = MessageNumbers(CODE, FileStore(tmp_path / "counter"), clock=clock)
        made += [numbers.next() for _ in range(3)]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("text", [b"12", b"x" * 20 + b"\n", b"0" * 21])
def test_file_that_is_no_counter_is_not_taken_for_one(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "counter"
    path.write_bytes(text)
    with pytest.raises(CounterError, match="is no counter"):
        MessageNumbers(CODE, FileStore(path), clock=lambda: AT).next()
    assert path.read_bytes() == text


def test_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CounterError, match="cannot be kept"):
        MessageNumbers(CODE, FileStore(tmp_path / "no" / "counter"), clock=lambda: AT).next()


@pytest.mark.parametrize("code", ["", "P999999000012"])
def test_institution_that_does_not_fit_into_an_id_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="12 characters"):
        MessageNumbers(code, MemoryStore())
