"""Where the hub forwards to: `POST /hub/v1/messages`. Signed inside; headers say nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from settlement.gateway import HubDoor, Overloaded, Unavailable
from settlement.limits import Limits
from settlement.refusal import Refusal
from settlement.web.reply import HttpReply, problem, too_large

PATH = "/hub/v1/messages"
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]


class HubPage:
    """Answers other regions."""

    def __init__(self, door: HubDoor, body: Body, limits: Limits) -> None:
        self._door = door
        self._body = body
        self._limits = limits

    async def answer(self, request: web.BaseRequest) -> HttpReply:
        """The reply to a request at PATH."""
        if request.method != "POST":
            return problem("METHOD_NOT_ALLOWED", params={"allow": "POST"})
        body = await self._body(request)
        if body is None:
            return too_large(self._limits)
        try:
            reply = await self._door.take(body)
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
            return problem(code, seconds=exc.seconds)
        if isinstance(reply, Refusal):
            return problem(reply.code)
        return problem("NOT_FOUND") if reply is None else HttpReply(200, reply)
