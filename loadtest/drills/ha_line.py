"""One question to one address: status and body, or nothing where it is not answered as wished."""

from __future__ import annotations

import asyncio

from loadtest.generator.framing import STATUS_OK, FramingError, status_of

ANSWER_SECONDS_MAX = 1.0


async def fetch(address: tuple[str, int], path: str) -> bytes | None:
    """The body of a 200 that came within a second; None otherwise."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {address[0]}\r\n\r\n".encode())
                reply = await reader.read(-1)
            finally:
                writer.close()
        head, _, body = reply.partition(b"\r\n\r\n")
        return body if status_of(b"HTTP/1.1" + head[8:]) == STATUS_OK else None
    except (OSError, TimeoutError, FramingError):
        return None
