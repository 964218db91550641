"""Reports a message id that was used for two persons: two lanes, so nothing could refuse it.

Looks at the messages of the last minutes, by the time inside their ids. An id without a readable
time (settlement/keys.py) sorts before all others and is not found.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from settlement.clock import CHINA, system_clock
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import SCATTER
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.workers")

LOOK_BACK = timedelta(minutes=15)
REPORTED_MAX = 10_000
_EPOCH = datetime(1970, 1, 1)


class DuplicateMessages:
    """Finds them, reports each once."""

    def __init__(self) -> None:
        self._reported: set[bytes] = set()

    async def step(self, connection: PlainConnection) -> int:
        """One look; how many were new."""
        since = system_clock().astimezone(CHINA).replace(tzinfo=None) - LOOK_BACK
        seconds = int((since - _EPOCH).total_seconds())
        found = await connection.fetch(
            SCATTER["messages_in_two_lanes"], seconds.to_bytes(4, "big")
        )
        new = [row for row in found if row["key"] not in self._reported]
        if len(self._reported) + len(new) > REPORTED_MAX:
            self._reported.clear()
        for row in new:
            self._reported.add(row["key"])
            METRICS.duplicate_across_lanes += 1
            logger.error(
                "one msgid was used for two persons",
                extra={
                    "event": "message.duplicate_across_lanes",
                    "message_key": row["key"].hex(),
                    "lanes": list(row["lanes"]),
                },
            )
        return len(new)
