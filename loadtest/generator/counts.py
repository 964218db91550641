"""What a run of arrivals counted: by transaction, and by stretch of time."""

from __future__ import annotations

from collections import Counter

from loadtest.generator.histogram import VALUE_US_MAX, Histogram

COMPLAINTS_KEPT_MAX = 20


class ByName:
    """Of one transaction."""

    __slots__ = ("broken", "done", "dropped", "errors", "latency", "refused")

    def __init__(self) -> None:
        self.done = 0
        self.refused = 0
        """answered, and not done"""
        self.errors = 0
        """any other status than 200"""
        self.broken = 0
        """no answer"""
        self.dropped = 0
        """whoever came found no free connection in time, and left"""
        self.latency = Histogram()
        """of answers, from the intended time on"""


class Stretch:
    """Of one stretch of time, by the intended time of the messages."""

    __slots__ = ("arrived", "dropped", "failed", "latency", "settled")

    def __init__(self) -> None:
        self.arrived = 0
        """units of work that began"""
        self.settled = 0
        self.failed = 0
        """messages with an error or without an answer"""
        self.dropped = 0
        self.latency = Histogram()


class Counts:
    """A whole run."""

    def __init__(self, *, seconds: float, stretches: int) -> None:
        self.names: dict[str, ByName] = {}
        self.stretches = [Stretch() for _ in range(stretches)]
        self.kinds = Counter[str]()
        """units that began, by kind"""
        self.refusals = Counter[str]()
        """by transaction and err_code"""
        self.complaints: list[str] = []
        self.late = 0
        """messages sent more than a millisecond after the intended time"""
        self.unfinished = 0
        """units that were under way when the run was given up"""
        self.latency = Histogram()
        self._stretch_seconds = seconds / stretches

    @property
    def messages(self) -> int:
        """Everything that was answered."""
        return self.latency.total

    @property
    def dropped(self) -> int:
        """Who came, found no free connection in time, and left."""
        return sum(one.dropped for one in self.names.values())

    @property
    def failed(self) -> int:
        """Messages that met an error, or no answer."""
        return sum(one.errors + one.broken for one in self.names.values())

    def of(self, name: str) -> ByName:
        """The counts of a transaction."""
        found = self.names.get(name)
        if found is None:
            found = self.names[name] = ByName()
        return found

    def at(self, seconds: float) -> Stretch:
        """The stretch of an instant; what comes after the end counts in the last one."""
        return self.stretches[min(int(seconds / self._stretch_seconds), len(self.stretches) - 1)]

    def answered(self, name: str, intended_seconds: float, latency_us: int) -> None:
        """An answer of any sort came so long after the intended time."""
        bounded = min(latency_us, VALUE_US_MAX)
        self.latency.record(bounded)
        self.of(name).latency.record(bounded)
        self.at(intended_seconds).latency.record(bounded)

    def complain(self, text: str) -> None:
        """Keep what nobody expected, up to a limit."""
        if len(self.complaints) < COMPLAINTS_KEPT_MAX:
            self.complaints.append(text)
