"""What a run counted: the window's tally, and the client's book of everything acknowledged.

The tally covers the steady window only. The book covers every request ever sent, warm-up and drain
included, because it is compared with the server's ledger afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest.generator.histogram import Histogram

COMPLAINTS_KEPT_MAX = 20


class Book:
    """The client's own account (客户端账) of acknowledged settlements, one place an institution."""

    def __init__(self, institutions: int) -> None:
        self.settlements = [0] * institutions
        self.fees_fen = [0] * institutions
        self.unknown = [0] * institutions
        """settling requests that went out and were never answered: booked or not, we cannot say"""

    def totals(self) -> tuple[int, int, int]:
        """Settlements acknowledged, their fees in fen, and settling requests without an answer."""
        return sum(self.settlements), sum(self.fees_fen), sum(self.unknown)


@dataclass(slots=True)
class Tally:
    """Every reply of one window counted exactly once, with its latency."""

    accepted: int = 0
    refused: int = 0
    http_errors: int = 0
    connection_errors: int = 0
    units: int = 0
    """sales or visits completed"""
    sampled: int = 0
    late: int = 0
    """open loop: sent more than a millisecond after the intended time"""
    dropped: int = 0
    """open loop: due inside the window and never sent, because no connection was free"""
    latency: Histogram = field(default_factory=Histogram)
    complaints: list[str] = field(default_factory=list)
    """the first few unexpected replies, for a person to read"""
    window_seconds: float = 0.0
    generator_cpu_seconds: float = 0.0

    @property
    def replies(self) -> int:
        """Everything that was answered at all."""
        return self.accepted + self.refused + self.http_errors

    @property
    def clean(self) -> bool:
        """Whether every request of the window was accepted and no sampled reply was wrong."""
        errors = self.refused + self.http_errors + self.connection_errors + self.dropped
        return errors == 0 and not self.complaints

    @property
    def units_per_second(self) -> float:
        """Completed units of work a second of the window."""
        return self.units / self.window_seconds if self.window_seconds else 0.0

    @property
    def generator_us_per_request(self) -> float:
        """The generator's own processor time (user and system) per reply."""
        return self.generator_cpu_seconds * 1e6 / self.replies if self.replies else 0.0

    @property
    def generator_cores(self) -> float:
        """How many processors the generator kept busy in the window."""
        return self.generator_cpu_seconds / self.window_seconds if self.window_seconds else 0.0

    def complain(self, text: str) -> None:
        """Keep an unexpected reply, up to a limit."""
        if len(self.complaints) < COMPLAINTS_KEPT_MAX:
            self.complaints.append(text)
