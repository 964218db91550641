"""Makes partitions ahead of the year that they are for (ADR 0062); has the planner know them."""

from __future__ import annotations

import logging
from datetime import date

from settlement.clock import Clock, local_time, system_clock
from settlement.storage import archive
from settlement.storage.lease import PlainConnection

logger = logging.getLogger("settlement.workers")


class PartitionKeeper:
    """The loop's step. Statistics of the whole are made once a day: they change slowly."""

    def __init__(self, *, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._sampled_on: date | None = None

    async def step(self, connection: PlainConnection) -> int:
        """Make what is missing; how many partitions."""
        at = self._clock()
        made = await archive.keep_partitions(connection, at)
        if made:
            logger.info("partitions made", extra={"event": "partitions.made", "count": made})
        if self._sampled_on != local_time(at).date():
            await archive.sample_partitions(connection)
            self._sampled_on = local_time(at).date()
        return made
