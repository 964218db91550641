"""Connections that are not plain: aiohttp answers them, and here they are counted and cut.

aiohttp waits without end for the first request of a connection; afterwards it closes what is idle.
So a connection that has become general has as long for its first request as a plain one.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from aiohttp import web

from settlement.limits import Limits
from settlement.telemetry.metrics import METRICS


class GeneralConnections:
    """All of a process. Called with a transport, it answers the protocol that takes it over."""

    def __init__(self, server: web.Server, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._silent: dict[asyncio.Protocol, tuple[asyncio.Transport, float]] = {}
        self._count = 0

    def __call__(self, transport: asyncio.Transport) -> asyncio.Protocol:
        """Take a connection over."""
        handler = self._server()
        self._silent[handler] = transport, monotonic()
        self._count += 1
        return handler

    def began(self, handler: asyncio.Protocol) -> None:
        """A request of it is here, its head at least."""
        self._silent.pop(handler, None)

    def count(self) -> int:
        """How many are open; some that have ended may be among them until the next sweep."""
        return self._count

    def sweep(self) -> None:
        """Cut those whose first request takes too long."""
        now = monotonic()
        for handler, (transport, since) in list(self._silent.items()):
            if transport.is_closing():
                del self._silent[handler]
            elif now - since > self._limits.arrival_seconds_max:
                del self._silent[handler]
                METRICS.connections_cut += 1
                transport.abort()
        self._count = len(self._server.connections)
