"""Where the hub forwards to: `POST /hub/v1/messages`. Signed inside; headers say nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

from aiohttp import web

from settlement.gateway import HubDoor, Overloaded, Unavailable
from settlement.limits import Limits
from settlement.refusal import Refusal
from settlement.web.exchange import Done
from settlement.web.reply import HttpReply, problem, too_large

logger = logging.getLogger("settlement.hub")

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

    def start(self, body: bytes, done: Done) -> HubTurn:
        """The same for a plain connection: `done` gets the reply later."""
        return HubTurn(self.reply(body), done, self._limits)

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


class HubTurn:
    """A message on a plain connection from its last byte to its reply."""

    def __init__(
        self, replying: Coroutine[object, object, HttpReply], done: Done, limits: Limits
    ) -> None:
        self._done = done
        self._limits = limits
        self._task = asyncio.ensure_future(replying)
        self._task.add_done_callback(self._told)

    def expire(self) -> None:
        """The deadline: whoever asked finds out what became of it."""
        self._task.cancel()

    def _told(self, task: asyncio.Task[HttpReply]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._done(task.result())
            return
        if not task.cancelled():
            logger.error(
                "a message of another region failed", exc_info=task.exception(),
                extra={"event": "hub.message.failed"},
            )  # fmt: skip
        self._done(problem("OUTCOME_UNKNOWN", seconds=self._limits.retry_after_seconds))
