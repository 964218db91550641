"""What one machine carries, and what changes it: processes, journals, connections, rate, age.

`python -m loadtest.drills.capacity` starts a server on fresh data for each arrangement of gateway
processes and journals and takes windows of one-shot settlements of it. Then, in the usual one: more
and more connections; an open loop that comes nearer and nearer to what the closed one reached (the
knee). Then, on a server of its own, the age of a ledger: the first window again when as many
settlements are stored as `--stored` says, one number after the other, in turns with a young server
beside it (`--only-ages` takes nothing else). Each ledger is verified and compared
with the client's book: a run where one is not right counts for nothing (exit status 1). What comes
of it is explained in docs/capacity.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from loadtest import attach
from loadtest.books import compare_books
from loadtest.generator.tally import Tally
from loadtest.machine import describe_commit, describe_machine
from loadtest.server import Server, remove_data
from loadtest.stage import Costs, Stage
from loadtest.workload import Scenario
from settlement.embedded.postgres_settings import MAX_CONNECTIONS_VARIABLE

OUT = Path("build/capacity.json")
Arrangement = tuple[int, int]
"""Gateway processes and journals."""
USUAL_ARRANGEMENT: Arrangement = (2, 1)
ARRANGEMENTS: tuple[Arrangement, ...] = ((1, 1), (2, 1), (3, 1), (2, 4), (2, 16), (2, 64))
CONNECTIONS = (1, 4, 16, 64, 256, 512)
SHARES = (0.1, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9)
"""Of the closed loop's rate, for the open one."""
USUAL = 256
YOUNG = 100_000
"""Settlements of a ledger that is young, but past its first checkpoint."""
TURNS = 5
OPEN_RATE = 1_000.0
"""Arriving a second, where the age of a ledger is looked at in an open loop as well."""
PERSONS = 100_000
ROUNDS = 3


class WindowError(Exception):
    """A window in which something was refused or broke: no figure."""


class Row(Struct, kw_only=True):
    """One window. `batch` is how many settlements were written together on average."""

    workers: int
    journals: int
    connections: int
    offered: float | None = None
    stored: int = 0
    """settlements that were there already"""
    per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    batch: float = 0.0
    transfers: float = 0.0
    """of a settlement: fewer once the accounts of its persons are used up"""
    gateway_us: float = 0.0
    postgres_us: float = 0.0
    late: int = 0
    dropped: int = 0


class Came(Struct, kw_only=True):
    """What a run came to."""

    machine: dict[str, object]
    commit: str
    arrangements: list[Row] = []
    connections: list[Row] = []
    rates: list[Row] = []
    ages: list[Row] = []
    ages_at_a_rate: list[Row] = []
    old_beside_young: list[list[tuple[Row, Row]]] = []
    wrong: list[str] = []


class Bench:
    """A server in one arrangement, and windows of it."""

    def __init__(self, server: Server, workers: int, journals: int, seconds: float) -> None:
        self.server = server
        self.workers, self.journals = workers, journals
        self._seconds = seconds
        self.stage = Stage(
            server, connections=USUAL, window_seconds=seconds, persons=PERSONS, seed=1
        )
        self._before = asyncio.run(attach.read_booked(server.data_dir))
        self.stored = 0

    def closed(self, connections: int = USUAL) -> Row:
        """As fast as so many connections are answered."""
        self.stage.costs = Costs()
        self.stage.use(connections)
        batches = self._batches()
        tally = self.stage.costed_window()
        row = self._row(tally, connections, batches)
        spent, units = self.stage.costs.cpu_seconds, max(self.stage.costs.cpu_units, 1)
        row.transfers = round(self.stage.costs.transfers / max(self.stage.costs.entries, 1), 2)
        row.gateway_us = round(spent.get("gateway", 0.0) / units * 1e6, 1)
        row.postgres_us = round(spent.get("postgres", 0.0) / units * 1e6, 1)
        say(line_of(row))
        return row

    def open(self, rate: float) -> Row:
        """At a rate, whatever becomes of it."""
        batches = self._batches()
        tally = self.stage.open_window(rate, self._seconds)
        row = self._row(tally, USUAL, batches)
        row.offered, row.late, row.dropped = round(rate, 1), tally.late, tally.dropped
        say(line_of(row))
        return row

    def fill(self, until: int) -> None:
        """Settle until so many are stored. What is sent is made on the way: to make it before
        each window would take longer than it saves."""
        while self.stored < until:
            self.stage.window(Scenario.ONESHOT, make_before=False)
            self.stored = sum(self.stage.book.settlements)
            say(f"{self.stored:,} stored")

    def wrong(self) -> list[str]:
        """What is not right with its ledger."""
        verdict = self.server.verify()
        after = asyncio.run(attach.read_booked(self.server.data_dir))
        found = compare_books(self.stage.population.codes, self.stage.book, self._before, after)
        return found if verdict.ok else [*found, f"it does not verify: {verdict.first_bad}"]

    def _batches(self) -> int:
        """How many there were so far: each is a block of its journal."""
        return sum(asyncio.run(attach.read_journal_ends(self.server.data_dir)).values())

    def _row(self, tally: Tally, connections: int, before: int) -> Row:
        broken = tally.refused + tally.http_errors + tally.connection_errors
        if broken or tally.complaints:  # what waited too long and was dropped is a figure
            raise WindowError(f"{broken} requests went wrong: {tally.complaints[:2]}")
        batches = self._batches() - before
        stored, self.stored = self.stored, sum(self.stage.book.settlements)
        row = Row(
            workers=self.workers, journals=self.journals, connections=connections, stored=stored,
            per_second=round(tally.units_per_second, 1),
            p50_ms=round(tally.latency.percentile_ms(50), 2),
            p99_ms=round(tally.latency.percentile_ms(99), 2),
            batch=round((self.stored - stored) / batches, 1) if batches else 0.0,
        )  # fmt: skip
        return row


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, flush=True)


