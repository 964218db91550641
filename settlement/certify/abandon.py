"""A client that goes away: it sends a request, or half of one, and hangs up without listening."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

_SECONDS_MAX = 10.0


async def send_and_hang_up(
    url: str, path: str, body: bytes, headers: Mapping[str, str], *, whole: bool
) -> None:
    """Raises OSError or TimeoutError where there was no connection."""
    parts = urlsplit(url)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if context else 80)
    async with asyncio.timeout(_SECONDS_MAX):
        _, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
        lines = [f"POST {parts.path.rstrip('/')}{path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        writer.write("\r\n".join(lines).encode() + (body if whole else body[: len(body) // 2]))
        await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
