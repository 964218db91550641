"""The pace of a verification: at full speed on a quiet ledger, slowly while others append to it.

Whoever settles shares processors and memory with whoever verifies, and comes first. After each
piece of work the walk asks how many blocks were appended meanwhile; where there were many, it rests
nine times as long as it worked. It knows nothing of what is verified.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from asyncpg import Connection, Record

from ledger.postgres.queries import load

BUSY_BLOCKS_PER_SECOND = 10
RESTS_TO_WORK = 9
"""A tenth of the time is left to the verification, a tenth of the speed at most lost to others."""

_QUERIES = load(Path(__file__).parent / "sql" / "scatter.sql")


class Pace:
    """The pace of one connection's work; `hurried` never rests, others so many times as long as
    they worked. Who appends blocks itself says how many: its own are not others' work."""

    def __init__(
        self, *, hurried: bool = False, rests: int = RESTS_TO_WORK,
        own_blocks: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        self._hurried = hurried
        self._rests = rests
        self._own_blocks = own_blocks
        self._blocks: int | None = None
        self._since = time.perf_counter()

    async def rest(self, connection: Connection[Record]) -> None:
        """Called after each piece of work on the connection."""
        if self._hurried:
            return
        blocks = await self._blocks_of_others(connection)
        now = time.perf_counter()
        worked = now - self._since
        busy = self._blocks is not None and (
            blocks - self._blocks > BUSY_BLOCKS_PER_SECOND * worked
        )
        if busy:
            await asyncio.sleep(self._rests * worked)
            blocks = await self._blocks_of_others(connection)
        self._blocks = blocks
        self._since = time.perf_counter()

    async def _blocks_of_others(self, connection: Connection[Record]) -> int:
        blocks: int = await connection.fetchval(_QUERIES["blocks_appended"])
        return blocks - self._own_blocks()
