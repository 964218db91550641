"""One connection: the plain case answered here, everything else handed to aiohttp for good.

A connection starts plain. The first request that `framing` does not call plain makes it general:
the transport gets aiohttp's own request handler as its protocol, together with the bytes read so
far. Requests of a connection are answered one after the other, in order. This module knows bytes
and sockets; who calls and what is answered is `exchange`'s business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import cast

from settlement.limits import Limits
from settlement.telemetry.metrics import METRICS
from settlement.web.exchange import Exchange, Turn
from settlement.web.framing import Head, Verdict, parse_head
from settlement.web.hub import HubPage
from settlement.web.pay import PayPages
from settlement.web.reply import HttpReply, too_large
from settlement.web.task_turn import TaskTurn

logger = logging.getLogger("settlement.web")


General = Callable[[asyncio.Transport], asyncio.Protocol]
"""What takes a connection over that is not plain."""


class Connections:
    """All plain connections of a process, and what they share."""

    def __init__(
        self, exchange: Exchange, general: General, limits: Limits,
        hub: HubPage | None = None, pay: PayPages | None = None,
    ) -> None:  # fmt: skip
        self.exchange = exchange
        self.hub = hub
        self.pay = pay
        self.general = general
        self.limits = limits
        self.open: set[Connection] = set()
        self.elsewhere: Callable[[], int] = int
        """how many connections are general"""
        self.closing = False
        self._arrived: list[Connection] = []

    def __call__(self) -> Connection:
        """The protocol of a new connection."""
        return Connection(self)

    def arrived(self, connection: Connection) -> None:
        """A connection has something to read. All that arrives in one turn of the loop is read
        together: first every head, then every request is started."""
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._read_arrived)
        self._arrived.append(connection)

    def _read_arrived(self) -> None:
        arrived, self._arrived = self._arrived, []
        heads = [connection.read_head() for connection in arrived]
        for connection, head in zip(arrived, heads, strict=True):
            try:
                connection.begin(head)
            except Exception:  # of this one connection: the others go on
                logger.exception("a request failed", extra={"event": "connection.failed"})
                connection.abort()

    @property
    def count(self) -> int:
        """Connections of senders, general ones included."""
        return len(self.open) + self.elsewhere()

    def sweep(self) -> None:
        """Close what is idle too long or arrives too slowly, cancel what takes too long."""
        now, limits, count = monotonic(), self.limits, self.count
        crowded = count * 4 > limits.connections_max * 3
        idle_seconds_max = limits.arrival_seconds_max if crowded else limits.idle_seconds_max
        for connection in list(self.open):
            connection.sweep(now, idle_seconds_max)
        METRICS.connections_open = count

    def stop(self) -> None:
        """Close idle connections now and the others after their next answer."""
        self.closing = True
        for connection in list(self.open):
            connection.finish()

    def abort(self) -> None:
        """Close all of them; requests in progress are cancelled."""
        for connection in list(self.open):
            connection.abort()


class Connection(asyncio.Protocol):
    """Reads plain requests, starts a turn for each, writes replies."""

    __slots__ = (
        "_body_parts", "_buffer", "_buffered", "_busy", "_head", "_keep_alive", "_owner", "_paused",
        "_since", "_transport", "_turn",
    )

    def __init__(self, owner: Connections) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._body_parts: list[bytes] = []
        self._buffered = 0
        self._head: Head | None = None
        self._busy = False
        """a request is being answered; what arrives meanwhile waits in the buffer"""
        self._turn: Turn | TaskTurn | None = None
        self._keep_alive = True
        self._paused = False
        self._since = monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)
        owner = self._owner
        if owner.closing:
            self._transport.close()
            return
        if owner.count >= owner.limits.connections_max:
            self.cut()
            return
        owner.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop. A request in progress runs on, for it may book."""
        self._transport = None
        self._owner.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._busy:
            self._keep_for_later(data)
            return
        if self._head is None:
            if not self._buffer:
                self._since = monotonic()
            self._buffer = self._buffer + data if self._buffer else data
            self._busy = True
            self._owner.arrived(self)
            return
        self._body_parts.append(data)
        self._buffered += len(data)
        if self._buffered >= self._head.body_bytes:
            self._complete(self._head, b"".join(self._body_parts))

    def eof_received(self) -> bool:
        """Called by the loop; a half-closed sender still gets the answer it waits for. TLS has no
        half."""
        plain = self._transport is None or self._transport.get_extra_info("sslcontext") is None
        return self._busy and plain

    def pause_writing(self) -> None:
        """Called by the loop when the sender does not read its answers."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called by the loop when it does again."""
        self._paused = False
        self._resume()

    def sweep(self, now: float, idle_seconds_max: float) -> None:
        """Enforce the three time limits of a connection."""
        limits, waited = self._owner.limits, now - self._since
        if self._busy:
            if self._turn is not None and waited > self._turn.seconds_max:
                self._turn.expire()
        elif self._head is not None or self._buffer:
            if waited > limits.arrival_seconds_max:
                self.cut()
        elif waited > idle_seconds_max:
            self.cut()

    def cut(self) -> None:
        """End it now, whatever was sent and not read: whoever does not read would keep it open."""
        METRICS.connections_cut += 1
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """Close after the answer in progress, at once where there is none."""
        if not self._busy and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._turn is not None:
            self._turn.expire()
        if self._transport is not None:
            self._transport.close()

    def read_head(self) -> Head | Verdict:
        """The head that what is unread begins with, or why there is none (yet)."""
        return parse_head(self._buffer, self._owner.limits.head_bytes_max)

    def begin(self, head: Head | Verdict) -> None:
        """Go on with what `read_head` found."""
        self._busy = False
        self._read_on()
        if isinstance(head, Verdict):
            if head is Verdict.GENERAL:
                self._become_general()
            return
        owner = self._owner
        if (head.is_hub and owner.hub is None) or (head.pay is not None and owner.pay is None):
            self._become_general()
            return
        data, self._buffer = self._buffer, b""
        if head.body_bytes > self._owner.limits.body_bytes_max:
            self._refuse_large()
            return
        body = data[head.body_at :]
        if len(body) >= head.body_bytes:
            self._complete(head, body)
            return
        self._head, self._body_parts, self._buffered = head, [body], len(body)

    def _complete(self, head: Head, body: bytes) -> None:
        """A whole request is here; what follows it waits in the buffer."""
        self._head = None
        self._body_parts = []
        if len(body) > head.body_bytes:
            self._buffer = body[head.body_bytes :]
            body = body[: head.body_bytes]
        self._since = monotonic()
        self._busy = True
        self._keep_alive = head.keep_alive
        if head.is_hub and self._owner.hub is not None:
            self._turn = self._owner.hub.start(body, self._reply)
            return
        if head.pay is not None and self._owner.pay is not None:
            self._turn = self._owner.pay.start(*head.pay, head.headers, body, self._reply)
            return
        self._turn = self._owner.exchange.start(head.infno, head.headers, body, self._reply)

    def _reply(self, reply: HttpReply) -> None:
        """The turn's end; `_complete` may still be on the stack."""
        self._busy = False
        self._turn = None
        transport = self._transport
        if transport is None:
            return
        if self._keep_alive and not self._owner.closing:
            transport.write(reply.wire())
            self._since = monotonic()
            if self._buffer:  # later, for one sender may have sent a thousand requests ahead
                asyncio.get_running_loop().call_soon(self._resume)
            return
        transport.write(reply.last_wire())
        transport.close()

    def _resume(self) -> None:
        """Go on with what arrived meanwhile."""
        transport = self._transport
        if transport is None or self._busy or self._paused or self._head is not None:
            return
        if not self._buffer or transport.is_closing():
            return
        self.begin(self.read_head())

    def _read_on(self) -> None:
        """What the buffer holds is about to be used: more may come, for whoever goes on with it."""
        transport = self._transport
        if transport is None or transport.is_reading() or transport.is_closing():
            return
        transport.resume_reading()

    def _keep_for_later(self, data: bytes) -> None:
        """Requests sent ahead wait; a sender who sends too much ahead is not read any more."""
        self._buffer += data
        if len(self._buffer) > self._owner.limits.head_bytes_max and self._transport is not None:
            self._transport.pause_reading()

    def _refuse_large(self) -> None:
        if self._transport is not None:
            self._transport.write(too_large(self._owner.limits).last_wire())
            self._transport.close()

    def _become_general(self) -> None:
        transport, data = self._transport, self._buffer
        if transport is None:
            return
        self._owner.open.discard(self)
        handler = self._owner.general(transport)
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(data)
