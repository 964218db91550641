"""The line between regions on real sockets: how far a message came, wherever it broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from settlement.region.kept_http import ANSWER_BYTES_MAX, Answered, KeptHttp, NotAnswered
from tests.kit.waiting import until

PATIENCE = 5.0
IMPATIENCE = 0.2
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Peer:
    """A server that behaves as it is told on each request; counts its connections."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        """It gives these answers in turn, the last one for ever; none: it says nothing."""
        self._answers = list(answers)
        self._closes = closes
        self.connections = 0
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.closing = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while await self._request(reader):
                if not self._answers and not self._closes:
                    continue
                if self._answers:
                    first, *rest = self._answers
                    self._answers = rest or [first]
                    writer.write(first)
                    await writer.drain()
                if self._closes:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.closing.set()

    async def _request(self, reader: asyncio.StreamReader) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(length))
        self.asked.set()
        return True


@asynccontextmanager
async def line_to(peer: Peer, path: str = "") -> AsyncIterator[KeptHttp]:
    """A line to it."""
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = KeptHttp(f"http://127.0.0.1:{port}{path}", connect_seconds=PATIENCE)
    yield line
    line.close()
    server.close()


async def test_message_and_answer_are_whole_and_the_connection_is_kept() -> None:
    peer = Peer(OK)
    async with line_to(peer, "/province/") as line:
        for _ in range(3):
            assert await line.post("/hub", b"{}", seconds=PATIENCE) == Answered(200, b"hello")
    assert peer.connections == 1
    assert peer.requests[0].startswith(b"POST /province/hub HTTP/1.1\r\nHost: 127.0.0.1:")
    assert peer.requests[0].endswith(b"\r\n\r\n{}")


async def test_without_a_connection_nothing_was_sent() -> None:
    line = KeptHttp("http://127.0.0.1:1", connect_seconds=PATIENCE)
    reply = await line.post("/hub", b"{}", seconds=PATIENCE)
    assert isinstance(reply, NotAnswered) and not reply.sent


async def test_name_that_nobody_has_was_not_sent_to() -> None:
    line = KeptHttp("http://hub.invalid", connect_seconds=PATIENCE)
    reply = await line.post("/hub", b"{}", seconds=PATIENCE)
    assert isinstance(reply, NotAnswered) and not reply.sent


HALF = OK[:-2]
BROKEN = [
    # what the peer does after the request,                                             closes
    ([],                                                                                True),
    ([],                                                                                False),
    ([HALF],                                                                            True),
    ([HALF],                                                                            False),
    ([b"HTTP/1.1 200"],                                                                 True),
    ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"], False),
    ([b"HTTP/1.1 200 OK\r\n\r\nhello"],                                                 False),
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhello"],  False),
    ([b"SSH-2.0-x\r\n\r\n"],                                                            False),
    ([b"x" * (ANSWER_BYTES_MAX + 1)],                                                   False),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "closes"), BROKEN)
async def test_from_the_first_byte_on_it_may_have_arrived(
    answers: list[bytes], closes: bool
) -> None:
    peer = Peer(*answers, closes=closes)
    async with line_to(peer) as line:
        reply = await line.post("/hub", b"{}", seconds=IMPATIENCE)
        assert isinstance(reply, NotAnswered) and reply.sent
        assert len(peer.requests) == 1


async def test_other_statuses_are_answers_too() -> None:
    async with line_to(Peer(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as line:
        assert await line.post("/hub", b"{}", seconds=PATIENCE) == Answered(503, b"")


async def test_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    peer = Peer(HALF, OK)
    async with line_to(peer) as line:
        assert isinstance(await line.post("/hub", b"1", seconds=IMPATIENCE), NotAnswered)
        assert await line.post("/hub", b"2", seconds=PATIENCE) == Answered(200, b"hello")
    assert peer.connections == 2


async def test_who_gives_up_waiting_leaves_no_connection_in_the_middle_of_an_answer() -> None:
    peer = Peer(HALF, OK)
    async with line_to(peer) as line:
        asking = asyncio.ensure_future(line.post("/hub", b"1", seconds=PATIENCE))
        await peer.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await line.post("/hub", b"2", seconds=PATIENCE) == Answered(200, b"hello")
    assert peer.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK + b"and more",
    ],
    ids=["closes", "says more"],
)
async def test_connection_that_is_at_its_end_is_not_used_again(answer: bytes) -> None:
    peer = Peer(answer)
    async with line_to(peer) as line:
        for _ in range(2):
            assert await line.post("/hub", b"{}", seconds=PATIENCE) == Answered(200, b"hello")
    assert peer.connections == 2


async def is_lost(line: KeptHttp) -> bool:
    """Whether the line knows by now that its connection is gone."""
    return not any(kept.is_open for kept in line._idle)


async def test_connection_that_the_peer_closed_meanwhile_is_replaced() -> None:
    peer = Peer(OK, closes=True)
    async with line_to(peer) as line:
        assert await line.post("/hub", b"1", seconds=PATIENCE) == Answered(200, b"hello")
        await peer.closing.wait()
        await until(lambda: is_lost(line))
        assert await line.post("/hub", b"2", seconds=PATIENCE) == Answered(200, b"hello")
    assert peer.connections == 2
