"""Connections beside the settle path, and what their loss leaves: an outcome that nobody knows
where something is written, nothing where something is looked up first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from settlement.gateway import Unavailable
from settlement.storage.connect import Reconnecting, Several
from settlement.storage.errors import LostConnectionError
from settlement.storage.lease import PlainConnection


@asynccontextmanager
async def known_or_not(writing: Reconnecting) -> AsyncIterator[PlainConnection]:
    """The connection that writes. Lost on the way, nobody knows; the same message finds out."""
    try:
        async with writing.use() as connection:
            yield connection
    except LostConnectionError as exc:
        raise Unavailable("same_msgid") from exc


class LookedUpFirst(Several):
    """For what a request asks before anything of it is booked: lost on the way, nothing was."""

    @asynccontextmanager
    async def use(self) -> AsyncIterator[PlainConnection]:
        """As `Several.use`; raises Unavailable where the database is away."""
        try:
            async with super().use() as connection:
                yield connection
        except LostConnectionError as exc:
            raise Unavailable("later") from exc
