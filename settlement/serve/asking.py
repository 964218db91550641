"""Asking journals from inside: what one decides on a command, once that is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from settlement.commands import Command
from settlement.decision import Answer
from settlement.gateway import Overloaded
from settlement.refusal import Refusal

Reply = Answer | Refusal
Submit = Callable[[Command, Callable[[Reply], bytes], "asyncio.Future[bytes]"], bool]
"""Puts a command into the queue of its lane; False where the queue is full."""


class Asking:
    """A command on its way through its journal's queue, and what was decided."""

    __slots__ = ("_reply", "done")

    def __init__(self) -> None:
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._reply: Reply = Refusal(code="INTERNAL")

    def keep(self, reply: Reply) -> bytes:
        """The queue says what was decided; it never leaves as bytes."""
        self._reply = reply
        return b""

    async def heard(self) -> Reply:
        """Wait for it. Raises Unavailable."""
        await self.done
        return self._reply


class Journals:
    """The queues of a process, for what asks more than one of them, or one more than once."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    def send(self, command: Command) -> Asking:
        """It takes its place in the queue now. Raises Overloaded."""
        asking = Asking()
        if not self._submit(command, asking.keep, asking.done):
            raise Overloaded
        return asking

    async def ask(self, command: Command) -> Reply:
        """What a journal decides. Raises Unavailable and Overloaded."""
        return await self.send(command).heard()
