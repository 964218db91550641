"""What a channel's host may do with a connection, byte by byte, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from settlement.channels import http1
from settlement.channels.http1 import (
    AddressError,
    BrokenError,
    Came,
    Host,
    NotSentError,
    TooLongError,
)
from tests.kit.waiting import until

Script = Callable[[int, int], bytes | None]
"""What is answered to the n-th request of a connection, by its number; None: it is cut."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """A host that answers as it is told, and counts."""

    def __init__(self, script: Script) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._script = script

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, nth = self.connections, 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                self.requests.append(head + body)
                answer, nth = self._script(number, nth), nth + 1
                if answer is None:
                    break
                writer.write(answer)
                if b"close" in answer.lower() or b"\r\n\r\n" not in answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(script: Script, **told: float) -> AsyncIterator[tuple[Peer, Host]]:
    """A host, and the way to it."""
    one = Peer(script)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    seconds = {"connect_seconds": 5.0, "answer_seconds": 5.0, **told}
    host = Host(f"http://127.0.0.1:{port}/base", tls=None, **seconds)
    try:
        yield one, host
    finally:
        host.close()
        server.close()


async def ask(host: Host, method: str = "POST", *, bytes_max: int = 100) -> Came:
    body = b"{}" if method == "POST" else b""
    return await host.ask(method, "/x?y=1", body=body, headers={"A": "b"}, bytes_max=bytes_max)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n",
         b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: 1\r\n\r\n",
         b"ok"),
    ],
)  # fmt: skip
async def test_whole_answers_are_read_and_the_connection_is_used_again(
    answer: bytes, body: bytes
) -> None:
    async with peer(lambda *_: answer) as (one, host):
        for _ in range(3):
            assert (await ask(host)).body == body
        assert one.connections == 1
        assert one.requests[0].startswith(b"POST /base/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:")
        assert one.requests[0].endswith(b"A: b\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nok Close",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nX: close\r\n\r\nok",
    ],
)
async def test_connection_that_ends_is_not_used_again(answer: bytes) -> None:
    async with peer(lambda *_: answer) as (one, host):
        for _ in range(2):
            assert (await ask(host)).body.startswith(b"ok")
        assert one.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nclose",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nclose",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nokclose\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * (2 * http1.HEAD_BYTES_MAX) + b"\r\n\r\n",
    ],
)
async def test_what_is_no_whole_answer_is_none(answer: bytes | None) -> None:
    async with peer(lambda *_: answer) as (one, host):
        for _ in range(2):
            with pytest.raises(BrokenError):
                await ask(host)
        assert len(one.requests) == one.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101 + b"close",
    ],
)  # fmt: skip
async def test_answer_that_is_too_long_is_not_taken(answer: bytes) -> None:
    async with peer(lambda *_: answer) as (_, host):
        with pytest.raises(TooLongError):
            await ask(host)


@pytest.mark.parametrize(("method", "sent"), [("GET", 3), ("POST", 2)])
async def test_only_what_may_be_sent_twice_is_sent_again_where_a_kept_connection_breaks(
    method: str, sent: int
) -> None:
    async with peer(lambda number, nth: None if (number, nth) == (1, 1) else OK) as (one, host):
        await ask(host, method)
        if method == "GET":
            assert (await ask(host, method)).body == b"ok"
        else:
            with pytest.raises(BrokenError):
                await ask(host, method)
        assert len(one.requests) == sent


async def test_connection_that_lay_still_for_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with peer(lambda *_: OK) as (one, host):
        await ask(host)
        monkeypatch.setattr(http1, "IDLE_SECONDS", 0.0)
        await ask(host)
        assert one.connections == 2


async def test_silence_is_no_answer_and_nobody_there_was_not_sent_to() -> None:
    async with peer(lambda *_: b"", answer_seconds=0.2, connect_seconds=0.2) as (one, host):
        one._script = lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        with pytest.raises(BrokenError):
            await ask(host)
    nobody = Host("http://127.0.0.1:9", connect_seconds=1.0, answer_seconds=1.0, tls=None)
    with pytest.raises(NotSentError):
        await ask(nobody)


async def test_caller_who_goes_gives_the_connection_up() -> None:
    async with peer(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") as (one, host):
        asking = asyncio.create_task(ask(host))

        async def arrived() -> bool:
            return bool(one.requests)

        await until(arrived)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert host._room._value == http1.CONNECTIONS_MAX
        one._script = lambda *_: OK
        assert (await ask(host)).body == b"ok"
        assert one.connections == 2


async def test_line_breaks_are_not_sent() -> None:
    async with peer(lambda *_: OK) as (one, host):
        with pytest.raises(NotSentError):
            await host.ask("GET", "/x\r\nEvil: 1", body=b"", headers={}, bytes_max=1)
        assert one.requests == []


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://a:b@c", "http://x:99999", "x/y"])
def test_address_that_is_none_is_said_at_once(url: str) -> None:
    with pytest.raises(AddressError):
        Host(url, connect_seconds=1.0, answer_seconds=1.0, tls=None)
