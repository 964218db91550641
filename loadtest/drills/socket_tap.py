"""Takes the place of a server's socket for a while: a line that can be cut, silenced and slowed.

The embedded servers listen on sockets in a private directory. A tap moves such a socket aside,
listens in its place and passes bytes on; connections that were there before are not its own. It
knows nothing of what is said.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK_BYTES = 64 * 1024


class SocketTap:
    """A line to a server. It passes everything on until told otherwise."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.aside = socket.with_name("tapped")
        """where the server itself is meanwhile; short, for the path of a socket has little room"""
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._delay_seconds = 0.0

    async def open(self) -> None:
        """Stand in the server's place."""
        self._socket.rename(self.aside)
        await self._listen()

    async def close(self) -> None:
        """Give the server its place back; lines over the tap break."""
        await self.cut()
        self.aside.rename(self._socket)

    async def cut(self) -> None:
        """Lines break, and nobody gets a new one."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self._socket.unlink(missing_ok=True)
        lines = list(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    async def mend(self) -> None:
        """Lines can be had again, and carry again what was held back."""
        self._delay_seconds = 0.0
        self._flows.set()
        if self._server is None:
            await self._listen()

    def silence(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        self._flows.clear()

    def slow(self, delay_seconds: float) -> None:
        """Every piece takes so much longer, in both directions."""
        self._delay_seconds = delay_seconds

    async def _listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, self._socket)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        line = asyncio.create_task(self._serve(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        to_server = writer
        try:
            from_server, to_server = await asyncio.open_unix_connection(self.aside)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, to_server))
                group.create_task(self._copy(from_server, writer))
        except* OSError:
            pass  # one end is gone, so the other goes too
        finally:
            for end in (writer, to_server):
                end.transport.abort()

    async def _copy(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Until one end is gone. Raises OSError, so that the other direction ends as well."""
        while chunk := await reader.read(CHUNK_BYTES):
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
            await self._flows.wait()
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError("the other end hung up")


@asynccontextmanager
async def tapped(socket: Path) -> AsyncIterator[SocketTap]:
    """A tap on a server's socket, until left."""
    tap = SocketTap(socket)
    await tap.open()
    try:
        yield tap
    finally:
        with suppress(FileNotFoundError):
            await tap.close()
