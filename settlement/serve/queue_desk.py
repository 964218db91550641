"""The desk as a journal's queue sees it: decisions, the clock, and where to report."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence

from settlement.desk import DecisionDesk
from settlement.storage.batch_items import Item
from settlement.storage.journal import JournalQueue
from settlement.telemetry.metrics import Metrics
from settlement.telemetry.traces import TRACES


class QueueDesk:
    """One for all queues of a process. `day_closed` learns which business day is open."""

    def __init__(
        self, desk: DecisionDesk, queues: Sequence[JournalQueue], metrics: Metrics,
        day_closed: Callable[[], Coroutine[None, None, None]],
    ) -> None:  # fmt: skip
        self.keyring = desk.world.keyring
        self.decide_all = desk.decide_all
        self.now = desk.now
        self.day_closed = day_closed
        self._metrics = metrics
        self._queues = queues

    def batch_taken(self, waited: Sequence[float]) -> None:
        """For the metrics."""
        self._metrics.journal_wait.observe_all(waited)
        self._metrics.queue_depth = sum(map(len, self._queues))

    def batch_decided(self, batch: Sequence[Item], laps: Sequence[float]) -> None:
        """For traces, while whoever is answered without a commit has not been told yet."""
        if TRACES.is_on:
            TRACES.batch((item.command.asked.msgid for item in batch), laps)

    def batch_done(
        self, batch: Sequence[Item], *, written: int, laps: Sequence[float], again: bool
    ) -> None:
        """Counts it. A batch that wrote nothing is measured only as far as it came."""
        metrics = self._metrics
        if laps:
            read, decided, wrote = laps
            metrics.batch_read_seconds.observe(read)
            metrics.batch_decide_seconds.observe(decided)
            if written:
                metrics.batch_items.observe(written)
                metrics.batch_write_seconds.observe(wrote)
                if TRACES.is_on:
                    TRACES.written((item.command.asked.msgid for item in batch), wrote)
        metrics.queue_depth = sum(map(len, self._queues))
        if again:
            metrics.batch_recomputed += len(batch)
