"""One Lua script on one Redis connection, as cheaply as the wire allows.

The general client costs more per call than the whole authentication of a request, so the settle
path speaks the protocol (RESP 2) itself: one command out, one array of texts back, one at a time.
Everything else that uses Redis uses the client library. Knows nothing about nonces.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, cast

from redis.asyncio.connection import parse_url


class RedisScript:
    """Runs one script; connects when first needed and again after a failure."""

    def __init__(self, url: str, script: str) -> None:
        self._options: dict[str, Any] = dict(parse_url(url))
        self._script = script.encode()
        self._sha = hashlib.sha1(self._script, usedforsecurity=False).hexdigest().encode()
        self._line: _Line | None = None

    async def run(self, keys: list[bytes], arguments: list[bytes]) -> list[bytes]:
        """What the script answers. Raises ConnectionError for every failure; when it is cancelled
        (a deadline), the connection is given up, because an answer may still come on it."""
        line = self._line
        try:
            if line is None or line.transport is None:
                line = self._line = await self._connect()
            tail = [b"%d" % len(keys), *keys, *arguments]
            try:
                return await line.call(_command([b"EVALSHA", self._sha, *tail]))
            except ScriptMissingError:
                return await line.call(_command([b"EVAL", self._script, *tail]))
        except (OSError, ScriptMissingError, asyncio.CancelledError) as exc:
            self.close()
            if isinstance(exc, (asyncio.CancelledError, ConnectionError)):
                raise
            raise ConnectionError(str(exc)) from exc

    def close(self) -> None:
        """Give the connection up."""
        if self._line is not None and self._line.transport is not None:
            self._line.transport.abort()
        self._line = None

    async def _connect(self) -> _Line:
        loop, options = asyncio.get_running_loop(), self._options
        if "path" in options:
            _, line = await loop.create_unix_connection(_Line, options["path"])
        else:
            secure = "SSL" in getattr(options.get("connection_class"), "__name__", "")
            host, port = options.get("host", "localhost"), options.get("port", 6379)
            _, line = await loop.create_connection(_Line, host, port, ssl=secure or None)
        if options.get("password"):
            user = [options["username"].encode()] if options.get("username") else []
            await line.call(_command([b"AUTH", *user, options["password"].encode()]))
        if options.get("db"):
            await line.call(_command([b"SELECT", b"%d" % options["db"]]))
        return line


class ScriptMissingError(Exception):
    """Redis does not know the script (any more): it was restarted."""


class _Line(asyncio.Protocol):
    """One connection with at most one call on its way."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._data = b""
        self._answer: asyncio.Future[list[bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("Redis closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._answer is None or self._answer.done():
            return
        try:
            answer = parse_answer(self._data)
        except (ConnectionError, ScriptMissingError) as exc:
            self._data = b""
            self._answer.set_exception(exc)
            return
        if answer is not None:
            self._data = b""
            self._answer.set_result(answer)

    async def call(self, command: bytes) -> list[bytes]:
        if self.transport is None:
            raise ConnectionResetError("Redis closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(command)
        return await self._answer


def parse_answer(data: bytes) -> list[bytes] | None:
    """An array of texts, or one simple line as a list of one; None while it is incomplete.

    Raises ScriptMissingError or ConnectionError for what Redis calls an error.
    """
    if not data.endswith(b"\r\n"):
        return None
    kind, line_end = data[:1], data.find(b"\r\n")
    if kind == b"-":
        text = data[1:line_end].decode(errors="replace")
        raise ScriptMissingError if text.startswith("NOSCRIPT") else ConnectionError(text)
    if kind != b"*":
        return [data[1:line_end]]
    answer: list[bytes] = []
    at = line_end + 2
    for _ in range(int(data[1:line_end])):
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None
        start = line_end + 2
        end = start + max(int(data[at + 1 : line_end]), 0)
        if end + 2 > len(data):
            return None
        answer.append(data[start:end])
        at = end + 2
    return answer


def _command(words: list[bytes]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"".join(parts)
