"""POSTs of whole messages over kept connections, and how far each came.

Just what the wire between regions needs of HTTP/1.1: a body with Content-Length there and back. A
general client costs more of the processor than the signatures. Whether a byte can have left is
known here exactly: NOT_SENT while there is no connection yet, LOST from the first byte on. Nothing
is ever sent a second time.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from typing import cast
from urllib.parse import urlsplit

from msgspec import Struct

HEAD_BYTES_MAX = 16 * 1024
ANSWER_BYTES_MAX = 1024 * 1024 + HEAD_BYTES_MAX
IDLE_MAX = 256
"""Connections that are kept while nobody uses them."""
_HEAD_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3})[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9}) *\r\n", re.IGNORECASE)
_NOT_PLAIN = re.compile(rb"\r\n(?:transfer-encoding|content-encoding):", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close *\r\n", re.IGNORECASE)


class Answered(Struct, frozen=True):
    """An answer of HTTP, whatever it says."""

    status: int
    body: bytes


class NotAnswered(Struct, frozen=True):
    """None, or none that is whole."""

    sent: bool
    """whether a byte of the message may have left"""
    reason: str


class KeptHttp:
    """Connections to one address."""

    def __init__(self, address: str, *, connect_seconds: float) -> None:
        """`address`: http or https, a path before that of the requests may follow."""
        parts = urlsplit(address)
        tls = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if tls else 80)
        self._tls = ssl.create_default_context() if tls else None
        self._netloc, self._before = parts.netloc, parts.path.rstrip("/")
        self._connect_seconds = connect_seconds
        self._idle: deque[_Kept] = deque()

    async def post(self, path: str, body: bytes, *, seconds: float) -> Answered | NotAnswered:
        """Send it once and wait so long, all in all."""
        kept: _Kept | None = None
        whole = False
        try:
            async with asyncio.timeout(seconds):
                kept = self._taken() or await self._opened()
                answered = await kept.post(self._request(path, body))
            whole = True
            return answered
        except TimeoutError:
            return NotAnswered(kept is not None, f"nothing within {seconds} s")
        except OSError as exc:
            return NotAnswered(kept is not None, f"{type(exc).__name__}: {exc}".rstrip(": "))
        finally:
            if kept is not None:
                self._give_back(kept, whole=whole)

    def close(self) -> None:
        """Drop the connections that nobody uses."""
        while self._idle:
            self._idle.popleft().abort()

    def _request(self, path: str, body: bytes) -> bytes:
        head = (
            f"POST {self._before}{path} HTTP/1.1\r\nHost: {self._netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body

    def _taken(self) -> _Kept | None:
        while self._idle:
            kept = self._idle.pop()
            if kept.is_open:
                return kept
        return None

    async def _opened(self) -> _Kept:
        async with asyncio.timeout(self._connect_seconds):
            _, protocol = await asyncio.get_running_loop().create_connection(
                _Kept, self._host, self._port, ssl=self._tls
            )
        return protocol

    def _give_back(self, kept: _Kept, *, whole: bool) -> None:
        """What was not answered whole says something else next time: it is not used again."""
        if whole and kept.is_open and len(self._idle) < IDLE_MAX:
            self._idle.append(kept)
        else:
            kept.abort()


class _Kept(asyncio.Protocol):
    """A connection with at most one request on its way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answered] | None = None
        self._buffer = b""
        self._keep = True

    @property
    def is_open(self) -> bool:
        """Whether another request may be sent."""
        return self._keep and self._transport is not None and not self._transport.is_closing()

    async def post(self, request: bytes) -> Answered:
        """Send and wait. Raises OSError."""
        if self._transport is None:
            raise ConnectionResetError("closed before it was used")
        self._buffer = b""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._transport = None
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("closed"))

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._waiting is None or self._waiting.done():
            self.abort()  # an answer that nobody asked for
            return
        self._buffer = self._buffer + data if self._buffer else data
        if len(self._buffer) > ANSWER_BYTES_MAX:
            self._fail(ConnectionAbortedError("too much"))
            return
        end = self._buffer.find(_HEAD_END)
        if end >= 0:
            self._read(self._waiting, self._buffer[: end + 2], end + len(_HEAD_END))

    def _read(self, waiting: asyncio.Future[Answered], head: bytes, body_at: int) -> None:
        status, length = _STATUS.match(head), _LENGTH.search(head)
        if status is None or length is None or _NOT_PLAIN.search(head):
            self._fail(ConnectionAbortedError("no plain answer"))
            return
        missing = body_at + int(length[1]) - len(self._buffer)
        if missing > 0:
            return
        if missing < 0 or _CLOSE.search(head):
            self._keep = False
        body = self._buffer[body_at : body_at + int(length[1])]
        waiting.set_result(Answered(int(status[1]), body))

    def _fail(self, error: OSError) -> None:
        self._keep = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
