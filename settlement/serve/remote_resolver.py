"""Brings every case of somebody insured elsewhere to its end, where nobody else does (ADR 0033).

What it has to do is `settlement.elsewhere.remote_states.next_errand`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from settlement.serve.errands import Errand, ErrandKind, ErrandLoop
from settlement.serve.remote import RemoteDesk
from settlement.storage.lease import PlainConnection
from settlement.storage.remote_due import due_cases


class RemoteResolver(ErrandLoop):
    """The resolver of one process."""

    kind = ErrandKind(
        lease=43, connection="settlement-regions", look_seconds=0.5, at_a_time=128,
        logger=logging.getLogger("settlement.remote"),
        event="region.resolver.failed", errand_event="region.case.failed", number_name="case_no",
    )  # fmt: skip

    def __init__(
        self, remote: RemoteDesk, dsn: str, read_clock: Callable[[], datetime]
    ) -> None:
        super().__init__(dsn, read_clock)
        self._remote = remote

    async def due(
        self, connection: PlainConnection, *, by: datetime, limit: int
    ) -> list[Errand]:
        """Cases; a place is the region that somebody is insured in."""
        found = await due_cases(connection, by=by, limit=limit)
        return [Errand(due.case_no, due.insured_region) for due in found]

    async def go(self, number: int) -> None:
        """Look at a case."""
        await self._remote.look(number)
