"""One act of a command on the database of a data directory, beside a server or without one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from settlement.embedded.errors import ServiceError
from settlement.embedded.external import ExternalDatabase
from settlement.embedded.postgres import PostgresServer
from settlement.embedded.services import open_database
from settlement.said import UNUSABLE, Said
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError
from settlement.storage.lease import PlainConnection

Books = TypeVar("Books")


@asynccontextmanager
async def connected(
    data_dir: Path, name: str = "settlement-operator"
) -> AsyncIterator[tuple[PostgresServer | ExternalDatabase, PlainConnection]]:
    """The database, and a connection to it as the owner of the schema."""
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name=name)
        try:
            yield database, connection
        finally:
            await connection.close()


def run_act(
    books: AbstractAsyncContextManager[Books], act: Callable[[Books], Coroutine[None, None, Said]],
    *unusable: type[Exception],
) -> Said:  # fmt: skip
    """Open books for one act; what makes them unusable is said, `unusable` being what these can
    meet beside the database and its keys."""

    told: tuple[type[Exception], ...] = (ServiceError, StorageError, KeyFileError, *unusable)

    async def on_books() -> Said:
        async with books as opened:
            return await act(opened)

    try:
        return asyncio.run(on_books())
    except told as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
