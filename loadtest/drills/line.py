"""A till's connection to the server: one request at a time, kept open, and hung up on when wanted.

Just enough HTTP for a till that must be able to disappear between a request and its answer, which
ordinary clients do not let one choose.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count

from loadtest.generator.framing import FramingError, body_of, reply_size, status_of
from loadtest.world import WorldInstitution
from protocol.nhsa.signing import tif_signature

RECEIVE_BYTES = 65536
CONNECT_SECONDS_MAX = 5.0


class LineBrokenError(Exception):
    """No answer: it may have been carried out or not."""


class Line:
    """One connection. Not for two requests at the same time."""

    def __init__(self, address: tuple[str, int], *, answer_seconds: float = 30.0) -> None:
        self._address = address
        self._answer_seconds = answer_seconds
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. Raises LineBrokenError."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                reader, writer = await self._opened()
                writer.write(request)
                reply = b""
                while not (size := reply_size(reply)) or len(reply) < size:
                    more = await reader.read(RECEIVE_BYTES)
                    if not more:
                        raise LineBrokenError("closed by the server")
                    reply += more
                return status_of(reply), body_of(reply)
        except (OSError, TimeoutError, FramingError, LineBrokenError) as exc:
            self.hang_up()
            raise LineBrokenError(f"{type(exc).__name__}: {exc}") from exc

    async def send_and_vanish(self, request: bytes) -> None:
        """Send it, and be gone before an answer can come. Raises LineBrokenError."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                _, writer = await self._opened()
                writer.write(request)
                await writer.drain()
        except (OSError, TimeoutError) as exc:
            raise LineBrokenError(f"{type(exc).__name__}: {exc}") from exc
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """The next request opens another one."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        return self._streams


class Pen:
    """Writes the signed requests of one institution."""

    def __init__(
        self, institution: WorldInstitution, address: tuple[str, int], *, name: str,
        read_seconds: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`name` tells pens of one institution apart: no two may write the same nonce."""
        self._institution = institution
        self._host = f"{address[0]}:{address[1]}"
        self._nonce = (f"{name}-{number}" for number in count())
        self._read_seconds = read_seconds

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The whole request; sent again it must be written again, because its nonce is used."""
        nonce, timestamp = next(self._nonce), str(int(self._read_seconds()))
        signature = tif_signature(timestamp, self._institution.secret, nonce)
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"x-tif-paasid: {self._institution.paasid}\r\nx-tif-timestamp: {timestamp}\r\n"
            f"x-tif-nonce: {nonce}\r\nx-tif-signature: {signature}\r\n\r\n"
        ).encode() + body
