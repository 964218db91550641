"""Runs scripts over many connections: warm-up, steady window, drain.

Closed loop: every connection sends its next request as soon as it has its reply; this finds the
capacity. Open loop: requests are due at times drawn beforehand, whatever the server does, and
latency counts from the *intended* time, so that a stall is not hidden by the requests it held up.
"""

from __future__ import annotations

import random
import select
import time
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from loadtest.generator.client import Connection
from loadtest.generator.framing import ACCEPTED, STATUS_OK, FramingError, body_of, status_of
from loadtest.generator.request import Check, Request, Script
from loadtest.generator.tally import Book, Tally

SAMPLE_MASK = 63
"""One accepted reply in sixty-four is decoded and checked thoroughly."""
DRAIN_SECONDS_MAX = 15.0
LATE_NS = 1_000_000
STATUS_LINE_OK = b"HTTP/1.1 200"


Watch = Callable[[Request, bytes, int], None]
"""Told of every reply inside the window or its drain: the request, all of the reply, and the
microseconds since it was due."""


class Timing(Struct, frozen=True, kw_only=True):
    """Length of the two phases. `on_edge` is called at both ends of the window."""

    warm_up_seconds: float
    window_seconds: float
    on_edge: Callable[[], None] = lambda: None


def run_closed(
    address: tuple[str, int], scripts: Sequence[Script], *, timing: Timing, book: Book, check: Check
) -> Tally:
    """One connection a script, each always with one request in flight."""
    return _ClosedLoop(address, scripts, book, check).run(timing)


def run_open(
    address: tuple[str, int],
    scripts: Sequence[Script],
    *,
    rate_per_second: float,
    seed: int,
    timing: Timing,
    book: Book,
    check: Check,
    watch: Watch | None = None,
    grain_seconds: float = 0.0,
) -> Tally:
    """Requests arrive like customers (a Poisson process) and take any free connection. With a grain
    what is due within it leaves together, and replies are read as late: a rate of ten thousand then
    costs its client a fraction of the processor, which the server may have where they share one."""
    loop = _OpenLoop(address, scripts, book, check, rate_per_second, seed)
    loop.watch = watch
    loop.grain_seconds = grain_seconds
    return loop.run(timing)


class _Loop:
    """What both loops share: reading replies, counting, phases."""

    _counts_drain = False
    """whether replies that come after the window still count in its tally"""

    def __init__(
        self, address: tuple[str, int], scripts: Sequence[Script], book: Book, check: Check
    ) -> None:
        self._tally = Tally()
        self._book = book
        self._check = check
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._in_flight = 0
        self._draining = False
        self._began = False
        self.watch: Watch | None = None
        for script in scripts:
            self._register(Connection(address, script))

    def run(self, timing: Timing) -> Tally:
        """Both phases and the drain; answers the tally of the window alone."""
        try:
            self._start()
            self._until(time.perf_counter_ns() + int(timing.warm_up_seconds * 1e9))
            tally = self._window(timing)
            self._drain()
            return tally
        finally:
            for connection in self._connections.values():
                connection.close()
            self._epoll.close()

    def _window(self, timing: Timing) -> Tally:
        timing.on_edge()
        self._resume()
        tally = self._tally = Tally()
        self._began = True
        cpu, begin_ns = time.process_time(), time.perf_counter_ns()
        self._until(begin_ns + int(timing.window_seconds * 1e9))
        tally.window_seconds = (time.perf_counter_ns() - begin_ns) / 1e9
        tally.generator_cpu_seconds = time.process_time() - cpu
        tally.dropped = self._overdue()
        if not self._counts_drain:
            self._tally = Tally()
        timing.on_edge()
        return tally

    def _resume(self) -> None:
        """What came in while the edge was being recorded belongs to the phase before."""
        self._read_ready(self._epoll.poll(0))

    def _drain(self) -> None:
        """Wait for what is still out, so that the book and the ledger can be compared."""
        self._draining = True
        deadline_ns = time.perf_counter_ns() + int(DRAIN_SECONDS_MAX * 1e9)
        while self._in_flight and time.perf_counter_ns() < deadline_ns:
            self._read_ready(self._epoll.poll(0.1))
        for connection in self._connections.values():
            self._give_up(connection)

    def _read_ready(self, events: list[tuple[int, int]]) -> None:
        for fd, _ in events:
            connection = self._connections[fd]
            try:
                reply = connection.receive()
            except (OSError, FramingError) as error:
                self._broken(connection, error)
                continue
            if reply is not None:
                self._count(connection, reply)

    def _count(self, connection: Connection, reply: bytes) -> None:
        now_ns = time.perf_counter_ns()
        request = connection.request
        if request is None:
            self._broken(connection, FramingError("a reply that nobody asked for"))
            return
        connection.request = None
        self._in_flight -= 1
        took_us = (now_ns - connection.since_ns) // 1000
        self._tally.latency.record(took_us)
        if self.watch is not None and self._began:
            self.watch(request, reply, took_us)
        if reply.startswith(STATUS_LINE_OK) and ACCEPTED in reply:
            self._accepted(request, reply)
            self._next(connection, reply, now_ns)
            return
        self._not_accepted(reply)
        self._next(connection, None, now_ns)

    def _accepted(self, request: Request, reply: bytes) -> None:
        tally = self._tally
        tally.accepted += 1
        tally.units += request.ends_unit
        if request.settles:
            self._book.settlements[request.institution] += 1
            self._book.fees_fen[request.institution] += request.fee_fen
        if not tally.accepted & SAMPLE_MASK:
            tally.sampled += 1
            complaint = self._check(request, body_of(reply))
            if complaint is not None:
                tally.complain(complaint)

    def _not_accepted(self, reply: bytes) -> None:
        status = status_of(reply)
        if status == STATUS_OK:
            self._tally.refused += 1
        else:
            self._tally.http_errors += 1
        self._tally.complain(f"HTTP {status}: {_excerpt(reply)}")

    def _issue(self, connection: Connection, reply: bytes | None, since_ns: int) -> None:
        self._in_flight += 1
        try:
            connection.issue(reply, since_ns)
        except OSError as error:
            self._broken(connection, error)

    def _broken(self, connection: Connection, error: Exception) -> None:
        """Count it, and go on with a new socket; a server that is gone ends the run (OSError)."""
        self._tally.connection_errors += 1
        self._tally.complain(f"{type(error).__name__}: {error}")
        self._give_up(connection)
        del self._connections[connection.fd]
        connection.close()
        connection.open()
        self._register(connection)
        self._next(connection, None, time.perf_counter_ns())

    def _give_up(self, connection: Connection) -> None:
        request, connection.request = connection.request, None
        if request is None:
            return
        self._in_flight -= 1
        if request.settles:
            self._book.unknown[request.institution] += 1

    def _register(self, connection: Connection) -> None:
        self._connections[connection.fd] = connection
        self._epoll.register(connection.fd, select.EPOLLIN)

    def _start(self) -> None:
        raise NotImplementedError

    def _until(self, end_ns: int) -> None:
        raise NotImplementedError

    def _next(self, connection: Connection, reply: bytes | None, now_ns: int) -> None:
        raise NotImplementedError

    def _overdue(self) -> int:
        return 0


