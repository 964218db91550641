"""The sockets of simulated channels: ordinary requests are read and answered here, others by
aiohttp.

So that the general server is no part of what is measured when a gateway is driven against them. A
request is ordinary that can be read in one way only: GET or POST of a path that the channel
answers, with Content-Length where it has a body, over HTTP/1.1 on a connection that stays open.
Anything else hands the connection to aiohttp for good, with the bytes read so far.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import parse_qsl

from msgspec import Struct

T = TypeVar("T")
HEAD_BYTES_MAX = 64 * 1024
_HEAD_END = b"\r\n\r\n"
_LINE = re.compile(r"(GET|POST) (/[!-~]*) HTTP/1\.1")
_LENGTH = re.compile(r"[0-9]{1,9}")
_NAME = re.compile(r"[0-9A-Za-z_-]{1,100}")
_NOT_PLAIN = frozenset({"transfer-encoding", "content-encoding", "expect", "upgrade", "te"})
_PART = re.compile(r"\{(\w+)\}")


class Call(Struct, frozen=True, kw_only=True, dict=True):
    """A request as it came."""

    method: str
    target: str
    """path and query, exactly as sent"""
    path: str
    parameters: Mapping[str, str]
    """the named parts of the route's path"""
    headers: Mapping[str, str]
    """names in lower case"""
    body: bytes
    shows_certificate: bool = True
    """False only where the line is TLS and the caller showed none (双向证书)"""

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters of the address; of one that comes twice the first."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        return dict(reversed(pairs))

    def once(self, read: Callable[[Call], T]) -> T:
        """What `read` makes of it; made once, however often it is asked for."""
        made: dict[object, T] = self._made
        if read not in made:
            made[read] = read(self)
        return made[read]

    @cached_property
    def _made(self) -> dict[object, Any]:
        return {}


class Wire(Protocol):
    """Where an answer is written; nothing where the caller has gone."""

    def write(self, data: bytes) -> None:
        """Some of it."""

    def reset(self) -> None:
        """The connection breaks."""


Answer = Callable[[Call, Wire], Awaitable[None]]
Named = Mapping[str, str]


class Routes:
    """Which paths are answered, and what the named parts of each are."""

    def __init__(self, routes: Iterable[tuple[str, str]]) -> None:
        self._exact: set[tuple[str, str]] = set()
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        for method, path in routes:
            if "{" in path:
                pattern = _PART.sub(r"(?P<\1>[^{}/]+)", path.replace(".", r"\."))
                self._patterns.append((method, re.compile(pattern)))
            else:
                self._exact.add((method, path))

    def find(self, method: str, path: str) -> Named | None:
        """The named parts; None where nobody answers."""
        if (method, path) in self._exact:
            return {}
        for wanted, pattern in self._patterns:
            found = pattern.fullmatch(path) if wanted == method else None
            if found is not None:
                return found.groupdict()
        return None


class PlainServer:
    """All connections of a channel."""

    def __init__(
        self, routes: Routes, answer: Answer, general: Callable[[], asyncio.Protocol], *,
        body_bytes_max: int,
    ) -> None:  # fmt: skip
        self.routes = routes
        self.answer = answer
        self.general = general
        self.body_bytes_max = body_bytes_max
        self.open: set[_Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Connection(self)

    def close(self) -> None:
        """No more answers."""
        for connection in list(self.open):
            connection.close()
        for task in list(self.tasks):
            task.cancel()


class _Connection(asyncio.Protocol):
    """One: a request after the other."""

    def __init__(self, server: PlainServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._busy = False
        self._shows_certificate = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast(asyncio.Transport, transport)
        self._shows_certificate = shows_certificate(self._transport)
        self._server.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop. What is begun is carried out."""
        self._transport = None
        self._server.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self._busy:
            self._look()

    def write(self, data: bytes) -> None:
        """See `Wire`."""
        if self._transport is not None:
            self._transport.write(data)

    def reset(self) -> None:
        """See `Wire`."""
        if self._transport is not None:
            reset(self._transport)

    def close(self) -> None:
        """No more of it."""
        if self._transport is not None:
            self._transport.abort()

    def _look(self) -> None:
        end = self._buffer.find(_HEAD_END)
        if end < 0 and len(self._buffer) <= HEAD_BYTES_MAX:
            return
        lines = self._buffer[: max(end, 0)].decode("latin-1").split("\r\n")
        headers = _headers(lines)
        line = _LINE.fullmatch(lines[0])
        if headers is None or line is None or end > HEAD_BYTES_MAX:
            self._become_general()
            return
        method, target = line[1], line[2]
        path = target.partition("?")[0]
        named = None if "%" in path else self._server.routes.find(method, path)
        length = headers.get("content-length", "0" if method == "GET" else "")
        is_whole = _LENGTH.fullmatch(length) is not None
        if named is None or not is_whole or int(length) > self._server.body_bytes_max:
            self._become_general()
            return
        ends_at = end + len(_HEAD_END) + int(length)
        if len(self._buffer) < ends_at:
            return
        body = self._buffer[end + len(_HEAD_END) : ends_at]
        self._buffer = self._buffer[ends_at:]
        self._begin(
            Call(
                method=method, target=target, path=path, parameters=named, headers=headers,
                body=body, shows_certificate=self._shows_certificate,
            )
        )  # fmt: skip

    def _begin(self, call: Call) -> None:
        self._busy = True
        task = asyncio.ensure_future(self._answered(call))
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _answered(self, call: Call) -> None:
        try:
            await self._server.answer(call, self)
        except BaseException:
            self.close()
            raise
        self._busy = False
        if self._buffer and self._transport is not None:
            self._look()

    def _become_general(self) -> None:
        transport, data = self._transport, self._buffer
        if transport is None:
            return
        self._server.open.discard(self)
        handler = self._server.general()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(data)


def head_of(status: int, media: str, headers: Mapping[str, str], length: int) -> bytes:
    """The head of an answer."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    if status != HTTPStatus.NO_CONTENT:
        lines += [f"Content-Type: {media}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


def reset(transport: asyncio.BaseTransport) -> None:
    """The connection breaks, at once and not politely."""
    line = transport.get_extra_info("socket")
    if line is not None:
        at_once = struct.pack("ii", 1, 0)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    cast(asyncio.Transport, transport).abort()


def shows_certificate(transport: asyncio.BaseTransport | None) -> bool:
    """Whether a caller over TLS showed a certificate; True where the line has none."""
    if transport is None or transport.get_extra_info("sslcontext") is None:
        return True
    return bool(transport.get_extra_info("peercert"))


def _headers(lines: list[str]) -> dict[str, str] | None:
    """None where they could be read in two ways, or the connection ends with them."""
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or _NAME.fullmatch(name) is None:
            return None
        headers[name.lower()] = value.strip(" ")
    is_odd = len(headers) != len(lines) - 1 or not headers.keys().isdisjoint(_NOT_PLAIN)
    if is_odd or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return headers
