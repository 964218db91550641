"""Plays a load against a server and audits it; what came of it is for `figures` to say.

Which runner sends the messages, the lean one here or Locust (`loadtest/locust_run.py`), is all the
same to the audit: both write the same book.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import asyncpg
from msgspec import Struct

from loadtest import attach
from loadtest.attach import AttachError
from loadtest.drills.hub_director import HubDirector
from loadtest.generator.arrivals import Arrivals
from loadtest.generator.counts import Counts
from loadtest.load import guards
from loadtest.load.audit import Audited, Before, Elsewhere, audit, remember, unaudited
from loadtest.load.book import LoadBook
from loadtest.load.city import City
from loadtest.load.presets import Pace, Period, Preset, Season
from loadtest.load.rhythm import Hour, hours_of
from loadtest.load.supply import arrivals, makers_of
from loadtest.load.watch import Sample, Watch
from loadtest.server import ServerError, Verdict
from loadtest.world import World, fetch_world

STRETCHES = 120
CONNECTIONS = 256


class Plan(Struct, frozen=True, kw_only=True):
    """What a load is made of."""

    preset: Preset
    period: Period
    season: Season = Season.ORDINARY
    pace: Pace = Pace.LIFE
    scale: float = 1.0
    seconds: float
    """by the clock on the wall"""
    seed: int = 1
    persons: int = 100_000
    connections: int = CONNECTIONS

    @property
    def hours(self) -> list[Hour]:
        """What is played."""
        return hours_of(self.preset, self.period, season=self.season, scale=self.scale)

    @property
    def expected(self) -> float:
        """Settlements."""
        return sum(one.total for one in self.hours)


class Neighbour(Struct, frozen=True, kw_only=True):
    """The region where strangers are insured, and the hub between."""

    url: str
    data_dir: Path
    pid: int
    hub: HubDirector
    hub_pid: int
    persons: int
    verify: Callable[[], Verdict]


class Target(Struct, frozen=True, kw_only=True):
    """A running demonstration server, and where its data is."""

    url: str
    data_dir: Path
    pid: int
    """of its supervisor; 0 where it is not ours to know"""
    simulators: Mapping[str, str]
    verify: Callable[[], Verdict]
    is_mine: bool = False
    neighbour: Neighbour | None = None
    """nobody from elsewhere comes where there is none"""


class Played(Struct, frozen=True, kw_only=True):
    """What a load left."""

    plan: Plan
    counts: Counts
    samples: list[Sample]
    seconds: float
    """of the load, without the audit"""
    audited: Audited
    void: list[str]
    """why it does not count; empty where it does"""


Sender: TypeAlias = Callable[
    [Plan, World, tuple[str, int], Counts, Path, Callable[[], str]], str
]
"""A runner: plays a plan against an address, counts, and writes the book; asks once a second
whether to stop. Gives why it ended early, or nothing."""


def play(plan: Plan, target: Target, book: Path, *, send: Sender | None = None) -> Played:
    """A whole load with its audit, by the lean runner or by another one. Raises LoadRefusedError,
    before anything is sent."""
    address = guards.check_target(target.url, is_mine=target.is_mine)
    guards.check_clean(is_dirty=asyncio.run(attach.is_dirty(target.data_dir)))
    guards.check_room(target.data_dir, plan.expected)
    world = fetch_world(target.url, persons=plan.persons)
    guards.check_clock(world, address)
    before = asyncio.run(remember(target.data_dir))
    counts = Counts(seconds=plan.seconds, stretches=STRETCHES)
    clock = guards.SteadyClock()
    sender = send or lean(_strangers(target))
    with Watch(target.data_dir, server_pid=target.pid, beside=_beside(target)) as watch:
        began = time.monotonic()
        why = sender(plan, world, address, counts, book, watch.look)
        seconds = time.monotonic() - began
    audited = _audited(target, book, before)
    void = [one for one in (why, clock.complaint(), watch.complaint) if one]
    return Played(
        plan=plan, counts=counts, samples=watch.samples, seconds=seconds, audited=audited,
        void=[*dict.fromkeys(void), *why_void(counts, audited)],
    )  # fmt: skip


def _audited(target: Target, book: Path, before: Before) -> Audited:
    """The audit; where the server or its database cannot be asked any more, that is the finding."""
    try:
        elsewhere = _elsewhere(target.neighbour)
        return asyncio.run(
            audit(
                target.data_dir, book, before, target.simulators, target.verify(),
                elsewhere=elsewhere,
            )
        )  # fmt: skip
    except (AttachError, ServerError, asyncpg.PostgresError, OSError) as exc:
        lines = [one.strip(" |") for one in str(exc).splitlines()]
        return unaudited(next((one for one in reversed(lines) if "rror" in one), repr(exc)[-300:]))


def _strangers(target: Target) -> World | None:
    there = target.neighbour
    return None if there is None else fetch_world(there.url, persons=there.persons)


def _beside(target: Target) -> dict[int, tuple[str, ...]]:
    """Processes that a site has elsewhere, and their directories."""
    there = target.neighbour
    if there is None:
        return {}
    return {there.pid: attach.places_of(there.data_dir), there.hub_pid: ()}


def _elsewhere(there: Neighbour | None) -> Elsewhere | None:
    if there is None:
        return None
    return Elsewhere(data_dir=there.data_dir, hub=there.hub.book(), verdict=there.verify())


def why_void(counts: Counts, audited: Audited) -> list[str]:
    """What of the books makes a run void, in words."""
    findings = audited.findings
    said = []
    if not audited.settled:
        said.append(f"nothing was settled: {counts.complaints[:3]}")
    if not audited.verdict.ok:
        said.append(f"the hash chains do not verify: {audited.verdict.first_bad}")
    for what, texts in (
        ("lost", findings.lost), ("booked without an answer, or twice", findings.doubled),
        ("not resolved", findings.unresolved), ("books differ", findings.differences),
    ):  # fmt: skip
        if texts:
            said.append(f"{what}: {texts[0]}" + (f" (and {len(texts) - 1})" * (len(texts) > 1)))
    if counts.unfinished:
        said.append(f"{counts.unfinished} customers were still at their counters at the end")
    return said


def lean(strangers: World | None) -> Sender:
    """The lean runner, with people of another region among those who come where there is one."""

    def send(
        plan: Plan, world: World, address: tuple[str, int], counts: Counts, path: Path,
        stop: Callable[[], str],
    ) -> str:  # fmt: skip
        city = City(
            world, address=address, seed=plan.seed, from_second=int(time.time()),
            strangers=strangers,
        )  # fmt: skip
        return _send_all(plan, city, address, counts, path, stop)

    return send


def _send_all(
    plan: Plan, city: City, address: tuple[str, int], counts: Counts, path: Path,
    stop: Callable[[], str],
) -> str:  # fmt: skip
    with LoadBook(path) as book:
        supply = arrivals(
            plan.hours, city, makers_of(city, book), seconds=plan.seconds, pace=plan.pace
        )
        runner = Arrivals(address, supply, counts, connections=plan.connections, stop=stop)
        gc.collect()
        gc.freeze()
        try:
            return runner.run()
        except OSError as exc:
            return f"the server cannot be reached any more: {exc}"
        finally:
            gc.unfreeze()
