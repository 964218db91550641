"""The pages of a demo server in a gateway process: /demo/world.json, read when asked from the
database itself, and /demo/token, an e-credential token for whoever asks.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec

from settlement.clock import Clock, system_clock
from settlement.demo.channels import channels_folder, read_world
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of
from settlement.storage import reference
from settlement.storage.connect import Reconnecting
from settlement.storage.switches import remember_token

DemoWorld = Callable[[int | None], Awaitable[bytes]]
DemoToken = Callable[[str, str], Awaitable[bytes | None]]
TOKEN_SECONDS = 600
_E_CREDENTIAL = "01"
"""mdtrt_cert_type"""


def world_page(dsn: str, keyring: Keyring, data_dir: Path) -> DemoWorld:
    """The page as a function of how many persons it shows."""
    side = Reconnecting(dsn, "settlement-demo")

    async def page(persons: int | None) -> bytes:
        from settlement.demo.world_json import world_json

        async with side.use() as connection:
            channels = read_world(channels_folder(data_dir)).channels
            return await world_json(connection, keyring, persons=persons, channels=channels)

    return page


def token_page(
    dsn: str, keyring: Keyring, *, clock: Clock = system_clock,
    chance: Callable[[], str] = lambda: secrets.token_hex(12),
) -> DemoToken:  # fmt: skip
    """The page as a function of person and institution; None where no demo region is installed.

    The token is found beside its person, as those of decoded codes are (ADR 0031): it is good for
    every message that names `psn_no`, and 1101 does not know it.
    """
    side = Reconnecting(dsn, "settlement-demo")

    async def page(person_no: str, institution: str) -> bytes | None:
        token = f"E{chance()}"
        async with side.use() as connection:
            installed = await reference.installation(connection)
            if installed is None or installed.demo_seed is None:
                return None
            await remember_token(
                connection, lane=lane_of(person_no, installed.lanes), person_no=person_no,
                key=keyring.lookup_key(LookupKind.TOKEN, token), institution=institution,
                expires_at=clock() + timedelta(seconds=TOKEN_SECONDS),
            )  # fmt: skip
        return msgspec.json.encode({"mdtrt_cert_type": _E_CREDENTIAL, "mdtrt_cert_no": token})

    return page