def line_of(row: Row) -> str:
    """A row for the terminal."""
    offered = "" if row.offered is None else f"offered {row.offered:,.0f} "
    return (
        f"{row.workers} processes {row.journals:2} journals {row.connections:3} connections "
        f"{row.stored:9,} stored: {offered}{row.per_second:7,.0f}/s  p50 {row.p50_ms:7.1f}  "
        f"p99 {row.p99_ms:7.1f} ms  batch {row.batch:5.1f}  transfers {row.transfers:4.2f}  "
        f"gateway {row.gateway_us:4.0f} us  "
        f"postgres {row.postgres_us:4.0f} us"
    )


def middle(rows: list[Row]) -> Row:
    """The one whose rate is the median; of an even number, the slower of the two."""
    return sorted(rows, key=lambda row: row.per_second)[(len(rows) - 1) // 2]


def old_to_young(turns: Sequence[tuple[Row, Row]]) -> float:
    """The median of what the old one settled ÷ what the young one did in its turn."""
    return statistics.median(old.per_second / young.per_second for old, young in turns)


@contextmanager
def arranged(
    folder: Path, seconds: float, arrangement: Arrangement, came: Came, name: str = "data"
) -> Iterator[Bench]:
    """A server of its own; what is not right with its ledger in the end is in `came`."""
    workers, journals = arrangement
    data = folder / f"{name}-{workers}-{journals}"
    with Server(
        data, workers=workers, journals=journals, log_path=folder / "log",
        environment=os.environ | {MAX_CONNECTIONS_VARIABLE: str(workers * journals + 60)},
    ) as server:  # fmt: skip
        bench = Bench(server, workers, journals, seconds)
        bench.stage.reply_bytes()
        yield bench
        came.wrong += bench.wrong()
    remove_data(data)


def measure_arrangements(folder: Path, seconds: float, came: Came) -> None:
    """All but ages; `came` has as many rows as there are when something ends it."""
    for arrangement in ARRANGEMENTS:
        with arranged(folder, seconds, arrangement, came) as bench:
            usual = middle([bench.closed() for _ in range(ROUNDS)])
            came.arrangements.append(usual)
            if arrangement == USUAL_ARRANGEMENT:
                came.connections += [bench.closed(number) for number in CONNECTIONS]
                came.rates += [bench.open(share * usual.per_second) for share in SHARES]


def measure_ages(folder: Path, seconds: float, stored: Sequence[int], came: Came) -> None:
    """The usual windows on an empty ledger, and on one that holds more and more; there in turns
    with a young one, so that both have the same machine."""
    with arranged(folder, seconds, USUAL_ARRANGEMENT, came) as bench:
        came.ages.append(middle([bench.closed() for _ in range(ROUNDS)]))
        came.ages_at_a_rate.append(bench.open(OPEN_RATE))
        with arranged(folder, seconds, USUAL_ARRANGEMENT, came, "young") as young:
            young.fill(YOUNG)
            for number in sorted(stored):
                bench.fill(number)
                turns = [(bench.closed(), young.closed()) for _ in range(TURNS)]
                say(f"old ÷ young, in turns: {old_to_young(turns):.3f}")
                came.old_beside_young.append(turns)
                came.ages.append(middle([old for old, _ in turns]))
                came.ages_at_a_rate.append(bench.open(OPEN_RATE))


def main() -> int:
    """Run, print, write; 1 where a ledger is not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a window")
    parser.add_argument(
        "--stored", type=int, nargs="+", default=[1_000_000], help="before the last windows"
    )
    parser.add_argument("--only-ages", action="store_true", help="nothing but windows by age")
    arguments = parser.parse_args()
    came = Came(machine=dict(describe_machine()), commit=describe_commit(Path.cwd()))
    OUT.parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="capacity-", dir=OUT.parent)).resolve()
    folder.chmod(0o711)  # the embedded servers' user passes through
    try:
        if not arguments.only_ages:
            measure_arrangements(folder, arguments.seconds, came)
        measure_ages(folder, arguments.seconds, arguments.stored, came)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        OUT.write_text(json.dumps(msgspec.to_builtins(came), ensure_ascii=False, indent=2) + "\n")
    for line in came.wrong:
        print(f"WRONG: {line}")
    print(f"figures are in {OUT}" if not came.wrong else "VOID: a ledger is not right.")
    return 1 if came.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
