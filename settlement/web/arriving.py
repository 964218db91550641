"""The body of a request that is not plain: asked for where its sender waits, and read whole.

Every path that reads one begins with `ask_for_body`, after all that can be refused without it.
Why a body did not come whole is said in one place, by whoever answers the request.
"""

from __future__ import annotations

import asyncio

from aiohttp import HttpVersion11, web

from settlement.limits import Limits
from settlement.web.reply import HttpReply, problem

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNDECODABLE = "报文体无法按Content-Encoding解压。请更正压缩格式，或不压缩发送。"


class BodyNotWhole(Exception):  # noqa: N818 - the sender's fault, and no error of ours
    """A body that is not what its headers say; nothing was done with it."""


class BodyLate(BodyNotWhole):
    """A body that did not come in time, or will not: its sender is gone."""


def waits_to_send(request: web.BaseRequest) -> bool:
    """Whether the sender may be holding the body back until it is asked for (RFC 9110, 10.1.1).
    Other expectations than this one are not known, and are let be."""
    expected = request.headers.get("Expect", "").lower() == "100-continue"
    return expected and request.version >= HttpVersion11 and not request.content.is_eof()


def ask_for_body(request: web.BaseRequest) -> None:
    """Tell a sender that waits to go on."""
    if request.transport is not None and waits_to_send(request):
        request.transport.write(CONTINUE)


async def whole_body(request: web.BaseRequest, limits: Limits) -> bytes | None:
    """The whole body, or None where it is over the limit; no more than the limit is read. Raises
    BodyNotWhole."""
    limit = limits.body_bytes_max
    if (request.content_length or 0) > limit:
        return None
    ask_for_body(request)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.arrival_seconds_max):
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    return None
                parts.append(part)
    except (TimeoutError, ConnectionError) as exc:
        raise BodyLate from exc
    except web.RequestPayloadError as exc:
        raise BodyNotWhole from exc
    return b"".join(parts)


def not_whole(request: web.BaseRequest, exc: Exception, limits: Limits) -> HttpReply:
    """What is answered for a body that did not come whole. The connection must end after it."""
    if isinstance(exc, BodyLate):
        return problem("UNAVAILABLE", seconds=limits.retry_after_seconds)
    request.content.feed_eof()  # else aiohttp looks for the rest, and finds the same fault
    return problem("MALFORMED_JSON", message=_UNDECODABLE)
