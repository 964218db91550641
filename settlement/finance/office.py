"""What finance commands need of the database, and how one act of theirs is run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from settlement.clock import Clock, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.finance.progress import Tell, silent
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError
from settlement.storage.lease import PlainConnection
from settlement.storage.seal_key import SealKeys, load_seal_keys, seal_key_file
from settlement.storage.seals import Home


class Office(Struct, frozen=True, kw_only=True):
    """A finance person's desk: whose books, and what is needed to work on them."""

    connection: PlainConnection
    home: Home
    dsn: str
    """of the application's role, for a verification"""
    data_dir: Path
    keys: SealKeys | None
    clock: Clock = system_clock
    tell: Tell = silent


async def open_office(
    connection: PlainConnection, dsn: str, data_dir: Path, *, keys: SealKeys | None = None,
    clock: Clock = system_clock, tell: Tell = silent,
) -> Office:  # fmt: skip
    """Read what all acts need. StorageError where the database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    return Office(
        connection=connection, home=Home(region=installed.region, lanes=installed.lanes), dsn=dsn,
        data_dir=data_dir, keys=keys, clock=clock, tell=tell,
    )  # fmt: skip


def run(data_dir: Path, act: Callable[[Office], Coroutine[None, None, Said]]) -> Said:
    """Open a data directory for one act."""
    try:
        return asyncio.run(_with_office(data_dir, act))
    except (ServiceError, StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


def written(path: Path, content: bytes, what: str) -> Said:
    """Write a file whole, and say what is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as exc:
        return Said(1, f"{path} 写不了 | cannot be written: {exc.strerror}")
    return Said(0, f"{path}：{what}")


async def _with_office(
    data_dir: Path, act: Callable[[Office], Coroutine[None, None, Said]]
) -> Said:
    async with _office(data_dir) as office:
        return await act(office)


@asynccontextmanager
async def _office(data_dir: Path) -> AsyncIterator[Office]:
    keys = load_seal_keys(seal_key_file(data_dir / "secrets", os.environ))
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-finance")
        try:
            yield await open_office(connection, database.app_dsn, data_dir, keys=keys)
        finally:
            await connection.close()
