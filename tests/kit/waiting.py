"""Waiting for a state of the world, with a deadline, without sleeping.

Each look is a round trip to whatever is asked (a database, a server): others get their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

SECONDS_MAX = 60.0
"""Until nobody is waited for any more: three times what it takes on a busy machine."""
Seen = TypeVar("Seen")


async def until(
    look: Callable[[], Awaitable[Seen | None]], *, seconds: float = SECONDS_MAX
) -> Seen:
    """Look until what is seen counts as true; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            seen = await look()
            if seen:
                return seen
            await asyncio.sleep(0)


async def in_a_row(look: Callable[[], Awaitable[bool]], times: int) -> None:
    """Look until so many looks after another were true: of processes that share a port, as many
    as make it unlikely that one was never met."""
    seen = 0

    async def all_true() -> bool:
        nonlocal seen
        seen = seen + 1 if await look() else 0
        return seen >= times

    await until(all_true)
