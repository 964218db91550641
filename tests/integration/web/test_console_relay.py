"""What a gateway does with /console/: hands it on, or says at once that it cannot."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio
from aiohttp import web

from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.web.console import ADDRESS_HEADER, AT_ONCE, FORM_BYTES_MAX, SECURE_HEADER
from tests.integration.web.echo_gateway import EchoGateway
from tests.kit.waiting import until
from tests.services import temporary_directory


class Stand:
    """A gateway, and where its console would listen."""

    def __init__(self, url: str, socket_path: Path, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.socket_path = socket_path
        self.session = session

    async def status(self, path: str = "/console/", **more: object) -> int:
        """Of a GET."""
        async with self.session.get(self.url + path, **more) as came:  # type: ignore[arg-type]
            return came.status


@pytest_asyncio.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    with temporary_directory() as directory:
        path = directory / "console.sock"
        server = WebServer(
            EchoGateway(), Board(tmp_path, "test"), WebSettings(console_socket=path)
        )
        listener: socket.socket = listen("127.0.0.1", 0)
        await server.start(listener)
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield Stand(f"http://127.0.0.1:{listener.getsockname()[1]}", path, session)
        await server.stop(5.0)


async def test_console_that_is_not_there_is_said_to_be_busy(stand: Stand) -> None:
    async with stand.session.get(f"{stand.url}/console/") as came:
        assert came.status == 503
        assert came.headers["Retry-After"] == "2"
        assert "控制台暂时繁忙" in await came.text()
    assert await stand.status("/healthz") == 200
    assert await stand.status("/consoles") == 404


async def test_too_large_a_form_is_refused_before_it_is_handed_on(stand: Stand) -> None:
    data = b"x" * (FORM_BYTES_MAX + 1)
    async with stand.session.post(f"{stand.url}/console/sign-in", data=data) as came:
        assert came.status == 413


async def test_request_is_handed_on_with_who_asks_and_no_more_at_once_than_may(
    stand: Stand,
) -> None:
    go_on, heard = asyncio.Event(), []

    async def answer(request: web.BaseRequest) -> web.Response:
        heard.append(request)
        if request.path.endswith("slow"):
            await go_on.wait()
        response = web.Response(status=303, headers={"Location": "/console/x", "X-Else": "1"})
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2")
        return response

    console = web.Server(answer)
    listening = await asyncio.get_running_loop().create_unix_server(
        console, str(stand.socket_path)
    )
    headers = {
        ADDRESS_HEADER: "10.0.0.1", "X-Forwarded-Proto": "https", "Cookie": "c=3",
        "Origin": "http://here", "X-Secret": "1",
    }  # fmt: skip
    async with stand.session.get(
        f"{stand.url}/console/a%2Fb?text=%3Cb%3E", headers=headers, allow_redirects=False
    ) as came:
        assert (came.status, came.headers["Location"]) == (303, "/console/x")
        assert came.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert "X-Else" not in came.headers
    asked = heard[0]
    assert asked.raw_path == "/console/a%2Fb?text=%3Cb%3E"
    assert asked.headers[ADDRESS_HEADER] == "127.0.0.1"
    assert asked.headers[SECURE_HEADER] == "1"
    assert asked.headers["Cookie"] == "c=3" and asked.headers["Origin"] == "http://here"
    assert "X-Secret" not in asked.headers
    waiting = [
        asyncio.ensure_future(stand.status("/console/slow", allow_redirects=False))
        for _ in range(AT_ONCE)
    ]

    async def all_wait() -> bool:
        return len(heard) == 1 + AT_ONCE

    await until(all_wait)
    assert await stand.status("/console/slow") == 503
    assert await stand.status("/healthz") == 200
    go_on.set()
    assert await asyncio.gather(*waiting) == [303] * AT_ONCE
    listening.close()
    await console.shutdown(1.0)
