"""Asking a journal from inside: what it decides on a command, once that is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from settlement.commands import Command
from settlement.decision import Answer
from settlement.gateway import Overloaded
from settlement.refusal import Refusal

Reply = Answer | Refusal
Submit = Callable[[Command, Callable[[Reply], bytes], "asyncio.Future[bytes]"], bool]
"""Puts a command into the queue of its lane; False where the queue is full."""
Ask = Callable[[Command], Awaitable[Reply]]


def asking(submit: Submit) -> Ask:
    """A way to ask that goes through these queues. Raises Unavailable and Overloaded."""

    async def ask(command: Command) -> Reply:
        kept: list[Reply] = []

        def keep(reply: Reply) -> bytes:
            kept.append(reply)
            return b""

        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if not submit(command, keep, done):
            raise Overloaded
        await done
        return kept[0]

    return ask
