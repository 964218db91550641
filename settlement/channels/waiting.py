"""How long channels were waited for while an adapter was at work.

What a payment over a channel costs us is the time of the call without the time in which the request
lay with the channel. The line knows the second (settlement/channels/line.py), whoever called the
adapter the first; adapters need to know nothing of either. The client library's own work counts as
ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import aiohttp

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


def watching() -> aiohttp.TraceConfig:
    """Makes a session of the client library tell whoever is counting: from the connection's first
    packet until it stands, and from the request's last header to the answer's."""
    config = aiohttp.TraceConfig()
    config.on_connection_create_start.append(_begin)
    config.on_connection_create_end.append(_end)
    config.on_request_headers_sent.append(_begin)
    config.on_request_end.append(_end)
    config.on_request_exception.append(_end)
    return config


async def _begin(_session: aiohttp.ClientSession, _context: object, _what: object) -> None:
    wait = _PRESENT.get()
    if wait is not None:
        wait.begin()


async def _end(_session: aiohttp.ClientSession, _context: object, _what: object) -> None:
    wait = _PRESENT.get()
    if wait is not None:
        wait.end()
