"""The other region of the demonstration, and the hub between the two.

A city of another province, with a policy of its own (`neighbour.toml`), served by a second server;
its people have other numbers than ours. The hub is the simulated one, in this process. What an
operator does once to join the hub is done here by the same commands.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from loadtest.hub_members import Member, join, write_hub_file
from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_book import HubBook
from loadtest.simulators.hub_server import HubServer, answer_by
from loadtest.simulators.virtual_clock import VirtualClock
from settlement.demo.cast import RegionCast
from settlement.region.hub_config import VARIABLE as HUB_VARIABLE
from settlement.serve.operations import PROFILE_VARIABLE

REGION = "611000"
NAME = "商洛"
PROFILE = Path(__file__).with_name("neighbour.toml")
PERSONS, FIRST = 2_000, 500_001
WORKERS = 1


class Neighbour(Struct, frozen=True, kw_only=True):
    """The other region, as the story meets it."""

    cast: RegionCast
    data_dir: Path
    hub: HubServer


def hub_folder(data_dir: Path) -> Path:
    """Where the hub of a demonstration keeps its key, what it issued and its book."""
    return data_dir.with_name(data_dir.name + "-hub")


def neighbour_folder(data_dir: Path) -> Path:
    """Where the other region's server keeps its data."""
    return data_dir.with_name(f"{data_dir.name}-{REGION}")


def server_options(persons: int = PERSONS) -> Sequence[str]:
    """What is different about the other region's server."""
    return ("--demo-persons", str(persons), "--demo-first", str(FIRST))


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
    folder.mkdir(parents=True, exist_ok=True)
    hub = HubServer(
        HubSimulator(clock=VirtualClock(), book=HubBook(folder / "book.jsonl"))
    )
    os.environ[HUB_VARIABLE] = str(write_hub_file(folder, await hub.start()))
    answer_by(hub.hub, folder)
    try:
        yield hub
    finally:
        del os.environ[HUB_VARIABLE]
        await hub.stop()


async def join_hub(hub: HubServer, data_dir: Path, members: Sequence[Member]) -> None:
    """Members that are not yet known to each other are made so; then the hub delivers to them.
    Raises StoryError."""
    await join(hub_folder(data_dir), members)
    for one in members:
        hub.connect(one.region, one.url)
