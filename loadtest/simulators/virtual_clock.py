"""The time of a simulated world: it stands until somebody moves it, or runs and can be moved ahead.

Whatever a simulator does later (a second notification, an answer that comes late) it asks of this
clock, so that a test sees a day pass in a millisecond and in the same order every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from settlement.clock import system_clock

Work = Callable[[], Awaitable[None]]


class VirtualClock:
    """Gives the instant when called, as `settlement.clock.Clock` does."""

    def __init__(self, start: datetime | None = None) -> None:
        """Stands at `start` (with zone); without one it runs along with the machine's clock."""
        self._standing_at = start
        self._ahead = timedelta(0)
        self._due: list[tuple[datetime, int, Work]] = []
        self._serial = count()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    def __call__(self) -> datetime:
        return (self._standing_at or system_clock()) + self._ahead

    def after(self, seconds: float, work: Work) -> None:
        """Do `work` when so much time has passed."""
        heappush(self._due, (self() + timedelta(seconds=seconds), next(self._serial), work))
        self._arm()

    async def wait(self, seconds: float) -> None:
        """Until so much time has passed."""
        passed = asyncio.get_running_loop().create_future()
        self._waiting.add(passed)
        passed.add_done_callback(self._waiting.discard)

        async def wake() -> None:
            if not passed.done():
                passed.set_result(None)
            await asyncio.sleep(0)

        self.after(seconds, wake)
        await passed

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for time to pass."""
        return bool(self._waiting)

    async def advance(self, seconds: float) -> None:
        """So much time passes; what falls due in it is done in order, each at its own time."""
        until = self() + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= until:
            due, _, work = heappop(self._due)
            self._move_to(due)
            await work()
        self._move_to(until)
        self._arm()

    async def close(self) -> None:
        """What is not done by now is not done at all; who waits is cancelled."""
        if self._timer is not None:
            self._timer.cancel()
        self._due.clear()
        for one in (*self._waiting, *self._tasks):
            one.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _move_to(self, at: datetime) -> None:
        self._ahead += max(at - self(), timedelta(0))

    def _arm(self) -> None:
        if self._standing_at is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due:
            seconds = (self._due[0][0] - self()).total_seconds()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(seconds, 0.0), self._ring)

    def _ring(self) -> None:
        self._timer = None
        while self._due and self._due[0][0] <= self():
            task = asyncio.ensure_future(self._do(heappop(self._due)[2]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._arm()

    async def _do(self, work: Work) -> None:
        await work()
