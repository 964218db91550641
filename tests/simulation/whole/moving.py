"""Time in a story: the world's, which jumps, and that of each machine, which may be ahead of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from ledger.postgres import pace
from loadtest.simulators.virtual_clock import VirtualClock, Work
from settlement import clock as product_clock
from tests.kit.clock import TownClock
from tests.simulation.passing import passes


class WorldClock(VirtualClock):
    """The hub's and the channels' time, UTC: the loop's, and what was jumped over."""

    def __init__(self, begins: datetime, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(begins)
        self._begins = begins
        self._loop = loop
        self._jumped = 0.0

    def __call__(self) -> datetime:
        return self._begins + timedelta(seconds=self._loop.time() + self._jumped)

    def jump(self, seconds: float) -> None:
        """So much time is over at once, for everybody."""
        self._jumped += seconds

    def after(self, seconds: float, work: Work) -> None:
        """Do `work` when so much time has passed in the loop."""
        self._loop.call_later(seconds, lambda: self._loop.create_task(self._work(work)))

    async def wait(self, seconds: float) -> None:
        """Until so much time has passed in the loop."""
        await passes(seconds)

    async def _work(self, work: Work) -> None:
        await work()


class MachineClock(TownClock):
    """The clock of one machine: the world's, so many seconds ahead (below zero: behind)."""

    def __init__(self, world: WorldClock) -> None:
        self._world = world
        self.ahead_seconds = 0.0

    def __call__(self) -> datetime:
        return self._world() + timedelta(seconds=self.ahead_seconds)

    def tick(self) -> str:
        """The time as the wire writes it; none passes."""
        return self.text()


class _Ticking:
    """What our code asks of the module `time`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.monotonic = self.perf_counter = loop.time


@contextmanager
def time_of(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Deadlines of our code, and the rests of what gives way to others, run in the loop's time
    meanwhile."""
    real = product_clock.time
    product_clock.time = pace.time = _Ticking(loop)  # type: ignore[assignment]
    try:
        yield
    finally:
        product_clock.time = pace.time = real
