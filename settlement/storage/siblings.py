"""What processes on one database call out to each other: a word that spares a wait, never a fact.

Over NOTIFY of PostgreSQL. A word can be lost: where a connection breaks, where two processes are at
different nodes of a cluster, where it is too long. So nothing may rest on it, and whoever hears one
checks it as if it had come from outside.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import sleep as rest
from collections.abc import Callable

from asyncpg import Connection, Record

from settlement.storage.connect import Reconnecting
from settlement.storage.errors import StorageError
from settlement.storage.queries import ADMIN

WORD = "settlement_word"
BYTES_MAX = 7_900
"""PostgreSQL takes a word of less than 8,000."""
LOOK_SECONDS = 1.0
"""How soon a connection that broke is missed."""
logger = logging.getLogger("settlement.siblings")


class Siblings:
    """The other processes, as one of them sees them."""

    def __init__(self, dsn: str) -> None:
        self._line = Reconnecting(dsn, "settlement-siblings", waits_for_disk=False)
        self._heard_on: Connection[Record] | None = None
        self._is_lost = False
        self._pid = 0
        self.ready = asyncio.Event()
        """it hears, for the first time"""

    async def tell(self, word: str) -> bool:
        """Call it out; False where that was not possible."""
        if len(word.encode()) > BYTES_MAX:
            return False
        try:
            async with self._line.use() as connection:
                await connection.execute(ADMIN["tell_siblings"], WORD, word)
        except StorageError as exc:
            self._miss(exc)
            return False
        return True

    async def hear(self, heard: Callable[[str], None]) -> None:
        """Give every word of another process to `heard`, until cancelled."""

        def said(_connection: object, pid: int, _channel: str, word: object) -> None:
            if pid != self._pid:
                heard(str(word))

        while True:
            try:
                async with self._line.use() as connection:
                    if connection is not self._heard_on:
                        self._pid = connection.get_server_pid()
                        await connection.add_listener(WORD, said)
                        self._heard_on = connection
                        self._is_lost = False
                        self.ready.set()
            except StorageError as exc:
                self._miss(exc)
            await rest(LOOK_SECONDS)

    def close(self) -> None:
        """Drop the connection."""
        self._line.close()

    def _miss(self, exc: StorageError) -> None:
        if not self._is_lost:
            self._is_lost = True
            where = {"event": "siblings.lost", "reason": str(exc)}
            logger.warning("other processes are not heard: it goes on without", extra=where)
