"""Errands under a lease: brings what is open to its end, whoever began it (ADR 0027).

A loop runs in every gateway process and works in one of them, which holds the lease. Errands of
different things run at the same time, those of one never; each place (a channel, a region) has only
so many, so that one which is silent holds up nobody else. One that fails on our side is left alone
for a while and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from settlement.gateway import Overloaded, Unavailable
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.telemetry.metrics import METRICS

FAILURE_PAUSE_SECONDS = 2.0
REST_SECONDS = 10.0
"""How long an errand that failed on our side is left alone."""


class Errand(NamedTuple):
    """Something that should be looked at: its number, and where it goes."""

    number: int
    place: str


class ErrandKind(Struct, frozen=True, kw_only=True):
    """What tells one loop from another."""

    lease: int
    connection: str
    logger: logging.Logger
    event: str
    """of a failure of the loop"""
    errand_event: str
    number_name: str
    """of an errand's number in a log line"""
    look_seconds: float
    at_a_time: int
    """errands out at the same time at each place: most wait for it"""


class ErrandLoop(ABC):
    """The loop of one process. `run` until cancelled; `look` and `settled` do one round."""

    kind: ErrandKind

    def __init__(self, dsn: str, read_clock: Callable[[], datetime]) -> None:
        self._dsn = dsn
        self._clock = read_clock
        self._out: dict[int, asyncio.Task[None]] = {}
        self._out_at: Counter[str] = Counter()
        self._resting: dict[int, datetime] = {}
        self.leading = False

    @abstractmethod
    async def due(
        self, connection: PlainConnection, *, by: datetime, limit: int
    ) -> Iterable[Errand]:
        """What should have been looked at by then, the oldest first; of each place no more than the
        limit."""

    @abstractmethod
    async def go(self, number: int) -> None:
        """Do what is due."""

    async def run(self) -> None:
        """For ever; again after a failure, whatever it is."""
        kind = self.kind
        while True:
            try:
                async with connection_for(self._dsn, kind.connection) as connection:
                    await self._lead(connection)
            except Exception as exc:
                METRICS.background_failures += 1
                kind.logger.log(
                    logging.WARNING if isinstance(exc, StorageError) else logging.ERROR,
                    "the loop of errands failed; it will try again", exc_info=exc,
                    extra={"event": kind.event},
                )  # fmt: skip
                await asyncio.sleep(FAILURE_PAUSE_SECONDS)
            finally:
                self.leading = False

    async def _lead(self, connection: PlainConnection) -> None:
        kind = self.kind
        while True:
            if not self.leading and await take_lease(connection, kind.lease):
                self.leading = True
                kind.logger.info("lease taken", extra={"event": "errands.started"})
            if self.leading:
                await self.look(connection)
            await asyncio.sleep(kind.look_seconds if self.leading else FAILURE_PAUSE_SECONDS)

    async def look(self, connection: PlainConnection) -> None:
        """Begin the errands that are due."""
        now, at_a_time = self._clock(), self.kind.at_a_time
        self._resting = {number: until for number, until in self._resting.items() if until > now}
        # Those that are out or rest are still due, and stand before the others.
        limit = at_a_time + len(self._resting)
        for errand in await self.due(connection, by=now, limit=limit):
            busy = errand.number in self._out or errand.number in self._resting
            if not busy and self._out_at[errand.place] < at_a_time:
                self._out_at[errand.place] += 1
                self._out[errand.number] = asyncio.create_task(self._run_errand(errand))

    async def settled(self) -> None:
        """Wait for the errands that are out."""
        while self._out:
            await asyncio.gather(*self._out.values())

    async def _run_errand(self, errand: Errand) -> None:
        kind = self.kind
        try:
            await self.go(errand.number)
        except Exception as exc:
            METRICS.background_failures += 1
            self._resting[errand.number] = self._clock() + timedelta(seconds=REST_SECONDS)
            ours = not isinstance(exc, StorageError | Overloaded | Unavailable)
            kind.logger.log(
                logging.ERROR if ours else logging.WARNING,
                "an errand failed; it will be tried again", exc_info=exc,
                extra={"event": kind.errand_event, kind.number_name: errand.number},
            )  # fmt: skip
        finally:
            del self._out[errand.number]
            self._out_at[errand.place] -= 1
