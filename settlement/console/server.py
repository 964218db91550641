"""The console's HTTP: a small server on a Unix socket that only the gateways of this machine reach.

It reads no more than a form may have, answers a few requests at a time, and says so where more
come. Who the browser is and whether it speaks TLS the gateway tells in two headers; nobody else can
reach the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from aiohttp import web

from settlement.console.arrivals import Multipart
from settlement.console.asking import SAFETY, Answer, Asked
from settlement.console.desk import Desk, DeskSettings
from settlement.console.downloads import DownloadBrokenError
from settlement.console.router import Router
from settlement.storage.errors import StorageError
from settlement.web.console import (
    ADDRESS_HEADER,
    FORM_BYTES_MAX,
    SECURE_HEADER,
    brings_file,
    busy_page,
)

logger = logging.getLogger("settlement.console")

AT_ONCE = 8
ARRIVING_AT_ONCE = 2
"""Forms that bring a file: however slowly it comes, others get their pages."""
FIELDS_MAX = 40
BROKEN_OFF = "console.download-broken"
FORM = "application/x-www-form-urlencoded"
STOP_SECONDS = 2.0
WARM_SECONDS = 5.0
"""Between two readings of what is new today: little at a time, for settlements wait beside it."""


class ConsoleServer:
    """`start` once, `stop` once."""

    def __init__(self, settings: DeskSettings) -> None:
        self.desk = Desk(settings)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._arriving = asyncio.Semaphore(ARRIVING_AT_ONCE)
        self._server = web.Server(self._answer, access_log=None)
        self._site: asyncio.Server | None = None
        self._warming: asyncio.Task[None] | None = None

    async def start(self, socket_path: Path) -> None:
        """Listen at `socket_path`; what an earlier process left there goes."""
        self._router = Router(self.desk)
        loop = asyncio.get_running_loop()
        self._site = await loop.create_unix_server(self._server, sock=_bound(socket_path))
        self._warming = loop.create_task(self._keep_warm())

    async def stop(self) -> None:
        """Finish what is being answered, then close."""
        if self._site is not None:
            self._site.close()
        if self._warming is not None:
            self._warming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._warming
        await self._server.shutdown(timeout=STOP_SECONDS)
        await self.desk.works.close()
        self.desk.close()

    async def _keep_warm(self) -> None:
        """Read on and on, so that whoever looks after hours of nobody, or first on a new
        day, need not wait for it."""
        while True:
            await self.warm()
            await asyncio.sleep(WARM_SECONDS)

    async def warm(self) -> None:
        """Read the day so far."""
        try:
            await self.desk.open()
            await self.desk.today.figures(self.desk.clock(), institution=None, base=None)
        except StorageError as exc:
            extra = {"event": "console.failed", "path": "warming"}
            logger.warning("no answer from the database", exc_info=exc, extra=extra)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "POST"):
            return _response(Answer(status=405, headers=(("Allow", "GET, POST"),)))
        turns = self._arriving if brings_file(request) else self._turns
        if turns.locked():
            told = (*SAFETY.items(), ("Retry-After", "2"))
            return _response(Answer(status=503, body=busy_page(), headers=told))
        asked = await _asked(request)
        if asked is None:
            return _response(Answer(status=413))
        async with turns:
            try:
                answer = await self._router.answer(asked)
            except Exception as exc:
                extra = {"event": "console.broken", "method": asked.method}
                logger.error("a page failed", exc_info=exc, extra=extra)
                safe = tuple(SAFETY.items())
                answer = Answer(status=500, body=busy_page(), headers=safe)
            if isinstance(asked.arrival, Multipart) and not await asked.arrival.drain():
                return _parting(answer)
        if answer.stream is not None:
            return await _streamed(request, answer, answer.stream)
        return _response(answer)


def _bound(path: Path) -> socket.socket:
    """A socket that nobody but this user may connect to, from before it listens."""
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bound.bind(str(path))
    path.chmod(0o600)
    bound.setblocking(False)
    return bound


async def _asked(request: web.BaseRequest) -> Asked | None:
    """The request in our own words; None where its form is too large."""
    form: dict[str, str] = {}
    arrival = Multipart(request) if brings_file(request) else None
    if request.method == "POST" and arrival is None:
        body = await request.content.read(FORM_BYTES_MAX + 1)
        while not request.content.at_eof() and len(body) <= FORM_BYTES_MAX:
            body += await request.content.read(FORM_BYTES_MAX + 1 - len(body))
        if len(body) > FORM_BYTES_MAX:
            return None
        form = pairs_of(body.decode("utf-8", "replace"))
    headers = request.headers
    return Asked(
        method=request.method, path=request.path, query=pairs_of(request.query_string), form=form,
        cookies=cookies_of(request.cookies), address=headers.get(ADDRESS_HEADER, ""),
        host=headers.get("Host", ""), origin=headers.get("Origin"),
        secure=headers.get(SECURE_HEADER) == "1", arrival=arrival,
    )  # fmt: skip


def cookies_of(came: Mapping[str, str]) -> dict[str, str]:
    """Cookies as text. None of ours has bytes that are not UTF-8. Those would come as halves of
    characters, which nothing that compares or hashes text takes; our relay drops them already."""
    return {name: value.encode("utf-8", "replace").decode() for name, value in came.items()}


def pairs_of(text: str) -> dict[str, str]:
    """Fields of a form or an address; the first of a name counts, and no control characters."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return found
    for name, value in pairs:
        found.setdefault(name, "".join(c for c in value if c >= " " or c == "\n"))
    return found


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body)
    _add_headers(response, answer)
    return response


def _parting(answer: Answer) -> web.Response:
    """An answer after which the connection ends, because nobody reads what still comes."""
    response = _response(answer)
    response.force_close()
    return response


async def _streamed(
    request: web.BaseRequest, answer: Answer, stream: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """A long body. Where it breaks off, the connection does too, so that nobody takes a part for
    the whole; where nobody reads any more, its writer is ended."""
    response = web.StreamResponse(status=answer.status)
    _add_headers(response, answer)
    async with contextlib.aclosing(stream):
        try:
            await response.prepare(request)
            async for piece in stream:
                await response.write(piece)
            await response.write_eof()
        except (DownloadBrokenError, OSError) as exc:
            logger.warning("a download broke off", exc_info=exc, extra={"event": BROKEN_OFF})
            if request.transport is not None:
                request.transport.abort()
    return response


def _add_headers(response: web.StreamResponse, answer: Answer) -> None:
    response.headers["Content-Type"] = answer.media
    for name, value in answer.headers:
        response.headers.add(name, value)