class _ClosedLoop(_Loop):
    def _start(self) -> None:
        for connection in list(self._connections.values()):
            self._issue(connection, None, time.perf_counter_ns())

    def _until(self, end_ns: int) -> None:
        while time.perf_counter_ns() < end_ns:
            self._read_ready(self._epoll.poll(0.05))

    def _next(self, connection: Connection, reply: bytes | None, now_ns: int) -> None:
        if not self._draining:
            self._issue(connection, reply, now_ns)


class _OpenLoop(_Loop):
    _counts_drain = True  # leaving out the slowest replies would flatter the tail

    def __init__(
        self,
        address: tuple[str, int],
        scripts: Sequence[Script],
        book: Book,
        check: Check,
        rate_per_second: float,
        seed: int,
    ) -> None:
        super().__init__(address, scripts, book, check)
        self._random = random.Random(seed)
        self._rate_per_ns = rate_per_second / 1e9
        self._free: deque[tuple[Connection, bytes | None]] = deque()
        self._due_ns = 0
        self.grain_seconds = 0.0

    def _start(self) -> None:
        self._free.extend((connection, None) for connection in self._connections.values())
        self._due_ns = time.perf_counter_ns()

    def _resume(self) -> None:
        super()._resume()
        self._due_ns = time.perf_counter_ns()

    def _until(self, end_ns: int) -> None:
        while (now_ns := time.perf_counter_ns()) < end_ns:
            self._send_due(now_ns)
            self._wait(end_ns)
            self._read_ready(self._epoll.poll(0))

    def _send_due(self, now_ns: int) -> None:
        while self._due_ns <= now_ns and self._free:
            connection, reply = self._free.popleft()
            self._tally.late += now_ns - self._due_ns > LATE_NS
            self._issue(connection, reply, self._due_ns)
            self._due_ns += int(self._random.expovariate(self._rate_per_ns))

    def _wait(self, end_ns: int) -> None:
        """Sleep until a reply or the next arrival. Polling epoll itself rounds to milliseconds."""
        if self.grain_seconds:
            time.sleep(self.grain_seconds)
            return
        wake_ns = min(self._due_ns, end_ns) if self._free else end_ns
        wait_seconds = max(wake_ns - time.perf_counter_ns(), 0) / 1e9
        select.select([self._epoll], [], [], wait_seconds)

    def _next(self, connection: Connection, reply: bytes | None, now_ns: int) -> None:
        self._free.append((connection, reply))

    def _overdue(self) -> int:
        """Arrivals that should have left inside the window; they are skipped, never made up for."""
        end_ns, missed = time.perf_counter_ns() - LATE_NS, 0
        while self._due_ns <= end_ns:
            missed += 1
            self._due_ns += int(self._random.expovariate(self._rate_per_ns))
        return missed


def _excerpt(reply: bytes) -> str:
    return body_of(reply)[:300].decode("utf-8", "replace")
