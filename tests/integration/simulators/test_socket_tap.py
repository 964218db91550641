"""A tap in place of a server's socket: lines over it are cut, silenced, slowed, and let go."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loadtest.drills.socket_tap import tapped
from tests.services import temporary_directory

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def an_echo() -> AsyncIterator[Path]:
    """A server's socket."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    with temporary_directory() as folder:
        server = await asyncio.start_unix_server(answer, folder / "s")
        try:
            yield folder / "s"
        finally:
            server.close()


async def said(streams: tuple[StreamReader, StreamWriter], word: bytes) -> bytes:
    """What comes back."""
    streams[1].write(word + b"\n")
    return (await streams[0].readline()).strip()


async def test_lines_pass_over_the_tap_and_the_server_has_its_place_back_afterwards() -> None:
    async with an_echo() as socket:
        async with tapped(socket) as tap:
            tap.slow(0.001)
            line = await asyncio.open_unix_connection(socket)
            assert await said(line, b"over the tap") == b"over the tap"
        assert await line[0].read() == b""
        assert await said(await asyncio.open_unix_connection(socket), b"again") == b"again"


async def test_cut_line_breaks_and_nobody_gets_another_until_it_is_mended() -> None:
    async with an_echo() as socket, tapped(socket) as tap:
        line = await asyncio.open_unix_connection(socket)
        assert await said(line, b"before") == b"before"
        await tap.cut()
        assert await line[0].read() == b""
        with pytest.raises(FileNotFoundError):
            await asyncio.open_unix_connection(socket)
        await tap.mend()
        assert await said(await asyncio.open_unix_connection(socket), b"after") == b"after"


async def test_silenced_line_holds_back_and_carries_it_when_it_is_mended() -> None:
    async with an_echo() as socket, tapped(socket) as tap:
        line = await asyncio.open_unix_connection(socket)
        assert await said(line, b"before") == b"before"
        tap.silence()
        waiting = asyncio.create_task(said(line, b"held back"))
        # Another line over the same tap is opened and hears nothing either.
        other = await asyncio.open_unix_connection(socket)
        other[1].write(b"too\n")
        await other[1].drain()
        assert not waiting.done()
        await tap.mend()
        assert await waiting == b"held back"
