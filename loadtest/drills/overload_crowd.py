"""Who comes to an overloaded server: a city's tills, one that loops, and connections that dawdle.

Each request says of which kind it is, so that what became of it can be told by kind.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from http import HTTPStatus

from loadtest import messages
from loadtest.desk import Desk
from loadtest.generator.framing import ACCEPTED, STATUS_OK, status_of
from loadtest.generator.histogram import Histogram
from loadtest.generator.request import Request, Script
from loadtest.messages import PersonParts
from loadtest.workload import Claims, Population, prepared

SALE, QUOTE, UNDO, LOOP = "sale", "quote", "undo", "loop"
RETRY_AFTER = b"\r\nRetry-After: "


class Asked(Request, frozen=True, kw_only=True, gc=False):
    """A request of a kind."""

    kind: str


class Crowd:
    """A city's pharmacies, but for one whose program loops."""

    def __init__(self, population: Population, pharmacies: Sequence[str], *, seed: int) -> None:
        self._city = population.claims_of(pharmacies[:-1])
        self._looping = population.claims_of(pharmacies[-1:])
        self._random = random.Random(seed)

    def scripts(self, shares: dict[str, float], connections: int, *, ready: int) -> list[Script]:
        """One script a connection; requests are of a kind as often as its share says. So many of
        them are made in advance: making them would cost the server its processors."""
        kinds, weights = list(shares), list(shares.values())
        scripts = [self._script(kinds, weights) for _ in range(connections)]
        return prepared(scripts, ready)

    def _script(self, kinds: list[str], weights: list[float]) -> Script:
        while True:
            (kind,) = self._random.choices(kinds, weights)
            yield _asked(kind, self._looping if kind == LOOP else self._city)


class Outcome:
    """What became of the requests of one kind."""

    def __init__(self) -> None:
        self.done = Histogram()
        self.away = Histogram()
        self.failed = 0
        self.over_share = 0
        """turned away because their institution asks far more than others"""
        self.without_advice = 0
        """turned away without Retry-After"""

    @property
    def asked(self) -> int:
        """All of them."""
        return self.done.total + self.away.total + self.failed

    @property
    def served(self) -> float:
        """The share that was carried out; 1 where nobody asked."""
        return self.done.total / self.asked if self.asked else 1.0


class Outcomes:
    """By kind; `watch` is told of each reply of a window and of what it leaves behind."""

    def __init__(self) -> None:
        self.of: dict[str, Outcome] = {}
        self.done_in_window = 0

    def edge(self) -> None:
        """The window begins, or ends: what was carried out by now is what counts."""
        self.done_in_window = sum(one.done.total for one in self.of.values())

    def watch(self, request: Request, reply: bytes, took_us: int) -> None:
        """Count it."""
        kind = request.kind if isinstance(request, Asked) else ""
        outcome = self.of.setdefault(kind, Outcome())
        status = status_of(reply)
        if status == STATUS_OK and ACCEPTED in reply:
            outcome.done.record(took_us)
        elif status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            outcome.away.record(took_us)
            outcome.over_share += status == HTTPStatus.TOO_MANY_REQUESTS
            outcome.without_advice += RETRY_AFTER not in reply
        else:
            outcome.failed += 1

    def away(self) -> Histogram:
        """Of all who were turned away."""
        together = Histogram()
        for outcome in self.of.values():
            together.add(outcome.away)
        return together


class Dawdlers:
    """Connections that begin a request and never end it, until left."""

    def __init__(self, address: tuple[str, int], count: int) -> None:
        self._address = address
        self._count = count
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Dawdlers:
        for number in range(self._count):
            one = socket.create_connection(self._address, timeout=10)
            one.sendall(DAWDLING[number % len(DAWDLING)])
            self._sockets.append(one)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            one.close()


DAWDLING = (
    b"",
    b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nX-A: ",
    b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n{",
    b"GET /docs HTTP/1.1\r\nHost: h\r\nX-A: ",
    b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nX-A: " + b"x" * 15_000,
)
"""Nothing at all, half a head of ours, half a body, half a head of a page, a very long head."""


def _asked(kind: str, claims: Claims) -> Asked:
    desk, person, basket, at = claims.next()
    fee_fen, settles = 0, False
    if kind == UNDO:
        payload = desk.request("2601", _reversal(desk, person))
    else:
        content = messages.pharmacy_sale(person, basket, serial=desk.serial(), at=at)
        settles = kind != QUOTE
        payload = desk.request("2102" if settles else "2101", content)
        fee_fen = basket.total_fen if settles else 0
    return Asked(
        payload=payload, institution=desk.index, fee_fen=fee_fen, settles=settles, ends_unit=True,
        kind=kind,
    )  # fmt: skip


def _reversal(desk: Desk, person: PersonParts) -> bytes:
    """2601 of a sale that never came: a till that was turned away makes sure."""
    number = person.number[: person.number.index(b",")]
    return b'{"data":{%b,"omsgid":"%b","oinfno":"2102"}}' % (number, desk.serial() + b"00000000")
