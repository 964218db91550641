"""The other region of the demonstration, and the hub between the two.

A city of another province, with a policy of its own (`neighbour.toml`), served by a second server;
its people have other numbers than ours. The hub is the simulated one, in this process. What an
operator does once to join the hub is done here by the same commands.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_authority import Issuer
from loadtest.simulators.hub_book import HubBook
from loadtest.simulators.hub_server import HubServer
from loadtest.simulators.virtual_clock import VirtualClock
from settlement.clock import system_clock
from settlement.demo.cast import Operator, RegionCast
from settlement.region.hub_config import VARIABLE as HUB_VARIABLE
from settlement.serve.operations import PROFILE_VARIABLE

REGION = "611000"
NAME = "商洛"
PROFILE = Path(__file__).with_name("neighbour.toml")
PERSONS, FIRST = 2_000, 500_001
WORKERS = 1
IN_FORCE_SECONDS = 1.5
"""What an operator sets is known to every process within a second."""
CERTIFICATE_DAYS = 365
_WHO = ("--reason", "演示", "--actor", "测试操作员")
_JOINED = "joined-hub"
"""A file in a data directory whose region has its certificate and knows the others."""


class Neighbour(Struct, frozen=True, kw_only=True):
    """The other region, as the story meets it."""

    cast: RegionCast
    data_dir: Path
    hub: HubServer


class Member(Struct, frozen=True, kw_only=True):
    """A region at the hub."""

    region: str
    url: str
    data_dir: Path
    operator: Operator


def hub_folder(data_dir: Path) -> Path:
    """Where the hub of a demonstration keeps its key, what it issued and its book."""
    return data_dir.with_name(data_dir.name + "-hub")


def neighbour_folder(data_dir: Path) -> Path:
    """Where the other region's server keeps its data."""
    return data_dir.with_name(f"{data_dir.name}-{REGION}")


def server_options() -> Sequence[str]:
    """What is different about the other region's server."""
    return ("--demo-persons", str(PERSONS), "--demo-first", str(FIRST))


def server_environment() -> dict[str, str]:
    """And what its environment says; database and Redis are its own whatever ours are."""
    return {
        "SETTLEMENT_REGION": REGION, PROFILE_VARIABLE: str(PROFILE),
        "SETTLEMENT_DATABASE_URL": "", "SETTLEMENT_REDIS_URL": "",
    }  # fmt: skip


@asynccontextmanager
async def open_hub(data_dir: Path) -> AsyncIterator[HubServer]:
    """The hub; from now on servers and commands that this process starts find it."""
    folder = hub_folder(data_dir)
    issuer = Issuer(folder)
    hub = HubServer(
        HubSimulator(clock=VirtualClock(), book=HubBook(folder / "book.jsonl"))
    )
    address = await hub.start()
    file = folder / "hub.toml"
    file.write_text(f'address = "{address}"\nroot = "{issuer.root.hex()}"\n')
    os.environ[HUB_VARIABLE] = str(file)
    try:
        yield hub
    finally:
        del os.environ[HUB_VARIABLE]
        await hub.stop()


async def join_hub(hub: HubServer, data_dir: Path, members: Sequence[Member]) -> None:
    """Give every member a certificate and tell it of the others, where that was not done before;
    then the hub delivers to them. Raises StoryError."""
    folder = hub_folder(data_dir)
    issuer = Issuer(folder)
    new = [one for one in members if not (one.data_dir / _JOINED).exists()]
    await asyncio.gather(*(_certify(issuer, folder, one) for one in new))
    if new:
        await asyncio.gather(*(_introduce(issuer, folder, one) for one in members))
        await asyncio.sleep(IN_FORCE_SECONDS)
    for one in members:
        (one.data_dir / _JOINED).touch()
        hub.connect(one.region, one.url)


async def _certify(issuer: Issuer, folder: Path, member: Member) -> None:
    request = await member.operator(["hub", "new-identity", *_WHO])
    now = system_clock()
    text = issuer.issue(
        request.strip(), not_before=now - timedelta(minutes=1),
        not_after=now + timedelta(days=CERTIFICATE_DAYS),
    )  # fmt: skip
    file = folder / f"{member.region}.certificate"
    file.write_text(text)
    await member.operator(["hub", "certificate", str(file), *_WHO])


async def _introduce(issuer: Issuer, folder: Path, member: Member) -> None:
    file = folder / f"{member.region}-counterparts.toml"
    file.write_text(issuer.counterparts(member.region))
    await member.operator(["import", "counterparts", str(file), *_WHO])
