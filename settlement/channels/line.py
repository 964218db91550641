"""One request to a payment channel over HTTP, and how far it came.

Signs nothing, retries nothing and reads no answer; only that aiohttp sends a GET once more where a
kept connection broke under it. Foreign exceptions end here.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import aiohttp
from msgspec import Struct
from yarl import URL

from settlement.channels.waiting import watching
from settlement.clock import monotonic

ANSWER_BYTES_MAX = 1024 * 1024
CONNECTIONS_MAX = 1_000
FAILURES_BEFORE_SWITCH = 3


class Answered(Struct, frozen=True, kw_only=True):
    """An answer of HTTP, whatever it says."""

    status: int
    headers: Mapping[str, str]
    """names in lower case"""
    body: bytes
    took_ms: int


class NoAnswer(Struct, frozen=True, kw_only=True):
    """None, or none that is whole."""

    code: str
    """NOT_SENT: no connection came about, so it cannot have arrived. LOST: it may have arrived."""
    reason: str
    took_ms: int


Reply = Answered | NoAnswer


class Line:
    """Kept connections to a channel's host, and to its second one when the first is not there."""

    def __init__(
        self, base_url: str, backup_url: str = "", *, connect_seconds: float,
        answer_seconds: float, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._hosts = [url.rstrip("/") for url in (base_url, backup_url) if url]
        self._failures = 0
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(
            total=connect_seconds + answer_seconds, connect=connect_seconds,
            sock_connect=connect_seconds,
        )  # fmt: skip
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str],
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> Reply:  # fmt: skip
        """`target` is path and query, sent exactly so."""
        began = monotonic()
        reply = await self._passage(method, target, body, headers, bytes_max)
        self._remember(reply)
        took_ms = int((monotonic() - began) * 1000)
        if isinstance(reply, Answered):
            return Answered(
                status=reply.status, headers=reply.headers, body=reply.body, took_ms=took_ms
            )
        return NoAnswer(code=reply.code, reason=reply.reason, took_ms=took_ms)

    async def close(self) -> None:
        """Give back what it holds."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _passage(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str], bytes_max: int
    ) -> Reply:
        # As it is: what was signed must not be quoted anew.
        url = URL(self._hosts[0] + target, encoded=True)
        try:
            async with self._opened().request(
                method, url, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                content = await _read(response, bytes_max)
                if content is None:
                    return _no_answer("LOST", f"more than {bytes_max} bytes")
                return Answered(
                    status=response.status, body=content, took_ms=0,
                    headers={name.lower(): value for name, value in response.headers.items()},
                )  # fmt: skip
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
            return _no_answer("NOT_SENT", f"{type(exc).__name__}: {exc}")
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return _no_answer("LOST", f"{type(exc).__name__}: {exc}".rstrip(": "))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX, ssl=self._tls if self._tls is not None else True
            )
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, connector=connector, auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(), headers=_AS_IT_IS, trace_configs=[watching()],
            )  # fmt: skip
        return self._session

    def _remember(self, reply: Reply) -> None:
        """After some failures in a row the other host has its turn, by name."""
        self._failures = 0 if isinstance(reply, Answered) else self._failures + 1
        if self._failures >= FAILURES_BEFORE_SWITCH:
            self._failures = 0
            self._hosts.reverse()


_AS_IT_IS = {"Accept-Encoding": "identity"}
"""What is signed is what is sent; a bill that is packed is packed by the channel, not the line."""


def _no_answer(code: str, reason: str) -> NoAnswer:
    return NoAnswer(code=code, reason=reason, took_ms=0)


async def _read(response: aiohttp.ClientResponse, bytes_max: int) -> bytes | None:
    """None for more than that."""
    if response.content_length is not None and response.content_length <= bytes_max:
        return await response.read()
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > bytes_max:
            return None
        parts.append(part)
    return b"".join(parts)
