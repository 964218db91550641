"""A line to the database that fails where a test says: before a batch is sent, or after its commit.

Stands between a service and PostgreSQL and passes bytes on. The only Bind message of a gateway with
dozens of parameters is a batch to be written, so the fault falls exactly there. It knows nothing of
what is written.

It also keeps the statements that settle-path sessions prepare, for whoever asks what was said.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from settlement.storage.connect import LOOKUP_NAME, SETTLE_PATH_NAME

SOCKET_NAME = ".s.PGSQL.5432"
BATCH_PARAMETERS_MIN = 50
"""A batch has some seventy parameters; what is asked before it has a handful."""
_CHUNK_BYTES = 256 * 1024
_START_BYTES = 1024
"""A session says its name in its first message."""
_SETTLING = (SETTLE_PATH_NAME.encode(), LOOKUP_NAME.encode())


class Fault(Enum):
    """Where the line breaks, the next time a batch is written."""

    BEFORE_SEND = auto()
    """the batch never reaches the database"""
    AFTER_COMMIT = auto()
    """the batch is committed, its answer is lost"""


class DatabaseLine:
    """The line. `dsn` is what a service is given instead of the database's own."""

    def __init__(self, dsn: str, directory: Path) -> None:
        self.dsn = _through(dsn, directory)
        self.broken = asyncio.Event()
        """set when the fault that was asked for has happened"""
        self.statements: set[str] = set()
        """what sessions of the settle path prepared so far"""
        self._target = _address(dsn)
        self._socket = directory / SOCKET_NAME
        self._server: asyncio.Server | None = None
        self._fault: Fault | None = None
        self._batches_first = 0
        self._away_after = False
        self._writers: set[StreamWriter] = set()
        self._silent: set[StreamWriter] = set()

    async def open(self) -> None:
        """The database can be reached again."""
        self._server = await asyncio.start_unix_server(self._serve, self._socket)

    async def cut(self) -> None:
        """The database is gone: connections break, and new ones are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self._socket.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.transport.abort()

    def fall_silent(self) -> None:
        """What is said over the connections that are there now is heard by nobody, and none of them
        breaks; new ones work. So it is where something between two machines forgot them."""
        self._silent |= self._writers

    def break_at_next_batch(self, fault: Fault, *, away: bool = False, after: int = 0) -> None:
        """Break once, at the next batch, or `after` so many more; with `away` the database stays
        gone after that."""
        self._fault = fault
        self._batches_first = after
        self._away_after = away
        self.broken.clear()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        from_server, to_server = await _connect(self._target)
        self._writers |= {writer, to_server}
        try:
            back = asyncio.create_task(_copy(from_server, writer))
            await self._forward(reader, to_server, back, from_server, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            back.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await back
            for end in (writer, to_server):
                end.transport.abort()
            self._writers -= {writer, to_server}
            self._silent -= {writer, to_server}

    async def _forward(
        self, reader: StreamReader, to_server: StreamWriter, back: asyncio.Task[None],
        from_server: StreamReader, writer: StreamWriter,
    ) -> None:  # fmt: skip
        settles = False
        while chunk := await reader.read(_CHUNK_BYTES):
            if writer in self._silent:
                continue
            settles = settles or any(name in chunk[:_START_BYTES] for name in _SETTLING)
            if settles and (statement := _prepared(chunk)):
                self.statements.add(statement)
            if self._fault is None or not _writes_a_batch(chunk):
                to_server.write(chunk)
                await to_server.drain()
                continue
            if self._batches_first:
                self._batches_first -= 1
                to_server.write(chunk)
                await to_server.drain()
                continue
            fault, self._fault = self._fault, None
            if fault is Fault.AFTER_COMMIT:
                back.cancel()
                with suppress(asyncio.CancelledError):
                    await back
                await _whole_batch(chunk, reader, to_server)
                await _until_ready(from_server)
            if self._away_after:
                await self.cut()
            self.broken.set()
            return


def _prepared(chunk: bytes) -> str | None:
    """The text of a Parse (kind, length, name, query, …), with which a chunk of it begins."""
    if chunk[:1] != b"P":
        return None
    query = chunk.index(0, 5) + 1
    return chunk[query : chunk.index(0, query)].decode()


def _writes_a_batch(chunk: bytes) -> bool:
    """Whether this is a Bind (kind, length, portal, statement, formats, values) of a batch."""
    if chunk[:1] != b"B":
        return False
    statement = chunk.index(0, 5) + 1
    formats = chunk.index(0, statement) + 1
    values = formats + 2 + 2 * int.from_bytes(chunk[formats : formats + 2], "big")
    return int.from_bytes(chunk[values : values + 2], "big") >= BATCH_PARAMETERS_MIN


async def _whole_batch(chunk: bytes, reader: StreamReader, to_server: StreamWriter) -> None:
    """Pass on Bind, Execute and Sync; they may come in several pieces."""
    while not chunk.endswith(b"S\0\0\0\4"):
        chunk += await reader.read(_CHUNK_BYTES)
    to_server.write(chunk)
    await to_server.drain()


async def _until_ready(from_server: StreamReader) -> None:
    """Read what the server answers until it is ready for the next query: the commit is done."""
    while True:
        kind, length = (await from_server.readexactly(1)), await from_server.readexactly(4)
        await from_server.readexactly(int.from_bytes(length, "big") - 4)
        if kind == b"Z":
            return


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.transport.abort()


async def _connect(target: str | tuple[str, int]) -> tuple[StreamReader, StreamWriter]:
    if isinstance(target, str):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection(*target)


def _address(dsn: str) -> str | tuple[str, int]:
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    host = query.get("host", [parts.hostname or "localhost"])[0]
    port = int(query.get("port", [str(parts.port or 5432)])[0])
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def _through(dsn: str, directory: Path) -> str:
    parts = urlsplit(dsn)
    user = parts.netloc.rpartition("@")[0]
    query = f"host={quote(str(directory), safe='')}&port=5432"
    return urlunsplit((parts.scheme, f"{user}@", parts.path, query, ""))


@asynccontextmanager
async def database_line(dsn: str, directory: Path) -> AsyncIterator[DatabaseLine]:
    """A line to the database of `dsn`, with its socket in `directory`."""
    line = DatabaseLine(dsn, directory)
    await line.open()
    try:
        yield line
    finally:
        await line.cut()
