"""A verification rests while others append, and only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from asyncpg import Connection, Record

from ledger.postgres import pace
from ledger.postgres.pace import RESTS_TO_WORK, Pace


class Clock:
    """Time that passes by working and by resting only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


class Ledger:
    """Says how many blocks there are; `per_second` of them come, by the clock."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self.per_second = per_second

    async def fetchval(self, _statement: str) -> int:
        return int(self._clock.now * self.per_second)


Walk = Callable[[float, bool], Awaitable[list[float]]]


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> Walk:
    clock = Clock()
    monkeypatch.setattr(pace.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(pace.asyncio, "sleep", clock.sleep)

    async def go(per_second: float, hurried: bool) -> list[float]:
        ledger = cast("Connection[Record]", Ledger(clock, per_second))
        measured = Pace(hurried=hurried)
        for _ in range(4):
            clock.now += 1.0
            await measured.rest(ledger)
        return clock.rests

    return go


async def test_a_quiet_ledger_is_walked_without_a_rest(walk: Walk) -> None:
    assert await walk(5.0, False) == []


async def test_a_busy_ledger_is_walked_a_tenth_of_the_time(walk: Walk) -> None:
    # The first piece only learns how many blocks there are.
    assert await walk(100.0, False) == [RESTS_TO_WORK] * 3


async def test_in_a_hurry_nobody_rests(walk: Walk) -> None:
    assert await walk(100.0, True) == []
