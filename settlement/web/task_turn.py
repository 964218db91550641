"""A request on a plain connection that a task answers, from its last byte to its reply."""

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
            logger.error(
                "a request failed", exc_info=task.exception(),
                extra={"event": "request.failed", "what": self._what},
            )  # fmt: skip
        self._done(problem("OUTCOME_UNKNOWN", seconds=self._retry_after_seconds))
