"""Where the hub forwards to: `POST /hub/v1/messages`. Signed inside; headers say nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from settlement.gateway import HubDoor, Overloaded, Unavailable
from settlement.limits import Limits
from settlement.refusal import Refusal
from settlement.web.exchange import Done
from settlement.web.reply import HttpReply, problem, too_large
from settlement.web.task_turn import TaskTurn

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
        return too_large(self._limits) if body is None else await self.reply(body)

    def start(self, body: bytes, done: Done) -> TaskTurn:
        """The same for a plain connection: `done` gets the reply later."""
        return TaskTurn(
            self.reply(body), done, what="a message of another region",
            retry_after_seconds=self._limits.retry_after_seconds,
            seconds_max=self._limits.request_seconds_max,
        )  # fmt: skip

    async def reply(self, body: bytes) -> HttpReply:
        """The reply to a message."""
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
