"""What finance commands need of the database, and how one act of theirs is run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from settlement.clock import Clock, system_clock
from settlement.finance.progress import Tell, silent
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.storage import reference
from settlement.storage.errors import StorageError
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
    return run_act(_office(data_dir), act)


def written(path: Path, content: bytes, what: str) -> Said:
    """Write a file whole, and say what is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as exc:
        return Said(1, f"{path} 写不了 | cannot be written: {exc.strerror}")
    return Said(0, f"{path}：{what}")


@asynccontextmanager
async def _office(data_dir: Path) -> AsyncIterator[Office]:
    keys = load_seal_keys(seal_key_file(data_dir / "secrets", os.environ))
    async with connected(data_dir, "settlement-finance") as (database, connection):
        yield await open_office(connection, database.app_dsn, data_dir, keys=keys)
