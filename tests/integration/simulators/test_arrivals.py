"""The open loop against a server that is slow, hangs up, or refuses: nothing it does is hidden."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loadtest.generator.arrivals import Arrivals
from loadtest.generator.counts import Counts
from loadtest.generator.unit import Answer, Arrival, NotSentError, Pause, Send, Unit

DONE = b'{"infcode":0}'
REFUSED = b'{"infcode":-1,"err_code":"NO_SUCH_PERSON"}'
REQUEST = b"POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


def _reply(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


class SlowServer:
    """Answers one request at a time, each when told to; None hangs up."""

    def __init__(self, answers: Iterator[bytes | None]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self.go_on = threading.Event()
        self.go_on.set()
        self.heard = threading.Event()
        self.callers: list[int] = []
        """the caller's port, of each request"""
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(65536):
                    self.callers.append(connection.getpeername()[1])
                    self.heard.set()
                    self.go_on.wait(10)
                    answer = next(self._answers)
                    if answer is None:
                        return
                    connection.sendall(answer)
            except OSError:
                return

    def close(self) -> None:
        self.go_on.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def serving(*answers: bytes | None) -> Iterator[SlowServer]:
    last = answers[-1]

    def endless() -> Iterator[bytes | None]:
        yield from answers
        while True:
            yield last

    server = SlowServer(endless())
    try:
        yield server
    finally:
        server.close()


class Heard:
    """A unit that sends the same again and again, and what it was told."""

    def __init__(self) -> None:
        self.answers: list[Answer | None] = []
        self.was_closed = False
        self.was_turned_away = False

    def unit(self, sends: int, *, hangs_up: bool = False, pause: float = 0.0) -> Unit:
        try:
            for _ in range(sends):
                self.answers.append(
                    (yield Send(name="2102", payload=REQUEST, settles=True, hangs_up=hangs_up))
                )
                if pause:
                    yield Pause(pause)
        except GeneratorExit:
            self.was_closed = True
            raise
        except NotSentError:
            self.was_turned_away = True
            raise


def _run(
    server: SlowServer, *units: Unit, stop: Callable[[], str] = lambda: "", patience: float = 5.0
) -> tuple[Counts, str]:
    counts = Counts(seconds=1.0, stretches=2)
    supply = iter([Arrival(at_seconds=0.0, kind="sale", unit=unit) for unit in units])
    runner = Arrivals(
        server.address, supply, counts, connections=1, stop=stop, patience_seconds=patience
    )
    return counts, runner.run()


def test_each_answer_is_counted_once_under_its_transaction() -> None:
    with serving(_reply(DONE), _reply(REFUSED), _reply(b"busy", "503 Busy")) as server:
        heard = Heard()
        counts, why = _run(server, heard.unit(3, pause=0.01))
    of = counts.of("2102")
    assert (of.done, of.refused, of.errors, of.broken) == (1, 1, 1, 0)
    assert counts.refusals == {"2102 NO_SUCH_PERSON": 1} and counts.at(0).settled == 1
    assert [answer.is_done for answer in heard.answers if answer] == [True, False, False]
    assert not why and counts.messages == 3


def test_waiting_for_a_free_connection_is_in_the_latency() -> None:
    with serving(_reply(DONE)) as server:
        server.go_on.clear()
        threading.Timer(0.3, server.go_on.set).start()
        counts, _ = _run(server, Heard().unit(1), Heard().unit(1))
    assert counts.of("2102").done == 2 and counts.late >= 1
    assert counts.latency.percentile_ms(1) >= 250, "both were due at the beginning"


def test_what_is_asked_of_somebody_else_has_lines_of_its_own() -> None:
    def unit() -> Unit:
        for is_aside in (False, True, False):
            yield Send(name="2102", payload=REQUEST, is_aside=is_aside)

    with serving(_reply(DONE)) as server:
        counts, why = _run(server, unit())
    first, aside, last = server.callers
    assert first == last != aside and not why
    assert counts.of("2102").done == 3 and counts.unfinished == 0


def test_who_finds_no_connection_in_time_leaves_and_nothing_is_unknown_of_them() -> None:
    with serving(_reply(DONE)) as server:
        server.go_on.clear()
        threading.Timer(0.6, server.go_on.set).start()
        first, second = Heard(), Heard()
        counts, _ = _run(server, first.unit(1), second.unit(1), patience=0.2)
    assert counts.dropped == 1 and counts.of("2102").done == 1
    assert second.was_turned_away and not second.was_closed and not second.answers


def test_a_line_that_ends_without_an_answer_says_so_to_the_unit() -> None:
    with serving(None, _reply(DONE)) as server:
        heard = Heard()
        counts, _ = _run(server, heard.unit(2))
    assert heard.answers[0] is None and heard.answers[1] is not None
    assert counts.of("2102").broken == 1 and counts.failed == 1


def test_hanging_up_ourselves_is_no_error_of_the_server() -> None:
    with serving(_reply(DONE)) as server:
        heard = Heard()
        counts, _ = _run(server, heard.unit(1, hangs_up=True))
        assert server.heard.wait(5)
    assert heard.answers == [None] and not counts.failed and not counts.complaints


def test_a_run_that_is_stopped_closes_whoever_is_under_way() -> None:
    with serving(_reply(DONE)) as server:
        server.go_on.clear()
        heard = Heard()
        counts, why = _run(
            server, heard.unit(1), Heard().unit(1),
            stop=lambda: "the disk is nearly full" if server.heard.wait(0.5) else "",
        )  # fmt: skip
        server.go_on.set()
    assert why == "the disk is nearly full"
    assert heard.was_closed and counts.unfinished


def test_who_is_under_way_goes_before_who_just_came_and_never_leaves() -> None:
    order: list[str] = []

    def named(name: str, sends: int) -> Unit:
        for number in range(sends):
            yield Send(name=name, payload=REQUEST)
            order.append(f"{name}{number}")

    with serving(_reply(DONE)) as server:
        server.go_on.clear()
        threading.Timer(0.4, server.go_on.set).start()
        counts, _ = _run(server, named("a", 3), named("b", 1), patience=0.1)
    assert order == ["a0", "a1", "a2"] and counts.of("b").dropped == 1
