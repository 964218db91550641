"""More comes than goes through: what is carried out, what is turned away, and who suffers.

`make drill-overload`: a demonstration server of two gateways, and an open loop that sends whatever
the server does. First what the machine can do, and then half as much again. Then the server is
started with `--requests-per-second`, at a fraction of that, because client and server share the
processors: three times the pace, of sales, quotes and reversals; a city at half of the pace, alone
and then beside one pharmacy that sends six times as much; the city beside connections that begin a
request and never end it. In the end what was acknowledged is compared with what is booked, so
that nobody who was turned away was booked, and the ledger is verified. Exit status 1 where
anything is missed; figures are left as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loadtest import attach
from loadtest.audit import Auditor
from loadtest.books import Booked, compare_books
from loadtest.drills.overload_crowd import LOOP, QUOTE, SALE, UNDO, Crowd, Dawdlers, Outcomes
from loadtest.drills.overload_report import Came, Phase, printed, what_was_missed
from loadtest.generator.runner import Timing, run_closed, run_open
from loadtest.generator.tally import Book
from loadtest.machine import describe_commit, describe_machine
from loadtest.server import Server
from loadtest.stage import without_collector
from loadtest.workload import Population
from loadtest.world import fetch_world

OUT = Path("build/drill-overload.json")
CLOSED_CONNECTIONS = 256
OPEN_CONNECTIONS = 3_000
GRAIN_SECONDS = 0.001
"""What is due within it beyond the capacity leaves together: its client costs less, and what is
asked of times there is far longer."""
CAPPED_CONNECTIONS = 400
CLOSED_PER_SECOND = 4_000
"""Requests made in advance for a second of a closed loop."""
DAWDLERS = 400
PERSONS = 20_000
MADE_PERSONS = 100_000
OF_CAPACITY = 0.2
"""The pace of the capped server: three times of it, and its client, leave processors free."""
MIX = {SALE: 0.7, QUOTE: 0.2, UNDO: 0.1}
CITY_OF_PACE = 0.5
LOOP_OF_CITY = 6


class Plan(Struct, frozen=True, kw_only=True):
    """How long, how often, and at which pace; None: by what the machine can do."""

    seconds: float = 10.0
    rounds: int = 3
    pace: int | None = None
    workers: int = 2
    seed: int = 1
    persons: int = PERSONS
    """who come"""
    made_persons: int = MADE_PERSONS
    """who live there"""
    beyond: bool = True
    """whether the server is overloaded without a cap as well"""


class Stage:
    """One data directory, its crowd and the client's book; servers come and go."""

    def __init__(self, data_dir: Path, plan: Plan, environment: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._plan = plan
        self._environment = environment
        self.auditor = Auditor()
        self.crowd: Crowd
        self.book: Book
        self.codes: list[str] = []
        self.before: dict[str, Booked]
        self.generator_cores: list[float] = []
        """what the client took of processors in each closed loop"""

    def serve(self, pace: int | None = None) -> Server:
        """A server, capped or not."""
        options = ["--demo-persons", str(self._plan.made_persons)]
        if pace is not None:
            options += ["--requests-per-second", str(pace)]
        return Server(
            self._data_dir, workers=self._plan.workers, environment=self._environment,
            options=options, log_path=self._data_dir.parent / "server.log",
        )  # fmt: skip

    def meet(self, server: Server) -> None:
        """Learn who lives there, and what is booked; once."""
        if self.codes:
            return
        self.before = asyncio.run(attach.read_booked(self._data_dir))
        host, port = server.address
        world = fetch_world(server.url, persons=self._plan.persons)
        population = Population(
            world, host=f"{host}:{port}", seed=self._plan.seed, from_second=int(time.time())
        )
        pharmacies = [one.code for one in world.of_kind("pharmacy")]
        self.crowd = Crowd(population, pharmacies, seed=self._plan.seed)
        self.codes = population.codes
        self.book = Book(len(self.codes))

    def capacity(self, server: Server) -> float:
        """Sales a second in a closed loop."""
        ready = round(CLOSED_PER_SECOND * self._plan.seconds)
        scripts = self.crowd.scripts({SALE: 1.0}, CLOSED_CONNECTIONS, ready=ready)
        with without_collector():
            tally = run_closed(
                server.address, scripts, timing=self._timing(), book=self.book,
                check=self.auditor.check,
            )  # fmt: skip
        self.generator_cores.append(tally.generator_cores)
        return tally.units_per_second

    def phase(
        self, server: Server, shares: dict[str, float], per_second: float, connections: int
    ) -> Phase:
        """An open loop at a rate."""
        outcomes = Outcomes()
        timing = replace(self._timing(), on_edge=outcomes.edge)
        ready = round(1.1 * per_second * (timing.warm_up_seconds + timing.window_seconds))
        scripts = self.crowd.scripts(shares, connections, ready=ready)
        with without_collector():
            tally = run_open(
                server.address, scripts, rate_per_second=per_second, seed=self._plan.seed,
                timing=timing, book=self.book, check=self.auditor.check, watch=outcomes.watch,
                grain_seconds=GRAIN_SECONDS,
            )  # fmt: skip
        return Phase.of(per_second, tally, outcomes)

    def left(self, generator_cores: float) -> float:
        """Processors that the client left to the server: in a city they are not on one machine."""
        return max(len(os.sched_getaffinity(0)) - generator_cores, 0.1)

    def _timing(self) -> Timing:
        seconds = self._plan.seconds
        return Timing(warm_up_seconds=max(seconds / 4, 1.0), window_seconds=seconds)


def drill(data_dir: Path, plan: Plan, environment: Mapping[str, str]) -> Came:
    """All phases; raises where a server does not start or does not answer at all."""
    stage, came = Stage(data_dir, plan, environment), Came(seed=plan.seed)
    came.machine, came.commit = dict(describe_machine()), describe_commit(Path.cwd())
    if plan.beyond or plan.pace is None:
        with stage.serve() as server:
            stage.meet(server)
            _without_a_cap(stage, server, plan, came)
    came.pace_per_s = pace = plan.pace or round(came.capacity_per_s * OF_CAPACITY)
    with stage.serve(pace) as server:
        stage.meet(server)
        came.capped = stage.phase(server, MIX, 3 * pace, CAPPED_CONNECTIONS)
        city = CITY_OF_PACE * pace
        came.alone = stage.phase(server, {SALE: 1.0}, city, CAPPED_CONNECTIONS)
        came.looping = stage.phase(
            server, {SALE: 1.0, LOOP: LOOP_OF_CITY}, city * (1 + LOOP_OF_CITY), CAPPED_CONNECTIONS
        )
        with Dawdlers(server.address, DAWDLERS):
            came.dawdling = stage.phase(server, {SALE: 1.0}, city, CAPPED_CONNECTIONS)
        came.verify_ok = server.verify().ok
        after = asyncio.run(attach.read_booked(data_dir))
    came.differences = compare_books(stage.codes, stage.book, stage.before, after)
    came.acknowledged, _, came.unanswered = stage.book.totals()
    return came


def main() -> int:
    """Run and print; 1 where something is missed."""
    arguments = _arguments()
    plan = Plan(
        seconds=arguments.seconds, rounds=arguments.rounds, pace=arguments.pace,
        workers=arguments.workers, seed=arguments.seed,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="overload-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # the embedded servers' user passes through
        came = drill(Path(folder) / "data", plan, os.environ)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    missed = what_was_missed(came)
    print(printed(came, missed))
    print(f"\nfigures are in {OUT}")
    return 1 if any(one.counts for one in missed) else 0


def _without_a_cap(stage: Stage, server: Server, plan: Plan, came: Came) -> None:
    """What the machine can do, and half as much again, in turns: its speed changes."""
    ratios: list[float] = []
    raw: list[float] = []
    capacities: list[float] = []
    for _ in range(plan.rounds):
        first = stage.capacity(server)
        capacities.append(first)
        if plan.beyond:
            before = stage.left(stage.generator_cores[-1])
            phase = stage.phase(server, {SALE: 1.0}, 1.5 * first, OPEN_CONNECTIONS)
            second = stage.capacity(server)
            capacities.append(second)
            after = stage.left(stage.generator_cores[-1])
            raw.append(phase.done_per_s / ((first + second) / 2))
            of_a_core = phase.done_per_s / stage.left(phase.generator_cores)
            ratios.append(of_a_core / ((first / before + second / after) / 2))
            came.beyond.append(phase)
    came.capacities_per_s = [round(one) for one in capacities]
    came.capacity_per_s = round(statistics.median(capacities), 1)
    came.beyond_ratios = [round(one, 3) for one in ratios]
    came.beyond_raw_ratios = [round(one, 3) for one in raw]
    came.capacity_generator_cores = round(statistics.median(stage.generator_cores), 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a window")
    parser.add_argument("--rounds", type=int, default=3, help="without a cap")
    parser.add_argument("--pace", type=int, help="of the capped server, requests a second")
    parser.add_argument("--workers", type=int, default=2, help="gateway processes")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
