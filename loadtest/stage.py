"""What a bench runs on: one server with its world, the client's book, and single windows of load.

It measures; which windows, in which order, and what follows from them is `loadtest.bench`.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from loadtest import attach
from loadtest.audit import Auditor, accept_anything
from loadtest.generator.framing import body_of
from loadtest.generator.request import Script
from loadtest.generator.runner import Timing, run_closed, run_open
from loadtest.generator.tally import Book, Tally
from loadtest.processes import cpu_seconds_by_kind, read_processes
from loadtest.server import Server
from loadtest.workload import Population, Scenario, prepared
from loadtest.world import fetch_world

WARM_UP_SHARE = 0.15
PREPARED_PER_SECOND = 12_000
"""Requests made before a window, for every second of it; what exceeds them is made on the way."""
OPEN_LOOP_CONNECTIONS = 256


class Costs(Struct, kw_only=True):
    """What windows of one-shot settlements cost: processor by kind, bytes stored and logged; and
    the ledger entries they made, with the transfers in these."""

    cpu_seconds: dict[str, float] = {}
    cpu_units: int = 0
    stored_bytes: int = 0
    wal_bytes: int = 0
    settlements: int = 0
    entries: int = 0
    transfers: int = 0


class Stage:
    """A running server made ready for load."""

    def __init__(
        self, server: Server, *, connections: int, window_seconds: float, persons: int, seed: int
    ) -> None:
        self._server = server
        self._connections = connections
        self._window_seconds = window_seconds
        self._seed = seed
        host, port = server.address
        self.population = Population(
            fetch_world(server.url, persons=persons),
            host=f"{host}:{port}",
            seed=seed,
            from_second=int(time.time()),
        )
        self.book = Book(len(self.population.codes))
        self.auditor = Auditor()
        self.costs = Costs()
        self._places = attach.places_of(server.data_dir)

    def use(self, connections: int) -> None:
        """So many connections in the windows that follow."""
        self._connections = connections

    def reply_bytes(self) -> int:
        """Size of the body of a real answer to a one-shot settlement; also wakes the server up."""
        sizes: list[int] = []

        def measuring(script: Script) -> Script:
            reply: bytes | None = None
            while True:
                reply = yield script.send(reply)
                if reply is not None:
                    sizes.append(len(body_of(reply)))

        scripts = [measuring(one) for one in self.population.scripts(Scenario.ONESHOT, 4)]
        tally = self._closed(self._server.address, scripts, self.book, seconds=0.5)
        if not sizes:
            raise RuntimeError(f"the server settled nothing: {tally.complaints}")
        return sorted(sizes)[len(sizes) // 2]

    def window(self, scenario: Scenario, *, make_before: bool = True) -> Tally:
        """One closed-loop window against the server, counted in the client's book."""
        scripts = self._scripts(scenario, make_before=make_before)
        return self._closed(self._server.address, scripts, self.book)

    def costed_window(self) -> Tally:
        """A one-shot window that also records what it cost in processor time and bytes."""
        before, booked = self._footprint(), sum(self.book.settlements)
        edges: list[dict[str, float]] = []
        scripts = self._scripts(Scenario.ONESHOT)
        ends = asyncio.run(attach.read_journal_ends(self._server.data_dir))
        tally = self._closed(
            self._server.address, scripts, self.book, on_edge=lambda: edges.append(self._cpu())
        )
        after = self._footprint()
        booked_since = asyncio.run(attach.read_volume_since(self._server.data_dir, ends))
        self.costs.entries += booked_since.entries
        self.costs.transfers += booked_since.transfers
        self.costs.stored_bytes += after.stored_bytes - before.stored_bytes
        self.costs.wal_bytes += after.wal_bytes - before.wal_bytes
        self.costs.settlements += sum(self.book.settlements) - booked
        self.costs.cpu_units += tally.units
        begin, end = edges
        spent = {kind: end[kind] - begin.get(kind, 0.0) for kind in end}
        for kind, seconds in (spent | {"generator": tally.generator_cpu_seconds}).items():
            self.costs.cpu_seconds[kind] = self.costs.cpu_seconds.get(kind, 0.0) + seconds
        return tally

    def echo_window(self, address: tuple[str, int]) -> Tally:
        """The same one-shot requests against an echo; they are in nobody's book."""
        scripts = self._scripts(Scenario.ONESHOT)
        nobodys = Book(len(self.population.codes))
        return self._closed(address, scripts, nobodys, check=False)

    def open_window(self, rate_per_second: float, seconds: float) -> Tally:
        """One-shot settlements arriving at a rate, whatever the server does."""
        scripts = self.population.scripts(Scenario.ONESHOT, OPEN_LOOP_CONNECTIONS)
        with without_collector():
            return run_open(
                self._server.address,
                scripts,
                rate_per_second=rate_per_second,
                seed=self._seed,
                timing=Timing(warm_up_seconds=1.0, window_seconds=seconds),
                book=self.book,
                check=self.auditor.check,
            )

    def _scripts(self, scenario: Scenario, *, make_before: bool = True) -> list[Script]:
        scripts = self.population.scripts(scenario, self._connections)
        if scenario is Scenario.VISITS or not make_before:
            return scripts
        return prepared(scripts, int(PREPARED_PER_SECOND * self._window_seconds))

    def _closed(
        self,
        address: tuple[str, int],
        scripts: list[Script],
        book: Book,
        *,
        seconds: float | None = None,
        on_edge: Callable[[], None] = lambda: None,
        check: bool = True,
    ) -> Tally:
        window = self._window_seconds if seconds is None else seconds
        timing = Timing(
            warm_up_seconds=max(0.5, window * WARM_UP_SHARE), window_seconds=window, on_edge=on_edge
        )
        judge = self.auditor.check if check else accept_anything
        with without_collector():
            return run_closed(address, scripts, timing=timing, book=book, check=judge)

    def _cpu(self) -> dict[str, float]:
        return cpu_seconds_by_kind(
            read_processes(), server_pid=self._server.pid, places=self._places
        )

    def _footprint(self) -> attach.Footprint:
        return asyncio.run(attach.read_footprint(self._server.data_dir))


@contextmanager
def without_collector() -> Iterator[None]:
    """The collector would walk a hundred thousand prepared requests in the middle of a window."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
