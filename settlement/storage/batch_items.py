"""What waits in a journal's queue, and how it is answered once its batch is through."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence

from asyncpg import Connection, Record

from settlement.clock import monotonic
from settlement.commands import Command
from settlement.decision import Answer
from settlement.refusal import Refusal
from settlement.storage.errors import LostConnectionError
from settlement.storage.reader import reads_more
from settlement.view import View

Reply = Answer | Refusal
Said = Callable[[Reply], bytes]
AHEAD_TOGETHER = 16
"""Answers written in one go while their batch is being written."""


class Item:
    """A command that waits, until when, and who waits for what becomes of it."""

    __slots__ = ("command", "deadline", "future", "said", "sent", "stale")

    def __init__(
        self, command: Command, deadline: float, said: Said, future: asyncio.Future[bytes]
    ) -> None:
        self.command = command
        self.deadline = deadline
        self.said = said
        self.future = future
        self.sent = False
        self.stale = False
        """it was taken out of a batch once, because its person had changed"""

    def resolve(self, reply: Reply) -> None:
        """Answer."""
        if self.future.done():
            return
        try:
            self.future.set_result(self.said(reply))
        except Exception as exc:  # of this one reply, which may be booked: the others go on
            self.future.set_exception(exc)

    def fail(self, error: Exception) -> None:
        """Say why there is no answer."""
        if not self.future.done():
            self.future.set_exception(error)


class Stopwatch:
    """Seconds from one lap to the next."""

    __slots__ = ("_since", "laps")

    def __init__(self) -> None:
        self._since = monotonic()
        self.laps: list[float] = []

    def lap(self) -> None:
        """One more is over."""
        now = monotonic()
        self.laps.append(now - self._since)
        self._since = now


def resolve_durable(
    connection: Connection[Record], pending: Sequence[tuple[Item, Reply]]
) -> None:
    """The commit was reported done: answer, unless it was said beside it that no standby has it, on
    which the connection is closed (storage/connect.py)."""
    if connection.is_closed():
        raise LostConnectionError("the commit waited for no second server")
    for item, reply in pending:
        item.resolve(reply)


def is_told_again(reply: Reply) -> bool:
    """Whether it is the answer to a message that was booked before."""
    return isinstance(reply, Answer) and reply.replayed


def may_be_torn(command: Command, reply: Reply, view: View) -> bool:
    """Whether a refusal may rest on facts of several moments."""
    versioned = command.asked.person_no in view.persons or command.pay_nos
    return bool(versioned) and isinstance(reply, Refusal) and reads_more(command)


@contextlib.contextmanager
def answers_written_meanwhile(replies: Sequence[Reply]) -> Iterator[None]:
    """The text of answers is written while the database has their batch. What is not done by then
    is written when it leaves; so is one that raises, which is dealt with there."""

    async def write() -> None:
        for number, reply in enumerate(replies, 1):
            if isinstance(reply, Answer):
                with contextlib.suppress(Exception):
                    _ = reply.output
            if number % AHEAD_TOGETHER == 0:
                await asyncio.sleep(0)  # the loop has sockets to read

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()
