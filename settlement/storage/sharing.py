"""Pieces of work shared out over connections: as many at a time as there are connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from settlement.storage.lease import PlainConnection

Piece = TypeVar("Piece")


async def share_out(
    connections: Sequence[PlainConnection], pieces: Iterable[Piece],
    work: Callable[[PlainConnection, Piece], Awaitable[None]],
) -> None:  # fmt: skip
    """Do each piece once, on whichever connection is free. The first failure ends all of it."""
    waiting = iter(pieces)

    async def through(connection: PlainConnection) -> None:
        for piece in waiting:
            await work(connection, piece)

    tasks = [asyncio.create_task(through(one)) for one in connections]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
