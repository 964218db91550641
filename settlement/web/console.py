"""/console/… at a gateway: handed on to the console's own process; nobody else waits for it.

A gateway carries so many at a time and so many bytes each; above that, and while the console is not
there, it says so in the console's own words and goes on settling (ADR 0037). A form that brings a
file is passed on piece by piece and never held (ADR 0047).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from settlement.web.arriving import ask_for_body

ROOT = "/console"
ADDRESS_HEADER = "X-Console-Address"
SECURE_HEADER = "X-Console-Secure"
FORM_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = 256 * 1024 * 1024
"""Of a form that brings a file."""
FILE_SECONDS = 900.0
WITH_FILE = "multipart/form-data"
AT_ONCE = 16
PIECE_BYTES = 64 * 1024
ANSWER_SECONDS = 15.0
SILENCE_SECONDS = 300.0
"""How long a download may say nothing: a large Excel file is whole before its first byte comes."""
_TOLD = ("Cookie", "Content-Type", "Origin", "Host")
_ANSWERED = (
    "Content-Type", "Location", "Set-Cookie", "Cache-Control", "Content-Security-Policy",
    "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
    "Permissions-Policy", "Retry-After", "Allow", "Content-Disposition",
)  # fmt: skip


class ConsoleRelay:
    """See the module; `close` once."""

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._session: aiohttp.ClientSession | None = None
        self._carried = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What the console says."""
        if self._carried >= AT_ONCE:
            return _busy()
        if (request.content_length or 0) > _bytes_max(request):
            return _refused(413)
        self._carried += 1
        try:
            return await self._carry(request)
        except (TimeoutError, aiohttp.ClientError, OSError):
            return _busy()
        finally:
            self._carried -= 1

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()

    async def _carry(self, request: web.BaseRequest) -> web.StreamResponse:
        seconds = FILE_SECONDS if brings_file(request) else ANSWER_SECONDS
        async with asyncio.timeout(seconds) as limit:
            body = await _body(request)
            if body is None:
                return _refused(413)
            address = f"http://console{request.raw_path}"
            async with self._open_session().request(
                request.method, URL(address, encoded=True), data=body,
                headers=_headers(request), allow_redirects=False,
            ) as came:  # fmt: skip
                if came.content_length is None:
                    limit.reschedule(None)
                    return await _passed_on(request, came)
                answer = web.Response(status=came.status, body=await came.read())
                _copy_headers(came, answer)
                return answer

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self._socket_path), limit=AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_read=SILENCE_SECONDS),
            )  # fmt: skip
        return self._session


def busy_page() -> bytes:
    """That nobody can answer just now, in both languages."""
    return (
        '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>控制台繁忙</title>'
        "<h1>控制台暂时繁忙，请稍候再试</h1><p>The console is busy; please try again in a moment. "
        "结算不受影响。Settlements are not affected.</p></html>"
    ).encode()


def brings_file(request: web.BaseRequest) -> bool:
    """Whether a request is a form with a file, which is passed on as it comes."""
    return request.method == "POST" and request.content_type == WITH_FILE


def _bytes_max(request: web.BaseRequest) -> int:
    return FILE_BYTES_MAX if brings_file(request) else FORM_BYTES_MAX


async def _body(request: web.BaseRequest) -> bytes | AsyncIterator[bytes] | None:
    """What a request brings: whole, or piece by piece; None where it is too much."""
    ask_for_body(request)
    if brings_file(request):
        return request.content.iter_chunked(PIECE_BYTES)
    body = await request.content.read(FORM_BYTES_MAX + 1)
    while not request.content.at_eof() and len(body) <= FORM_BYTES_MAX:
        body += await request.content.read(FORM_BYTES_MAX + 1 - len(body))
    return body if len(body) <= FORM_BYTES_MAX else None


async def _passed_on(
    request: web.BaseRequest, came: aiohttp.ClientResponse
) -> web.StreamResponse:
    """A download, as it comes. Where it breaks off, the browser is told by a broken connection."""
    answer = web.StreamResponse(status=came.status)
    _copy_headers(came, answer)
    await answer.prepare(request)
    try:
        async for piece in came.content.iter_chunked(PIECE_BYTES):
            await answer.write(piece)
        await answer.write_eof()
    except (aiohttp.ClientError, OSError):
        if request.transport is not None:
            request.transport.abort()
    return answer


def _copy_headers(came: aiohttp.ClientResponse, answer: web.StreamResponse) -> None:
    for name in _ANSWERED:
        answer.headers.popall(name, None)
        for value in came.headers.getall(name, ()):
            answer.headers.add(name, value)


def _headers(request: web.BaseRequest) -> dict[str, str]:
    told = {name: request.headers[name] for name in _TOLD if name in request.headers}
    told[ADDRESS_HEADER] = request.remote or ""
    secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    return {**told, SECURE_HEADER: "1" if secure else "0"}


def _busy() -> web.Response:
    headers = {
        "Content-Type": "text/html; charset=utf-8", "Retry-After": "2", "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return web.Response(status=503, body=busy_page(), headers=headers)


def _refused(status: int) -> web.Response:
    response = web.Response(status=status)
    response.force_close()
    return response
