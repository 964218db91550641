"""What writes beside the settle path: a connection whose loss leaves the outcome unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from settlement.gateway import Unavailable
from settlement.storage.connect import Reconnecting
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
