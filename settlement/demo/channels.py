"""The process of the simulated payment channels: `--demo` has money to collect, and nobody's.

`python -m settlement.demo.channels`, started by the supervisor before the gateways, which read what
it wrote (`channels_folder`). The simulators keep their books beside their keys. The centre that
decodes 医保码 knows the people of the demonstration, and asks no database whose a code is. The
demonstration's first hospital has a receiver that can be told of mobile payments.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from settlement.clock import local_time, system_clock
from settlement.institution import Institution, InstitutionKind
from settlement.serve.child import Stopping, run_child, say_at_work
from settlement.serve.config import WorkerConfig
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.platform_key import load_platform_key, platform_key_file
from settlement.storage.reference import Installation

if TYPE_CHECKING:
    from loadtest.population import InsuredPerson
    from loadtest.simulators.mobile_world import Hospital

PERSONS_MAX = 99_999_999
"""As many as a code has room for."""


class ChannelWorld(Struct, frozen=True):
    """What the simulators wrote: their addresses, and the part of /demo/world.json."""

    urls: dict[str, str] = {}
    channels: Raw = Raw(b"{}")


def channels_folder(data_dir: Path) -> Path:
    """Where configuration, keys and books of the simulators are."""
    return data_dir / "demo-channels"


def read_world(folder: Path) -> ChannelWorld:
    """What is there; nothing before they ran."""
    file = folder / "world.json"
    if not file.exists():
        return ChannelWorld()
    return msgspec.json.decode(file.read_bytes(), type=ChannelWorld)


async def simulate(config: WorkerConfig, stopping: Stopping) -> None:
    """Run them until told to stop. Their keys are new each time, so their books are too."""
    from loadtest.simulators.channel_world import open_channels

    folder = channels_folder(Path(config.data_dir))
    shutil.rmtree(folder, ignore_errors=True)
    installed = await _installed(config.app_dsn)
    async with open_channels(
        folder, notify_base=config.url, region=installed.region, people=_people(installed),
        hospital=_hospital(installed, Path(config.data_dir)),
    ):  # fmt: skip
        say_at_work()
        await stopping.asked.wait()


async def _installed(dsn: str) -> Installation:
    connection = await connect_plain(dsn, name="settlement-simulators")
    try:
        installed = await reference.installation(connection)
    finally:
        await connection.close()
    if installed is None:
        raise StorageError("the database is not prepared")
    return installed


def _hospital(installed: Installation, data_dir: Path) -> Hospital | None:
    """The first one that may settle today; nobody where this machine has no SM2."""
    from loadtest.population import make_credential, make_institutions
    from loadtest.simulators.mobile_world import Hospital
    from settlement.demo.loader import INSTITUTIONS

    seed = installed.demo_seed
    key = load_platform_key(platform_key_file(data_dir / "secrets", os.environ))
    if seed is None or key is None:
        return None
    today = local_time(system_clock()).date()
    institutions = make_institutions(INSTITUTIONS, seed=seed, region=installed.region)
    first = next((one for one in institutions if _is_open_hospital(one, today)), None)
    if first is None:
        return None
    credential = make_credential(first.code, seed=seed)
    return Hospital(
        code=first.code, access_key=credential.access_key, secret=credential.secret,
        centre=key.public,
    )  # fmt: skip


def _is_open_hospital(one: Institution, on: date) -> bool:
    is_open = one.agreement_from <= on <= one.agreement_to and not one.suspended
    return is_open and one.kind is InstitutionKind.HOSPITAL


def _people(installed: Installation) -> Callable[[int], InsuredPerson | None]:
    """Whoever has an ordinal; what a code is read for does not depend on the day."""
    from loadtest.population import make_person

    seed = installed.demo_seed
    today = local_time(system_clock()).date()

    def person(ordinal: int) -> InsuredPerson | None:
        if seed is None or not 1 <= ordinal <= PERSONS_MAX:
            return None
        return make_person(ordinal, seed=seed, region=installed.region, on=today)

    return person


if __name__ == "__main__":
    run_child(simulate)
