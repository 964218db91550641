"""Single look-ups and small writes beside the settle path."""

from __future__ import annotations

import asyncio
from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.keyring import LookupKind
from settlement.storage.connect import Reconnecting, Several
from settlement.storage.errors import StorageError
from settlement.storage.queries import QUERIES, SHAPED


class Sought(Struct, frozen=True, gc=False):
    """One key to look up, in the lane of its own hash."""

    lane: int
    kind: LookupKind
    key: bytes


class PersonFinder:
    """Finds persons by what they showed; look-ups that arrive together share a round trip."""

    def __init__(self, side: Reconnecting | Several, shape: Shape) -> None:
        self._side = side
        self._shape = shape
        self._waiting: list[tuple[Sought, asyncio.Future[str | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def find(self, sought: Sought) -> str | None:
        """The person number, or None. Raises StorageError."""
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((sought, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        """Ask for everybody who has come by then, until nobody waits."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._ask(batch)

    async def _ask(self, batch: list[tuple[Sought, asyncio.Future[str | None]]]) -> None:
        found: dict[tuple[int, bytes], str] = {}
        try:
            async with self._side.use() as connection:
                rows = await fetch_keys(
                    connection, SHAPED[self._shape], "find_by_credential",
                    [sought.lane for sought, _ in batch],
                    [sought.kind for sought, _ in batch],
                    [sought.key for sought, _ in batch],
                )  # fmt: skip
            found = {(kind, key): person_no for kind, key, person_no in rows}
        except StorageError as exc:
            for _, future in batch:
                if not future.done():
                    future.set_exception(exc)
            return
        for sought, future in batch:
            if not future.done():
                future.set_result(found.get((sought.kind, sought.key)))


async def record_sign_in(
    connection: Connection[Record], *, lane: int, sign_no: int, at: datetime, institution: str,
    operator: str, address: str,
) -> None:  # fmt: skip
    """An operator signed in."""
    await connection.execute(QUERIES["sign_in"], lane, sign_no, at, institution, operator, address)


async def record_sign_out(
    connection: Connection[Record], *, lane: int, sign_no: int, institution: str, operator: str,
    at: datetime,
) -> bool:  # fmt: skip
    """An operator signed out; False where there was no such sign-in."""
    ended = await connection.fetchval(QUERIES["sign_out"], lane, sign_no, institution, operator, at)
    return ended is not None
