"""The resolver: brings every payment that is not known to be paid or not to a verdict (DESIGN D4).

It runs in every gateway process and works in one of them, which holds the lease. What it has to do
and when is `settlement.payment_states.next_errand`; it speaks to a channel, reports what came, and
forgets it. Errands of different payments run at the same time, those of one never; each channel has
places of its own, so that one which is silent holds up nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from settlement.gateway import Overloaded, Unavailable
from settlement.payment_states import next_errand
from settlement.serve.paying import Payments
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.storage.payments import Due, due_payments
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.resolver")

LEASE = 41
LOOK_SECONDS = 0.25
AT_A_TIME = 512
"""Errands out at the same time at each channel: most wait for it."""
FAILURE_PAUSE_SECONDS = 2.0
REST_SECONDS = 10.0
"""How long an errand that failed on our side is left alone."""


class Resolver:
    """The resolver of one process. `run` until cancelled; `knock` makes it look at once."""

    def __init__(
        self, payments: Payments, dsn: str, read_clock: Callable[[], datetime]
    ) -> None:
        self._payments = payments
        self._dsn = dsn
        self._clock = read_clock
        self._out: dict[int, asyncio.Task[None]] = {}
        self._out_at: Counter[str] = Counter()
        self._resting: dict[int, datetime] = {}
        self.leading = False

    async def run(self) -> None:
        """For ever; again after a failure."""
        while True:
            try:
                async with connection_for(self._dsn, "settlement-resolver") as connection:
                    await self._lead(connection)
            except StorageError as exc:
                METRICS.background_failures += 1
                logger.warning(
                    "the resolver failed; it will try again", exc_info=exc,
                    extra={"event": "resolver.failed"},
                )  # fmt: skip
                await asyncio.sleep(FAILURE_PAUSE_SECONDS)
            finally:
                self.leading = False

    async def _lead(self, connection: PlainConnection) -> None:
        while True:
            if not self.leading and await take_lease(connection, LEASE):
                self.leading = True
                logger.info("lease taken", extra={"event": "resolver.started"})
            if self.leading:
                await self.look(connection)
            await asyncio.sleep(LOOK_SECONDS if self.leading else FAILURE_PAUSE_SECONDS)

    async def look(self, connection: PlainConnection) -> None:
        """Begin the errands that are due."""
        now = self._clock()
        self._resting = {pay_no: until for pay_no, until in self._resting.items() if until > now}
        # Those that are out or rest are still due, and stand before the others.
        limit = AT_A_TIME + len(self._resting)
        for due in await due_payments(connection, by=now, limit=limit):
            busy = due.pay_no in self._out or due.pay_no in self._resting
            if not busy and self._out_at[due.channel] < AT_A_TIME:
                self._out_at[due.channel] += 1
                self._out[due.pay_no] = asyncio.create_task(self._go(due))

    async def settled(self) -> None:
        """Wait for the errands that are out."""
        while self._out:
            await asyncio.gather(*self._out.values())

    async def _go(self, due: Due) -> None:
        pay_no = due.pay_no
        try:
            await self._run_errand(pay_no)
        except Exception as exc:
            METRICS.background_failures += 1
            self._resting[pay_no] = self._clock() + timedelta(seconds=REST_SECONDS)
            ours = not isinstance(exc, StorageError | Overloaded | Unavailable)
            logger.log(
                logging.ERROR if ours else logging.WARNING,
                "an errand failed; it will be tried again", exc_info=exc,
                extra={"event": "errand.failed", "pay_no": pay_no},
            )  # fmt: skip
        finally:
            del self._out[pay_no]
            self._out_at[due.channel] -= 1

    async def _run_errand(self, pay_no: int) -> None:
        fact = await self._payments.finder.payment(pay_no)
        if fact is None:
            return
        standing = fact.standing
        errand = next_errand(standing, fact.events)
        if errand is not None and errand.at <= self._clock() + timedelta(milliseconds=1):
            await self._payments.run_errand(fact, errand.ask)
