"""How long channels were waited for while an adapter was at work.

What a payment over a channel costs us is the time of the call without the time in which the request
lay with the channel. The line knows the second (settlement/channels/line.py), whoever called the
adapter the first; adapters need to know nothing of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from settlement.clock import monotonic


class Wait:
    """So long was waited, over all requests that were made meanwhile, one after the other."""

    __slots__ = ("_since", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since: float | None = None

    def begin(self) -> None:
        """It is the other side's turn."""
        self._since = monotonic()

    def end(self) -> None:
        """It is ours again; nothing where it was ours already."""
        if self._since is not None:
            self.seconds += monotonic() - self._since
            self._since = None


_PRESENT: ContextVar[Wait | None] = ContextVar("settlement_wait", default=None)


@contextmanager
def waited() -> Iterator[Wait]:
    """What is waited for channels inside."""
    wait = Wait()
    token = _PRESENT.set(wait)
    try:
        yield wait
    finally:
        _PRESENT.reset(token)


def begin() -> None:
    """It is the channel's turn, for whoever is counting: from a connection's first packet until it
    stands, and from a request until its answer is whole."""
    wait = _PRESENT.get()
    if wait is not None:
        wait.begin()


def end() -> None:
    """It is ours again."""
    wait = _PRESENT.get()
    if wait is not None:
        wait.end()
