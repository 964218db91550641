"""Requests of stays that no ward answered: ended for their age, in one process at a time.

Runs beside the resolver in every gateway process, under a lease of its own; what ends a request is
decided in the person's journal, so a request is ended once whoever asks.
"""

from __future__ import annotations

import asyncio
import logging

from settlement.gateway import Overloaded, Unavailable
from settlement.serve.hospital_pay import HospitalPayments
from settlement.storage.lease import PlainConnection
from settlement.telemetry.metrics import METRICS
from settlement.workers.registry import Loop
from settlement.workers.runner import run_loops

LEASE = 42
LOOK_SECONDS = 20.0
logger = logging.getLogger("settlement.expiring")


async def expire_for_ever(payments: HospitalPayments, dsn: str) -> None:
    """Until cancelled."""

    async def step(connection: PlainConnection) -> int:
        try:
            return await payments.expire_requests(connection)
        except (Overloaded, Unavailable) as exc:
            METRICS.background_failures += 1
            logger.warning(
                "requests could not be ended; they will be tried again", exc_info=exc,
                extra={"event": "expiring.failed"},
            )  # fmt: skip
            return 0

    loop = Loop(name="admission-requests", lease=LEASE, every_seconds=LOOK_SECONDS, step=step)
    await run_loops(dsn, [loop], asyncio.Event())
