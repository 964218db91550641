"""What a plain connection does with what the loop delivers, over a transport that keeps count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import msgspec
import pytest

from settlement.limits import DEFAULT_LIMITS
from settlement.web.connection import Connection, Connections
from settlement.web.exchange import Done, Exchange
from settlement.web.reply import HttpReply

pytestmark = pytest.mark.asyncio

LIMITS = msgspec.structs.replace(DEFAULT_LIMITS, head_bytes_max=8_000)
BODY_BYTES = 300_000
HEAD = f"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
CHUNKED = HEAD.replace(b"Content-Length: 300000", b"Transfer-Encoding: chunked")
PIECE = b"x" * 100_000


class Transport(asyncio.Transport):
    """Whether somebody reads it, and what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True
        self.written: list[bytes] = []
        self.protocol: asyncio.BaseProtocol | None = None

    def is_reading(self) -> bool:
        return self.reading

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: object) -> None:
        self.written.append(cast("bytes", data))

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class Echo:
    """An exchange that answers when it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.done: list[Done] = []

    def start(self, _infno: object, _headers: Mapping[str, str], body: bytes, done: Done) -> None:
        self.bodies.append(body)
        self.done.append(done)


class Elsewhere(asyncio.Protocol):
    """What takes over what is not plain."""

    def __init__(self) -> None:
        self.came = b""

    def data_received(self, data: bytes) -> None:
        self.came += data


def connected(
    echo: Echo, general: Callable[[asyncio.Transport], asyncio.Protocol] | None = None
) -> tuple[Connection, Transport]:
    """A new connection."""
    taking = general or (lambda _: Elsewhere())
    connection = Connections(cast("Exchange", echo), taking, LIMITS)()
    transport = Transport()
    connection.connection_made(transport)
    return connection, transport


async def read_all() -> None:
    """Let the loop call what is due."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_large_body_that_comes_twice_before_its_head_is_read_is_read_on() -> None:
    echo = Echo()
    connection, transport = connected(echo)
    connection.data_received(HEAD + PIECE)
    connection.data_received(PIECE)
    await read_all()
    assert transport.is_reading()
    connection.data_received(PIECE)
    assert echo.bodies == [PIECE * 3]


async def test_whole_large_body_that_comes_twice_leaves_the_connection_open_for_the_next() -> None:
    echo = Echo()
    connection, transport = connected(echo)
    connection.data_received(HEAD + PIECE)
    connection.data_received(PIECE * 2)
    await read_all()
    assert echo.bodies == [PIECE * 3]
    echo.done[0](HttpReply(200, b"{}"))
    await read_all()
    assert transport.is_reading() and len(transport.written) == 1


async def test_what_takes_a_connection_over_gets_one_that_is_read() -> None:
    other = Elsewhere()
    connection, transport = connected(Echo(), lambda _: other)
    connection.data_received(CHUNKED + PIECE)
    connection.data_received(PIECE)
    await read_all()
    assert transport.protocol is other and transport.is_reading()
    assert other.came == CHUNKED + PIECE * 2


async def test_who_sends_much_ahead_is_not_read_until_the_answer_is_there() -> None:
    echo = Echo()
    connection, transport = connected(echo)
    connection.data_received(HEAD + PIECE * 3)
    await read_all()
    connection.data_received(HEAD + PIECE)
    assert not transport.is_reading()
    echo.done[0](HttpReply(200, b"{}"))
    await read_all()
    assert transport.is_reading()
    connection.data_received(PIECE * 2)
    assert len(echo.bodies) == 2
