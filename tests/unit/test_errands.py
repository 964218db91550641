"""What a loop of errands starts, leaves alone and tries again, whatever its errands are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

import pytest

from settlement.serve.errands import REST_SECONDS, Errand, ErrandKind, ErrandLoop
from settlement.storage.errors import LostConnectionError
from settlement.storage.lease import PlainConnection
from tests.world import AT

NOWHERE = cast("PlainConnection", None)


class Rounds(ErrandLoop):
    """Errands of a list; each waits until it is let go, or fails where it is told to."""

    kind = ErrandKind(
        lease=1, connection="test", look_seconds=1.0, at_a_time=2,
        logger=logging.getLogger("settlement.test"),
        event="test.failed", errand_event="test.errand.failed", number_name="number",
    )  # fmt: skip

    def __init__(self, *errands: Errand) -> None:
        self.now = AT
        super().__init__("", lambda: self.now)
        self.errands = errands
        self.begun: list[int] = []
        self.failing: set[int] = set()
        self.gate = asyncio.Event()

    async def due(
        self, connection: PlainConnection, *, by: datetime, limit: int
    ) -> list[Errand]:
        """All of them, as many of a place as are asked for."""
        places: dict[str, list[Errand]] = {}
        for errand in self.errands:
            places.setdefault(errand.place, []).append(errand)
        return [errand for all_of in places.values() for errand in all_of[:limit]]

    async def go(self, number: int) -> None:
        """Wait or fail."""
        self.begun.append(number)
        if number in self.failing:
            raise LostConnectionError("nobody is there")
        await self.gate.wait()


async def looked(rounds: Rounds) -> list[int]:
    """What a look began."""
    rounds.begun.clear()
    await rounds.look(NOWHERE)
    await asyncio.sleep(0)
    return rounds.begun


class Broken(Rounds):
    """Fails at its first look in a way that nobody thought of."""

    async def _lead(self, connection: PlainConnection) -> None:
        self.begun.append(0)
        if len(self.begun) == 1:
            raise ValueError("nobody thought of this")
        await self.gate.wait()


async def test_loop_goes_on_after_whatever_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def nowhere(_dsn: str, _name: str) -> AsyncIterator[PlainConnection]:
        yield NOWHERE

    monkeypatch.setattr("settlement.serve.errands.connection_for", nowhere)
    monkeypatch.setattr("settlement.serve.errands.FAILURE_PAUSE_SECONDS", 0.0)
    rounds = Broken()
    running = asyncio.create_task(rounds.run())
    async with asyncio.timeout(30):
        while len(rounds.begun) < 2:
            assert not running.done()
            await asyncio.sleep(0)
    running.cancel()


async def test_place_that_is_silent_holds_up_no_other() -> None:
    rounds = Rounds(Errand(1, "甲"), Errand(2, "甲"), Errand(3, "甲"), Errand(4, "乙"))
    assert await looked(rounds) == [1, 2, 4]
    assert await looked(rounds) == [], "those that are out are not begun again, and 甲 is full"
    rounds.gate.set()
    await rounds.settled()
    rounds.errands = (Errand(3, "甲"),)
    assert await looked(rounds) == [3]


async def test_errand_that_fails_rests_and_those_behind_it_go_on() -> None:
    rounds = Rounds(Errand(1, "甲"), Errand(2, "甲"), Errand(3, "甲"))
    rounds.failing = {1, 2}
    rounds.gate.set()
    assert await looked(rounds) == [1, 2]
    await rounds.settled()
    assert await looked(rounds) == [3], "two rest, so that the look goes past them"
    await rounds.settled()
    rounds.errands = (Errand(1, "甲"),)
    assert await looked(rounds) == []
    rounds.now += timedelta(seconds=REST_SECONDS)
    assert await looked(rounds) == [1]
