"""A sender's side of HTTP, raw enough to send what a library would not."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from msgspec import Struct

from protocol.nhsa import signing
from settlement.clock import system_clock
from tests.integration.web.echo_gateway import SECRET


class Reply(Struct, frozen=True, kw_only=True):
    """A reply: headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(
        self, body: bytes, path: str = "/hsa/hgs/2102", headers: Mapping[str, str] | None = None
    ) -> Reply:
        self.send(body, path, signed() if headers is None else headers)
        return await self.read()

    def send(self, body: bytes, path: str, headers: Mapping[str, str]) -> None:
        self.writer.write(request(body, path, headers))

    async def get(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Reply:
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())
        return await self.read()

    async def read(self) -> Reply:
        async with asyncio.timeout(60):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines)}
            body = await self._reader.readexactly(int(headers["content-length"]))
        return Reply(status=int(first.split()[1]), headers=headers, body=body)

    async def interim(self) -> bytes:
        """What comes before a reply: a head alone."""
        async with asyncio.timeout(10):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def closed(self) -> bool:
        """Wait for the server to close."""
        async with asyncio.timeout(60):
            return await self._reader.read() == b""

    def close(self) -> None:
        self.writer.close()


def request(body: bytes, path: str, headers: Mapping[str, str], more: str = "") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\n{lines}{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def signed(
    key: str = "good", *, nonce: str = "", secret: str = SECRET, late_seconds: int = 0
) -> dict[str, str]:
    """x-tif headers."""
    nonce = nonce or secrets.token_hex(8)
    timestamp = str(int(system_clock().timestamp()) - late_seconds)
    return {
        "x-tif-paasid": key,
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": nonce,
        "X-Tif-Signature": signing.tif_signature(timestamp, secret, nonce),
    }


def csb_signed(key: str = "good", *, secret: str = SECRET) -> dict[str, str]:
    """CSB headers."""
    headers = {
        "_api_access_key": key,
        "_api_name": "2102",
        "_api_timestamp": str(int(system_clock().timestamp() * 1000)),
        "_api_version": "1.0.0",
    }
    return headers | {"_api_signature": signing.csb_signature(headers, secret)}
