"""A request that a task answers, from its last byte to its reply: on a plain connection, and as
aiohttp's parser read it. Where the task breaks or takes too long nobody knows the outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from settlement.web.exchange import Done
from settlement.web.reply import HttpReply, problem

logger = logging.getLogger("settlement.web")


class TaskTurn:
    """`done` gets what the task answers; where it breaks, that nobody knows the outcome."""

    __slots__ = ("_done", "_retry_after_seconds", "_task", "_what", "seconds_max")

    def __init__(
        self, replying: Coroutine[object, object, HttpReply], done: Done, *, what: str,
        retry_after_seconds: int, seconds_max: float,
    ) -> None:  # fmt: skip
        """`what` names the kind of request in the log."""
        self._done = done
        self._what = what
        self._retry_after_seconds = retry_after_seconds
        self.seconds_max = seconds_max
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
            _log_failed(self._what, task.exception())
        self._done(problem("OUTCOME_UNKNOWN", seconds=self._retry_after_seconds))


async def task_reply(
    replying: Coroutine[object, object, HttpReply], *, what: str, retry_after_seconds: int,
    seconds_max: float,
) -> HttpReply:  # fmt: skip
    """The same reply for a caller that waits for it."""
    deadline = asyncio.timeout(seconds_max)
    try:
        async with deadline:
            return await replying
    except Exception as exc:
        if not deadline.expired():
            _log_failed(what, exc)
    return problem("OUTCOME_UNKNOWN", seconds=retry_after_seconds)


def _log_failed(what: str, exc: BaseException | None) -> None:
    extra = {"event": "request.failed", "what": what}
    logger.error("a request failed", exc_info=exc, extra=extra)
