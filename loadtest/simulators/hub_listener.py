"""The sockets of the simulated hub: plain POSTs of messages answered here, the rest by aiohttp.

So that the hub is no part of what is measured when two gateways are driven through it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import cast

from loadtest.simulators.hub import Passed
from protocol.hub.envelope import BYTES_MAX
from settlement.region.hub_line import MESSAGES_PATH

Carry = Callable[[bytes], Awaitable[Passed | None]]
"""None: the connection breaks without an answer."""
_START = f"POST {MESSAGES_PATH} HTTP/1.1\r\n".encode()
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,7}) *\r\n", re.IGNORECASE)


class HubConnection(asyncio.Protocol):
    """One connection: a message at a time."""

    def __init__(self, carry: Carry, general: Callable[[], asyncio.Protocol]) -> None:
        self._carry = carry
        self._general = general
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop. What is on its way goes on: it was handed over."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._buffer = self._buffer + data if self._buffer else data
        if self._task is None:
            self._look()

    def _look(self) -> None:
        end = self._buffer.find(_HEAD_END)
        if end < 0 and _START.startswith(self._buffer[: len(_START)]):
            return
        length = _LENGTH.search(self._buffer, 0, max(end, 0) + 2)
        if not self._buffer.startswith(_START) or length is None:
            self._become_general()
            return
        size, body_at = int(length[1]), end + len(_HEAD_END)
        if size > BYTES_MAX:
            self._become_general()
            return
        if len(self._buffer) < body_at + size:
            return
        message = self._buffer[body_at : body_at + size]
        self._buffer = self._buffer[body_at + size :]
        self._task = asyncio.ensure_future(self._answer(message))

    async def _answer(self, message: bytes) -> None:
        passed = await self._carry(message)
        self._task = None
        if self._transport is None:
            return
        if passed is None:
            self._transport.abort()
            return
        self._transport.write(
            b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (passed.status, len(passed.body), passed.body)
        )
        if self._buffer:
            self._look()

    def _become_general(self) -> None:
        if self._transport is None:
            return
        handler = self._general()
        self._transport.set_protocol(handler)
        handler.connection_made(self._transport)
        handler.data_received(self._buffer)
