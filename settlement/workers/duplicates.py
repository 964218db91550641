"""Reports a message id that was used for two persons: two lanes, so nothing could refuse it.

Both have the same time inside the id, so a slice of time is looked at by itself: as it goes by, a
minute later and a quarter of an hour later, for the second person's message may come late. An id
without a readable time (settlement/keys.py) sorts before all others and is not found.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from settlement.clock import CHINA, system_clock
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import SCATTER
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.workers")

ON_THE_WAY = timedelta(seconds=15)
"""How long a message may take from its sender's clock to our table; such a slice is seen again."""
AGES = (timedelta(minutes=1), timedelta(minutes=15))
"""At what age a slice is looked at once more, the last one last."""
REPORTED_MAX = 10_000
_EPOCH = datetime(1970, 1, 1)
_ALL = b"\xff" * 5
"""More than any key begins with."""


class DuplicateMessages:
    """Finds them, reports each once."""

    def __init__(self) -> None:
        self._reported: set[bytes] = set()
        self._looked_at: datetime | None = None

    async def step(self, connection: PlainConnection) -> int:
        """One look; how many were new. The first one takes all of the last quarter of an hour."""
        now = system_clock().astimezone(CHINA).replace(tzinfo=None)
        last = self._looked_at
        if last is None:
            found = await _between(connection, _key_at(now - AGES[-1]), _ALL)
        else:
            found = await _between(connection, _key_at(last - ON_THE_WAY), _ALL)
            for age in AGES:
                found += await _between(connection, _key_at(last - age), _key_at(now - age))
        self._looked_at = now
        return self._report(found)

    def _report(self, found: Sequence[Mapping[str, Any]]) -> int:
        new = {row["key"]: row for row in found if row["key"] not in self._reported}
        if len(self._reported) + len(new) > REPORTED_MAX:
            self._reported.clear()
        for key, row in new.items():
            self._reported.add(key)
            METRICS.duplicate_across_lanes += 1
            logger.error(
                "one msgid was used for two persons",
                extra={
                    "event": "message.duplicate_across_lanes",
                    "message_key": key.hex(),
                    "lanes": list(row["lanes"]),
                },
            )
        return len(new)


def _key_at(moment: datetime) -> bytes:
    """What the keys of messages of a second begin with."""
    return int((moment - _EPOCH).total_seconds()).to_bytes(4, "big")


async def _between(
    connection: PlainConnection, begin: bytes, end: bytes
) -> list[Mapping[str, Any]]:
    return list(await connection.fetch(SCATTER["messages_in_two_lanes"], begin, end))
