"""Pieces of work shared out over connections: as many at a time as there are connections, at a pace
that lets whoever settles come first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from ledger.postgres.pace import RESTS_TO_WORK, Pace
from settlement.storage.lease import PlainConnection

Piece = TypeVar("Piece")
OwnBlocks = Callable[[], int]
"""How many blocks the work has appended itself: they are no sign that others settle."""


def nothing_booked() -> int:
    """Of work that appends no block."""
    return 0


def pace_of(connections: int, own_blocks: OwnBlocks = nothing_booked) -> Pace:
    """The pace of each of so many connections: together they take what one alone would."""
    rests = (RESTS_TO_WORK + 1) * connections - 1
    return Pace(rests=rests, own_blocks=own_blocks)


async def share_out(
    connections: Sequence[PlainConnection], pieces: Iterable[Piece],
    work: Callable[[PlainConnection, Piece], Awaitable[None]], *,
    own_blocks: OwnBlocks = nothing_booked, rests: bool = True,
) -> None:  # fmt: skip
    """Do each piece once, on whichever connection is free; after each it rests where others append
    blocks, unless pieces are so large that they rest themselves. The first failure ends all of it.
    """
    waiting = iter(pieces)

    async def through(connection: PlainConnection) -> None:
        pace = pace_of(len(connections), own_blocks)
        if rests:
            await pace.rest(connection)  # counts the blocks that are there
        for piece in waiting:
            await work(connection, piece)
            if rests:
                await pace.rest(connection)

    tasks = [asyncio.create_task(through(one)) for one in connections]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
