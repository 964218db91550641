"""Closes business days when they are over, a while after the day cut (日切)."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from settlement.books.seal_keys import SigningKey
from settlement.clock import Clock, local_time, system_clock
from settlement.finance.days import close_days, finish_days
from settlement.policy.region import ClosingRules
from settlement.storage import closing as store
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.seals import Home

logger = logging.getLogger("settlement.workers")


class DayCloser:
    """The loop's step. Without a key days are sealed and not signed."""

    def __init__(self, key: SigningKey | None = None, *, clock: Clock = system_clock) -> None:
        self._key = key
        self._clock = clock

    async def step(self, connection: PlainConnection) -> int:
        """Close what is over, if the region wants it; how many days."""
        installed = await reference.installation(connection)
        if installed is None:
            return 0
        home = Home(region=installed.region, lanes=installed.lanes)
        at = self._clock()
        through = await self._over(connection, home, at)
        if through is None:
            closed = await finish_days(connection, home, at=at, key=self._key)
        else:
            closed = await close_days(connection, home, through=through, at=at, key=self._key)
        for one in closed:
            logger.info(
                "business day closed",
                extra={"event": "day.closed", "day": f"{one.day}", "rows": one.settlements},
            )
        return len(closed)

    async def _over(
        self, connection: PlainConnection, home: Home, at: datetime
    ) -> date | None:
        """The last day that is over for long enough, where it is open and is to be closed here."""
        first = await store.first_open_day(connection)
        yesterday = local_time(at).date() - timedelta(days=1)
        if first is None or first > yesterday:
            return None
        profile = (await load_policy_set(connection)).region(home.region)
        rules = ClosingRules() if profile is None else profile.closing
        through = local_time(at - timedelta(minutes=rules.grace_minutes)).date()
        return through - timedelta(days=1) if rules.days_by_themselves else None
