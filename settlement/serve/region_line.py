"""The line of one process to other regions: questions with numbers of their own, and alarms."""

from __future__ import annotations

import logging

from protocol.hub.messages import Kind, Question, Refused, Told
from settlement.desk import DecisionDesk
from settlement.elsewhere.remote_rows import case_number
from settlement.numbers import NumberSource
from settlement.region.hub import HubLine, NoAnswer, Why
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.remote")


class RegionLine:
    """See the module. `hub` None: there is no way to other regions from here."""

    def __init__(
        self, hub: HubLine | None, desk: DecisionDesk, next_number: NumberSource
    ) -> None:
        self._hub = hub
        self._desk = desk
        self._next_number = next_number

    @property
    def there(self) -> bool:
        """Whether there is a way."""
        return self._hub is not None

    async def ask(
        self, region: str, kind: Kind, question: Question, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """Ask a region once, and wait so long."""
        if self._hub is None:
            return NoAnswer(why=Why.NOT_SENT, text="there is no way to other regions")
        return await self._hub.ask(
            region, kind, question, correlation=correlation, seconds=seconds
        )

    def fresh(self, lane: int) -> str:
        """A correlation number of a question that has no effect, or whose effect is the case's."""
        number = self._next_number(lane, self._desk.now().business_day)
        return case_number(self._desk.world.region, number)

    def alarm(self, what: str, region: str, why: str, *, case_no: int = 0) -> None:
        """Somebody must look: another region contradicts itself, or does not add up."""
        METRICS.region_alarms += 1
        logger.error(
            what, extra={"event": "region.alarm", "region": region, "reason": why,
                         "case_no": case_no},
        )  # fmt: skip
