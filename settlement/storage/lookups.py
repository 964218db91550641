"""Single look-ups and small writes beside the settle path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.commands import Sought
from settlement.storage.connect import Reconnecting, Several
from settlement.storage.queries import QUERIES, SHAPED
from settlement.storage.together import Together


class PersonFinder:
    """Finds persons by what they showed; look-ups that arrive together share a round trip."""

    def __init__(
        self, side: Reconnecting | Several, shape: Shape, *, gap: Callable[[], float] = float
    ) -> None:
        """`gap`: seconds between two round trips."""
        self._side = side
        self._shape = shape
        self.find: Callable[[Sought], Awaitable[str | None]] = Together(
            self._find_all, gap=gap
        ).ask
        """The person number, or None. Raises StorageError."""

    async def _find_all(self, sought: Sequence[Sought]) -> list[str | None]:
        async with self._side.use() as connection:
            rows = await fetch_keys(
                connection, SHAPED[self._shape], "find_by_credential",
                [one.lane for one in sought], [one.kind for one in sought],
                [one.key for one in sought],
            )  # fmt: skip
        found = {(kind, key): person_no for kind, key, person_no, _ in rows}
        return [found.get((one.kind, one.key)) for one in sought]


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
