"""Gateway processes, which run the product's own service, die and are started again.

A process that is dead sends nothing and hears nothing: whatever it was about to do next, it never
does. What is committed is all that is left of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from settlement.gateway import NotYours, Overloaded, Unavailable
from settlement.serve.service import Service
from settlement.storage.errors import StorageError
from tests.simulation.database.driver import Fate, never
from tests.simulation.passing import passes
from tests.simulation.whole.moving import MachineClock

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

CLIENT_SECONDS = 12.0
"""How long a counter waits for an answer."""
SILENT = (Unavailable, Overloaded, NotYours, StorageError)


class Trouble(Struct):
    """How much fails just now; shares of one."""

    statement: float = 0.0
    """of statements whose line breaks before or after they are done"""
    request: float = 0.0
    """of messages to a gateway that are lost, doubled or late, and of answers that are lost"""


class Gateway:
    """One process. `service` once it is started."""

    def __init__(self, city: City, name: str, rng: Random, clock: MachineClock) -> None:
        self.city = city
        self.name = name
        self.alive = True
        self.is_operator = False
        """somebody at the command line, and no process of the server"""
        self.clock = clock
        self.service: Service
        self._rng = rng
        self._hangs: dict[asyncio.Future[None], None] = {}
        """who waits for an answer, in the order in which they came: a set has none"""

    def delay_seconds(self) -> float:
        """A statement is on its way for a millisecond or so."""
        return 0.0002 + 0.002 * self._rng.random()

    def fate(self, statement: str) -> Fate:
        """Most are done."""
        share = self.city.trouble.statement
        if not share or self._rng.random() >= share:
            return Fate.DONE
        lost = self._rng.choice((Fate.LOST_BEFORE, Fate.LOST_AFTER))
        self.city.fault(f"{lost.name.lower()} {statement}")
        self.city.tell(f"{self.name}: {statement} is {lost.value}")
        return lost

    def arrives(self) -> bool:
        """What was sent before it died, half the time."""
        return self._rng.random() < 0.5

    def kill(self) -> None:
        """It is gone between two moments."""
        self.alive = False
        self.city.server.drop(self)
        for hang in self._hangs:
            if not hang.done():
                hang.set_result(None)
        self._hangs.clear()

    async def ask(self, answer: Callable[[Service], Awaitable[bytes]]) -> bytes | None:
        """Ask it something as a client over the network does; None where no answer comes: nobody
        knows then what was done."""
        if not await self._reached():
            return None
        if self._lost("a message comes twice"):
            delay = self._rng.choice((0.001, 0.5, 3.0))
            self.city.later(delay, lambda: self.city.deliver(answer))
        asked = asyncio.ensure_future(answer(self.service))
        hang = asyncio.get_running_loop().create_future()
        self._hangs[hang] = None
        asked.add_done_callback(lambda _: self._over(hang))
        late = asyncio.get_running_loop().call_later(CLIENT_SECONDS, self._over, hang)
        await hang
        late.cancel()
        self._hangs.pop(hang, None)
        if not asked.done() or not self.alive:
            asked.add_done_callback(_forget)
            return None
        failure = asked.exception()
        if failure is not None and not isinstance(failure, SILENT):
            raise failure
        if failure is not None or self._lost("an answer is lost"):
            return None
        return asked.result()

    async def _reached(self) -> bool:
        """Whether a message arrives."""
        await passes(0.0005 + 0.01 * self._rng.random())
        if not self.alive or self._lost("a message is lost"):
            return False
        if self.city.trouble.request and self._rng.random() < self.city.trouble.request:
            self.city.fault("a message is late")
            await passes(self._rng.choice((0.1, 1.0, 3.0)))
        return self.alive

    def _lost(self, what: str) -> bool:
        share = self.city.trouble.request
        lost = bool(share) and self._rng.random() < share
        if lost:
            self.city.fault(what)
        return lost

    def _over(self, hang: asyncio.Future[None]) -> None:
        if not hang.done() and self.alive:
            hang.set_result(None)

    async def breathe(self) -> None:
        """Where it is dead, nothing more is done by it."""
        if not self.alive:
            await never()


def _forget(asked: asyncio.Future[bytes]) -> None:
    if not asked.cancelled():
        asked.exception()

