"""The clock of a town: it stands still until somebody at a counter acts, or a test moves it; or it
is the machine's, where the town's server is a process of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from settlement.clock import CHINA, system_clock

OPENING = datetime(2026, 11, 23, 9, 0)
"""When a town's story begins, local time: an ordinary Monday morning."""


class TownClock:
    """Gives the town's time to services (when called, UTC) and to counters (as text, local)."""

    def __init__(self, local: datetime = OPENING) -> None:
        self.move_to(local)

    def __call__(self) -> datetime:
        return self._at

    @property
    def local(self) -> datetime:
        """Local time, naive."""
        return self().astimezone(CHINA).replace(tzinfo=None)

    def tick(self) -> str:
        """One second passes; the time of it as the wire writes it."""
        self._at += timedelta(seconds=1)
        return self.text()

    def text(self) -> str:
        """`yyyy-MM-dd HH:mm:ss`."""
        return f"{self.local:%Y-%m-%d %H:%M:%S}"

    def move_to(self, at: datetime) -> None:
        """It is now this local time (naive)."""
        self._at = at.replace(tzinfo=CHINA).astimezone(UTC)

    def pass_by(self, delta: timedelta) -> None:
        """So much time passes."""
        self._at += delta


class MachineClock(TownClock):
    """The clock of those who are at a real server's counters: the machine's, which nobody moves.

    A second for every message would bring a busy counter into the server's future, and late in the
    evening into its tomorrow.
    """

    def __init__(self) -> None:
        """It has no time of its own."""

    def __call__(self) -> datetime:
        return system_clock()

    def tick(self) -> str:
        """Time passes by itself."""
        return self.text()

    def move_to(self, at: datetime) -> None:
        """Not here."""
        raise AssertionError(f"this town's time is the machine's: it does not become {at}")

    def pass_by(self, delta: timedelta) -> None:
        """Not here."""
        raise AssertionError(f"this town's time is the machine's: {delta} do not pass at once")
