"""The resolver: brings every payment that is not known to be paid or not to a verdict (ADR 0027).

What it has to do and when is `payments.payment_states.next_errand`; it speaks to a channel,
reports what came, and forgets it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from settlement.payments.payment_states import next_errand
from settlement.serve.errands import Errand, ErrandKind, ErrandLoop
from settlement.serve.paying import Payments
from settlement.storage.lease import PlainConnection
from settlement.storage.payments import due_payments


class Resolver(ErrandLoop):
    """The resolver of one process."""

    kind = ErrandKind(
        lease=41, connection="settlement-resolver", look_seconds=0.25, at_a_time=512,
        logger=logging.getLogger("settlement.resolver"),
        event="resolver.failed", errand_event="errand.failed", number_name="pay_no",
    )  # fmt: skip

    def __init__(
        self, payments: Payments, dsn: str, read_clock: Callable[[], datetime]
    ) -> None:
        super().__init__(dsn, read_clock)
        self._payments = payments

    async def due(
        self, connection: PlainConnection, *, by: datetime, limit: int
    ) -> list[Errand]:
        """Payments; a place is a channel."""
        found = await due_payments(connection, by=by, limit=limit)
        return [Errand(due.pay_no, due.channel) for due in found]

    async def go(self, number: int) -> None:
        """Do what a payment waits for."""
        fact = await self._payments.finder.payment(number)
        if fact is None:
            return
        errand = next_errand(fact.standing, fact.events)
        if errand is not None and errand.at <= self._clock() + timedelta(milliseconds=1):
            await self._payments.run_errand(fact, errand.ask)
