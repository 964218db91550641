"""The runner over real sockets, against servers that behave and servers that do not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from loadtest.audit import accept_anything
from loadtest.generator.request import Request, Script
from loadtest.generator.runner import Timing, run_closed, run_open
from loadtest.generator.tally import Book

TIMING = Timing(warm_up_seconds=0.02, window_seconds=0.5)
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
Answer = Callable[[int], list[bytes] | None]


def framed(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


ACCEPTED = framed(b'{"infcode":0}')


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, int]]:
    """A server that sends, for its n-th request, these pieces; None closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    count = iter(range(1_000_000))
    threads: list[threading.Thread] = []

    def converse(peer: socket.socket) -> None:
        with peer:
            while peer.recv(65536):
                pieces = answer(next(count))
                if pieces is None:
                    return
                for piece in pieces:
                    peer.sendall(piece)

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=converse, args=(peer,))
            thread.start()
            threads.append(thread)

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for thread in threads:
            thread.join()


def scripts(number: int, seen: list[bytes | None] | None = None) -> list[Script]:
    def script() -> Script:
        request = Request(payload=REQUEST, institution=0, fee_fen=250, settles=True, ends_unit=True)
        while True:
            reply = yield request
            if seen is not None:
                seen.append(reply)

    return [script() for _ in range(number)]


def test_closed_loop_counts_every_reply_and_books_all_that_was_ever_acknowledged() -> None:
    book = Book(1)
    with serving(lambda _: [ACCEPTED]) as address:
        tally = run_closed(address, scripts(3), timing=TIMING, book=book, check=accept_anything)
    assert tally.clean
    assert tally.accepted == tally.units == tally.latency.total > 0
    assert book.settlements[0] >= tally.accepted  # warm-up and drain are in the book too
    assert book.totals() == (book.settlements[0], 250 * book.settlements[0], 0)


def test_replies_in_pieces_are_put_together() -> None:
    with serving(lambda _: [ACCEPTED[:20], ACCEPTED[20:45], ACCEPTED[45:]]) as address:
        tally = run_closed(address, scripts(1), timing=TIMING, book=Book(1), check=accept_anything)
    assert tally.clean
    assert tally.accepted > 0


def test_refusals_and_http_errors_are_counted_apart_booked_nowhere_and_told_to_the_script() -> None:
    book, seen = Book(1), list[bytes | None]()
    replies = [[framed(b'{"infcode":-1}')], [framed(b"{}", "503 Service Unavailable")]]
    with serving(lambda number: replies[number % 2]) as address:
        tally = run_closed(
            address, scripts(1, seen), timing=TIMING, book=book, check=accept_anything
        )
    assert tally.refused > 0
    assert tally.http_errors > 0
    assert not tally.clean
    assert book.totals() == (0, 0, 0)
    assert set(seen) == {None}
    assert any("infcode" in complaint for complaint in tally.complaints)


def test_a_closed_connection_is_counted_as_unknown_and_replaced() -> None:
    book = Book(1)
    with serving(lambda number: None if number % 5 == 4 else [ACCEPTED]) as address:
        tally = run_closed(address, scripts(2), timing=TIMING, book=book, check=accept_anything)
    assert tally.connection_errors > 0
    assert tally.accepted > 0
    assert not tally.clean
    assert book.unknown[0] >= tally.connection_errors


def test_one_reply_in_sixty_four_is_checked_and_complaints_flag_the_run() -> None:
    with serving(lambda _: [ACCEPTED]) as address:
        tally = run_closed(
            address, scripts(4), timing=TIMING, book=Book(1), check=lambda *_: "wrong"
        )
    assert tally.sampled == tally.accepted // 64
    assert tally.clean is (tally.sampled == 0)


def test_open_loop_keeps_its_rate_and_measures_from_the_intended_time() -> None:
    timing = Timing(warm_up_seconds=0.05, window_seconds=0.5)
    with serving(lambda _: [ACCEPTED]) as address:
        tally = run_open(
            address,
            scripts(16),
            rate_per_second=400,
            seed=3,
            timing=timing,
            book=Book(1),
            check=accept_anything,
        )
    assert tally.refused == tally.http_errors == tally.connection_errors == 0
    assert tally.accepted + tally.dropped == pytest.approx(400 * tally.window_seconds, rel=0.35)


def test_open_loop_counts_what_a_stalled_server_held_up() -> None:
    stalled = threading.Event()

    def answer(number: int) -> list[bytes] | None:
        if number == 3:
            stalled.wait(timeout=10)
        return [ACCEPTED]

    timer = threading.Timer(0.3, stalled.set)
    timing = Timing(warm_up_seconds=0.0, window_seconds=0.5)
    with serving(answer) as address:
        timer.start()
        tally = run_open(
            address,
            scripts(1),
            rate_per_second=500,
            seed=3,
            timing=timing,
            book=Book(1),
            check=accept_anything,
        )
    timer.join()
    assert tally.late > 10
    # Those that had to wait for the one connection count their waiting.
    assert tally.latency.percentile_ms(90) > 50


def test_open_loop_tells_of_every_reply_of_its_window() -> None:
    told: list[int] = []
    refused = framed(b'{"infcode":-1}')
    timing = Timing(warm_up_seconds=0.05, window_seconds=0.3)
    with serving(lambda number: [refused] if number % 2 else [ACCEPTED]) as address:
        tally = run_open(
            address, scripts(16), rate_per_second=400, seed=3, timing=timing, book=Book(1),
            check=accept_anything, watch=lambda request, reply, us: told.append(us),
        )  # fmt: skip
    assert len(told) == tally.replies and min(told) >= 0
