"""Brings every case of somebody insured elsewhere to its end, where nobody else does (ADR 0033).

It runs in every gateway process and works in one of them, which holds the lease. What it has to do
is `settlement.remote_states.next_errand`; cases run at the same time, one of them never twice, and
each region has places of its own, so that one which is silent holds up nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from settlement.gateway import Overloaded, Unavailable
from settlement.serve.remote import RemoteDesk
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.storage.remote_due import due_cases
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.remote")
LEASE = 43
LOOK_SECONDS = 0.5
AT_A_TIME = 128
"""Cases of a region that are out at the same time."""
FAILURE_PAUSE_SECONDS = 2.0
REST_SECONDS = 10.0
"""How long a case is left alone that failed on our side."""


class RemoteResolver:
    """The resolver of one process. `run` until cancelled."""

    def __init__(
        self, remote: RemoteDesk, dsn: str, read_clock: Callable[[], datetime]
    ) -> None:
        self._remote = remote
        self._dsn = dsn
        self._clock = read_clock
        self._out: dict[int, asyncio.Task[None]] = {}
        self._resting: dict[int, datetime] = {}
        self.leading = False

    async def run(self) -> None:
        """For ever; again after a failure."""
        while True:
            try:
                async with connection_for(self._dsn, "settlement-regions") as connection:
                    await self._lead(connection)
            except StorageError as exc:
                METRICS.background_failures += 1
                logger.warning(
                    "cases of other regions cannot be looked at; tried again", exc_info=exc,
                    extra={"event": "region.resolver.failed"},
                )  # fmt: skip
                await asyncio.sleep(FAILURE_PAUSE_SECONDS)
            finally:
                self.leading = False

    async def _lead(self, connection: PlainConnection) -> None:
        while True:
            self.leading = self.leading or await take_lease(connection, LEASE)
            if self.leading:
                await self.look(connection)
            await asyncio.sleep(LOOK_SECONDS if self.leading else FAILURE_PAUSE_SECONDS)

    async def look(self, connection: PlainConnection) -> None:
        """Begin what is due."""
        now = self._clock()
        self._resting = {case: until for case, until in self._resting.items() if until > now}
        limit = AT_A_TIME + len(self._resting)
        for due in await due_cases(connection, by=now, limit=limit):
            if due.case_no not in self._out and due.case_no not in self._resting:
                self._out[due.case_no] = asyncio.create_task(self._go(due.case_no))

    async def settled(self) -> None:
        """Wait for what is out."""
        while self._out:
            await asyncio.gather(*self._out.values())

    async def _go(self, case_no: int) -> None:
        try:
            await self._remote.look(case_no)
        except Exception as exc:
            METRICS.background_failures += 1
            self._resting[case_no] = self._clock() + timedelta(seconds=REST_SECONDS)
            ours = not isinstance(exc, StorageError | Overloaded | Unavailable)
            logger.log(
                logging.ERROR if ours else logging.WARNING,
                "a case of another region could not be looked at; tried again", exc_info=exc,
                extra={"event": "region.case.failed", "case_no": case_no},
            )  # fmt: skip
        finally:
            del self._out[case_no]
