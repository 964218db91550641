"""Senders that are slow, silent, gone or greedy with connections: each is cut, others are served.

The server is a real one in this process over an echo, with limits of a second and less.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from tests.integration.web.client import Client, signed
from tests.integration.web.echo_gateway import DONE
from tests.integration.web.echo_server import LIMITS, Server
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio

TCP_REPAIR = 19
"""A socket that is closed in repair mode says nothing to the other side: it is just gone."""
IMPATIENT = msgspec.structs.replace(
    LIMITS, arrival_seconds_max=0.3, idle_seconds_max=60.0, unread_seconds_max=0.5,
    quiet_seconds_max=1, connections_max=8, in_flight_max=4, queue_length_max=4, batch_size_max=4,
)  # fmt: skip
SLOW = {
    "plain head": b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nX-A: ",
    "plain body": b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n{",
    "page": b"GET /docs HTTP/1.1\r\nHost: h\r\nX-A: ",
    "other method": b"PUT /hsa/hgs HTTP/1.1\r\n",
    "one byte": b"G",
    "one byte of ours": b"P",
    "chunks": b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n",
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with Server(tmp_path, IMPATIENT) as running:
        yield running


async def is_served(server: Server) -> bool:
    client = await Client.to(server.port)
    served = (await client.post(b"hello")).body == DONE
    client.close()
    return served


def nobody(server: Server) -> Callable[[], Awaitable[bool]]:
    """Whether the server has no connection any more."""

    async def look() -> bool:
        server.web.guests.sweep()
        return server.web.connections.count == 0

    return look


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
async def test_request_that_never_ends_is_cut(server: Server, sent: bytes) -> None:
    slow = await Client.to(server.port)
    slow.writer.write(sent)
    assert await is_served(server)
    with contextlib.suppress(ConnectionResetError):
        assert await slow.closed()
    await until(nobody(server))
    slow.close()


async def test_head_that_trickles_on_is_cut_all_the_same(server: Server) -> None:
    slow = await Client.to(server.port)
    slow.writer.write(b"GET /docs HTTP/1.1\r\n")

    async def sent_another() -> bool:
        slow.writer.write(b"X-A: b\r\n")
        await slow.writer.drain()
        return False

    with pytest.raises(ConnectionError):
        await until(sent_another)
    slow.close()


@pytest.mark.parametrize("lines", [1, 400])
async def test_huge_head_is_refused_and_closed(server: Server, lines: int) -> None:
    greedy = await Client.to(server.port)
    size = 64_000 // lines
    head = "".join(f"X-{number}: {'x' * size}\r\n" for number in range(lines))
    greedy.writer.write(b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\n" + head.encode())
    with contextlib.suppress(ConnectionResetError):
        assert (await greedy.read()).status in (400, 431)
    assert await is_served(server)
    greedy.close()
    await until(nobody(server))


@pytest.mark.parametrize("plain", [True, False])
async def test_who_reads_nothing_of_what_is_sent_is_cut(server: Server, plain: bool) -> None:
    """Requests go out until the answers stop the server; from then on nothing moves."""
    deaf = socket.create_connection(("127.0.0.1", server.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    deaf.setblocking(False)
    request = b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n"
    if plain:
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed().items())
        request = (
            f"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: 5\r\n\r\nhello"
        ).encode()

    async def has_sent_much() -> bool:
        with contextlib.suppress(BlockingIOError):
            for _ in range(200):
                deaf.send(request)
            return False
        return server.web.connections.count == 1

    with contextlib.suppress(ConnectionError):
        await until(has_sent_much)
    assert await is_served(server)
    await until(nobody(server))
    deaf.close()


async def test_who_is_gone_without_a_word_is_found_out(server: Server) -> None:
    gone = socket.create_connection(("127.0.0.1", server.port))
    try:
        gone.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except PermissionError:
        pytest.skip("only root may make a socket vanish")
    await until(lambda: has(server, 1))
    gone.close()
    await until(nobody(server))


async def has(server: Server, connections: int) -> bool:
    return server.web.connections.count == connections


async def test_idle_connections_make_room_when_there_are_many(server: Server) -> None:
    idle = [await Client.to(server.port) for _ in range(IMPATIENT.connections_max)]
    await until(lambda: has(server, IMPATIENT.connections_max))
    refused = await Client.to(server.port)
    with contextlib.suppress(ConnectionResetError):
        assert await refused.closed()
    await until(nobody(server))
    assert await is_served(server)
    for client in (*idle, refused):
        client.close()


async def test_a_few_idle_connections_are_left_alone(server: Server) -> None:
    client = await Client.to(server.port)
    slow = await Client.to(server.port)
    slow.writer.write(SLOW["plain head"])
    with contextlib.suppress(ConnectionResetError):
        assert await slow.closed()  # later than the limit that idle ones have in a crowd
    assert (await client.post(b"hello")).body == DONE
    client.close()
    slow.close()


async def test_connections_that_were_cut_are_counted(server: Server) -> None:
    slow = await Client.to(server.port)
    slow.writer.write(SLOW["page"])
    before = await counted(server, "settlement_connections_cut_total")
    with contextlib.suppress(ConnectionResetError):
        await slow.closed()
    assert await counted(server, "settlement_connections_cut_total") > before
    slow.close()


async def counted(server: Server, name: str) -> float:
    client = await Client.to(server.port)
    page = (await client.get("/metrics")).body.decode()
    client.close()
    (line,) = [one for one in page.splitlines() if one.startswith(f"{name} ")]
    return float(line.split()[1])
