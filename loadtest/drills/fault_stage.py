"""One server with its load and its faults, from before the first to after the books agree."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from msgspec import Struct

from loadtest.drills import fault_report
from loadtest.drills.client_book import ClientBook, read_book
from loadtest.drills.fault_director import Director, Suffered
from loadtest.drills.fault_list import Fault
from loadtest.drills.fault_report import StageDone
from loadtest.drills.fault_scene import Scene
from loadtest.drills.fault_tills import FaultTills, shared_out
from loadtest.drills.mixed_load import Mix, Pulse, arrive
from loadtest.institution_client import open_clients
from loadtest.server import Server
from loadtest.world import fetch_world

ANSWER_SECONDS_MAX = 12.0
"""A client's patience: a little more than the ten seconds within which the server answers."""
QUIET_SECONDS = 3.0
"""Of load before the first fault."""


class Settings(Struct, frozen=True, kw_only=True):
    """What a run is made of."""

    form: str
    rate_per_second: float
    """of units of work"""
    hold_seconds: float
    """what is stopped, cut or slowed stays so for so long"""
    persons: int
    tills: int
    faults: Sequence[Fault]
    afterwards: Sequence[Fault]
    """when the channels' books were compared; simulators forget theirs when they end"""
    apart: bool = False
    """also what has servers of its own: a full disk, a wrong clock"""
    times_count: bool = True
    """whether a recovery that took longer than asked is a failure, or only told: a machine that
    runs a CI has other work"""
    settlements: int = 0
    """go on in rounds until so many messages were carried out, and one round at least"""
    faults_per_verify: int = 1
    """the ledger is verified as a whole after so many faults: it grows, and its verification with
    it, while every message is held against the rows after each fault"""
    seed: int = 1
    workers: int = 2


async def play(name: str, settings: Settings, server: Server, book_path: Path) -> StageDone:
    """One server with its load and its faults, until the books are compared."""
    world = await asyncio.to_thread(fetch_world, server.url, persons=settings.persons)
    at_tills, mixed = shared_out(world)
    pulse, suffered = Pulse(), list[Suffered]()
    async with open_clients(
        server.url, world.region, answer_seconds=ANSWER_SECONDS_MAX
    ) as clients:
        with ClientBook(book_path) as book:
            mix = Mix(mixed, clients, book, pulse, seed=settings.seed)
            scene = Scene(server, workers=settings.workers, seed=settings.seed)
            codes = [one.code for one in mixed.institutions]
            director = Director(scene, book, pulse, institutions=codes)
            await director.begin()
            enough, tills = asyncio.Event(), FaultTills(
                server, at_tills, tills=settings.tills, seed=settings.seed
            )  # fmt: skip
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    arrive(
                        mix, pulse, rate_per_second=settings.rate_per_second, seed=settings.seed,
                        until=enough,
                    )
                )  # fmt: skip
                selling = group.create_task(tills.sell())
                await asyncio.sleep(QUIET_SECONDS)
                await _rounds(settings, director, book, suffered)
                tills.stop()
                await selling
                at_channels = await tills.close()
                await _round(settings, settings.afterwards, director, suffered)
                enough.set()
        entries = await asyncio.to_thread(read_book, book_path)
        findings = await director.close(entries)
    return StageDone(
        name=name, suffered=suffered, findings=findings, at_channels=at_channels, pulse=pulse,
        outcomes=fault_report.outcomes_of(entries.values()), believed=tills.believed,
    )  # fmt: skip


async def _rounds(
    settings: Settings, director: Director, book: ClientBook, suffered: list[Suffered]
) -> None:
    """All faults, then again from the first until as many settlements are there as are asked."""
    await _round(settings, settings.faults, director, suffered)
    for fault in cycle(settings.faults):
        if book.done >= settings.settlements:
            return
        await _round(settings, [fault], director, suffered)


async def _round(
    settings: Settings, faults: Sequence[Fault], director: Director, suffered: list[Suffered]
) -> None:
    for fault in faults:
        try:
            one = await director.suffer(
                fault, hold_seconds=settings.hold_seconds,
                verify=(len(suffered) + 1) % settings.faults_per_verify == 0,
            )  # fmt: skip
        except Exception as exc:
            exc.add_note(f"while it suffered: {fault.name}")
            raise
        suffered.append(one)
        print(fault_report.line_of(one), flush=True)
