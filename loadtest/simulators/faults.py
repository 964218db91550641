"""A line that fails by seed, a machine that crashes on it, and time that passes without waiting.

A message may be lost before it arrives, its answer after; it may arrive twice at once, or late,
when its sender has long given it up.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from settlement.client import Lost, NotSent, Wire
from settlement.client.wire import Passage


class CrashError(Exception):
    """The machine at the counter goes off. What it had written down stays."""


class Fault(StrEnum):
    """What happens to one attempt."""

    NO_CONNECTION = "no connection"
    LOST_BEFORE = "lost before it arrived"
    LOST_AFTER = "answer lost"
    LATE = "arrives late"
    TWICE = "sent twice at once"
    CRASH_BEFORE = "crash before it was sent"
    CRASH_AFTER = "crash before the answer was written down"


WEIGHTS = {
    Fault.NO_CONNECTION: 4,
    Fault.LOST_BEFORE: 4,
    Fault.LOST_AFTER: 8,
    Fault.LATE: 4,
    Fault.TWICE: 5,
    Fault.CRASH_BEFORE: 1,
    Fault.CRASH_AFTER: 2,
}
BAD_SPELL_ATTEMPTS = 8
"""A line that is down stays down for some attempts; that is when outcomes become unknown."""


class VirtualTime:
    """A clock for gaps and deadlines: a pause takes no time, and the clock says that it did."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        """Seconds so far."""
        return self._now

    async def pause(self, seconds: float) -> None:
        """Others get their turn."""
        self._now += seconds
        await asyncio.sleep(0)


class FaultyWire:
    """The wire, failing by `rng` in `share` of the attempts."""

    def __init__(self, wire: Wire, rng: random.Random, *, share: float) -> None:
        self._wire = wire
        self._rng = rng
        self._share = share
        self._bad_spell = 0
        self._late: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.happened: Counter[Fault] = Counter()

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Passage:
        """See `Wire`; raises CrashError."""
        await self._deliver_some()
        fault = self._next_fault()
        if fault is None:
            return await self._wire.post(path, body, headers)
        self.happened[fault] += 1
        match fault:
            case Fault.NO_CONNECTION:
                return NotSent(fault)
            case Fault.CRASH_BEFORE:
                raise CrashError(fault)
            case Fault.LATE:
                self._late.append((path, body, headers))
                return Lost(fault)
            case Fault.LOST_BEFORE:
                return Lost(fault)
            case Fault.TWICE:
                one, other = await asyncio.gather(
                    self._wire.post(path, body, headers), self._wire.post(path, body, headers)
                )
                return self._rng.choice((one, other))
        await self._wire.post(path, body, headers)
        if fault is Fault.CRASH_AFTER:
            raise CrashError(fault)
        return Lost(fault)

    async def get(self, path: str) -> Passage:
        """See `Wire`."""
        return await self._wire.get(path)

    async def close(self) -> None:
        """See `Wire`."""
        await self._wire.close()

    async def deliver_late(self) -> None:
        """What was late arrives now; nobody waits for its answer."""
        late, self._late = self._late, []
        for path, body, headers in late:
            await self._wire.post(path, body, headers)

    async def mend(self) -> None:
        """From now on the line is good."""
        self._share, self._bad_spell = 0.0, 0
        await self.deliver_late()

    async def _deliver_some(self) -> None:
        if self._late and self._rng.random() < 0.2:
            await self.deliver_late()

    def _next_fault(self) -> Fault | None:
        if self._bad_spell > 0:
            self._bad_spell -= 1
            return self._rng.choice((Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE))
        if self._rng.random() >= self._share:
            return None
        if self._rng.random() < 0.1:
            self._bad_spell = self._rng.randint(3, BAD_SPELL_ATTEMPTS)
        return self._rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
