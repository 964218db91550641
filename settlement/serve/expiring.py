"""Requests of stays that no ward answered: ended for their age.

Every gateway process looks, on a connection that it has anyway. What ends a request is decided in
the person's journal, so a request is ended once, whoever asks and however often.
"""

from __future__ import annotations

import asyncio
import logging

from settlement.gateway import Overloaded, Unavailable
from settlement.serve.hospital_pay import HospitalPayments
from settlement.storage.errors import StorageError
from settlement.telemetry.metrics import METRICS

LOOK_SECONDS = 20.0
logger = logging.getLogger("settlement.expiring")


async def expire_for_ever(payments: HospitalPayments) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await payments.expire_requests()
        except Exception as exc:
            METRICS.background_failures += 1
            ours = not isinstance(exc, StorageError | Overloaded | Unavailable)
            logger.log(
                logging.ERROR if ours else logging.WARNING,
                "requests could not be ended; they will be tried again", exc_info=exc,
                extra={"event": "expiring.failed"},
            )  # fmt: skip
