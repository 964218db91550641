"""The page /demo/world.json of a gateway process: read when asked, from the database itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from settlement.demo.channels import channels_folder, read_world
from settlement.keyring import Keyring
from settlement.storage.connect import Reconnecting

DemoWorld = Callable[[int | None], Awaitable[bytes]]


def world_page(dsn: str, keyring: Keyring, data_dir: Path) -> DemoWorld:
    """The page as a function of how many persons it shows."""
    side = Reconnecting(dsn, "settlement-demo")

    async def page(persons: int | None) -> bytes:
        from settlement.demo.world_json import world_json

        async with side.use() as connection:
            channels = read_world(channels_folder(data_dir)).channels
            return await world_json(connection, keyring, persons=persons, channels=channels)

    return page
