"""One request over HTTP, and how far it came: answered, provably never sent, or lost on the way.

The only module of the client that knows aiohttp. It signs, it does not retry and reads no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import aiohttp
from msgspec import Struct

from protocol.nhsa.signing import tif_signature


class Came(Struct, frozen=True, kw_only=True):
    """An answer of HTTP, whatever it says."""

    status: int
    body: bytes
    retry_after_seconds: float | None = None


class NotSent(Struct, frozen=True):
    """No connection came about: the message cannot have arrived."""

    reason: str


class Lost(Struct, frozen=True):
    """The message may have arrived; its answer did not."""

    reason: str


Passage = Came | NotSent | Lost


class Wire(Protocol):
    """What carries requests. Tests and simulators put one that fails in between."""

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Passage:
        """One attempt. Never raises for what a network does."""
        ...

    async def get(self, path: str) -> Passage:
        """A page."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


class HttpWire:
    """The wire to a server at `url`, over kept connections."""

    def __init__(self, url: str, *, connect_seconds: float, answer_seconds: float) -> None:
        self._url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(
            total=connect_seconds + answer_seconds, connect=connect_seconds,
            sock_connect=connect_seconds, sock_read=answer_seconds,
        )  # fmt: skip
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Passage:
        """See `Wire`."""
        return await self._passage("POST", path, body, headers)

    async def get(self, path: str) -> Passage:
        """See `Wire`."""
        return await self._passage("GET", path, None, {})

    async def close(self) -> None:
        """See `Wire`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _passage(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Passage:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.request(
                method, self._url + path, data=body, headers=headers, allow_redirects=False
            ) as response:
                return Came(
                    status=response.status,
                    body=await response.read(),
                    retry_after_seconds=_seconds(response.headers.get("Retry-After", "")),
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
            return NotSent(_said(exc))
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return Lost(_said(exc))


def signed_headers(*, paasid: str, secret: str, nonce: str, timestamp: int) -> dict[str, str]:
    """The x-tif headers of a request at a Unix second."""
    at = str(timestamp)
    return {
        "Content-Type": "application/json",
        "x-tif-paasid": paasid,
        "x-tif-timestamp": at,
        "x-tif-nonce": nonce,
        "x-tif-signature": tif_signature(at, secret, nonce),
    }


def _said(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}".rstrip(": ")


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
