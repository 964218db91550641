"""Traces of a share of the requests: where the time of one went. Off unless an operator asks.

A request that is picked is remembered under its message id; whoever works on it adds parts, from
times that are taken for the metrics anyway, and what is over is handed on as a whole. Nothing is
made for the others, and off it costs a request one comparison. Of a message only its id and its
transaction number are told, never its content (docs/operating/traces.md). Knows no library:
`otlp` is what hands on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

from msgspec import Struct

from settlement.telemetry.metrics import Outcome

OPEN_MAX = 1_000
"""Requests that are remembered at once; more are not picked."""
HEAD_BYTES = 2_048
"""Where a message id is looked for: an envelope begins with it or has it soon."""
_MESSAGE_ID = re.compile(rb'"(?:msgid|order_no)"\s*:\s*"([0-9A-Za-z_-]{1,40})"')
BATCH_PARTS = ("batch.read", "batch.decide")


class Part(Struct, frozen=True, kw_only=True):
    """A piece of a request's time. Both in seconds of `monotonic`."""

    name: str
    began: float
    ended: float
    facts: dict[str, str | int] = {}


class Trace(Struct, kw_only=True):
    """A request that was picked, and what is known of it."""

    name: str
    """the transaction, or the address without what it names"""
    message_id: str
    began: float
    facts: dict[str, str | int] = {}
    parts: list[Part] = []
    """in the order in which they ended"""
    ended: float = 0.0
    failed: bool = False
    """nobody was answered what was asked: overloaded, unavailable"""


HandOn = Callable[[Trace], None]


class Traces:
    """Which requests of this process are picked, and what they have come to so far."""

    __slots__ = ("_every", "_hand_on", "_left", "_open", "is_on")

    def __init__(self) -> None:
        self.is_on = False
        self._every = self._left = 0
        self._hand_on: HandOn | None = None
        self._open: dict[str, Trace] = {}

    def start(self, share: float, hand_on: HandOn) -> None:
        """Pick one in so many from now on: `share` over 0 up to 1."""
        self._every = self._left = max(round(1 / share), 1)
        self._hand_on = hand_on
        self.is_on = True

    def stop(self) -> None:
        """Pick none; what is open is forgotten."""
        self.is_on = False
        self._open.clear()
        self._hand_on = None

    def pick(self, name: str, body: bytes, institution: str) -> Trace | None:
        """The trace of a request, for one in so many that has a message id and is not there yet."""
        self._left -= 1
        if self._left > 0:
            return None
        found = _MESSAGE_ID.search(body, 0, HEAD_BYTES)
        if found is None or len(self._open) >= OPEN_MAX:
            return None
        message_id = found[1].decode()
        if message_id in self._open:
            return None
        self._left = self._every
        trace = Trace(
            name=name, message_id=message_id, began=monotonic(),
            facts={"institution": institution},
        )  # fmt: skip
        self._open[message_id] = trace
        return trace

    def batch(self, message_ids: Iterable[str], laps: Sequence[float]) -> None:
        """A batch with these messages has been read and decided, which took so long each and is
        over now. What was before it, a message waited for it."""
        ids = list(message_ids)
        found = [self._open[one] for one in ids if one in self._open]
        if not found:
            return
        at = taken = monotonic() - sum(laps)
        steps = []
        for name, seconds in zip(BATCH_PARTS, laps, strict=True):
            steps.append(Part(name=name, began=at, ended=at + seconds, facts={"items": len(ids)}))
            at += seconds
        for trace in found:
            since = trace.parts[-1].ended if trace.parts else trace.began
            wait = Part(name="journal.wait", began=min(since, taken), ended=taken)
            trace.parts += [wait, *steps]

    def written(self, message_ids: Iterable[str], seconds: float) -> None:
        """What a batch with these messages booked has been committed, now, after so long."""
        now = monotonic()
        for trace in filter(None, map(self._open.get, message_ids)):
            trace.parts.append(Part(name="batch.write", began=now - seconds, ended=now))

    def part(self, message_id: str, name: str, began: float, **facts: str | int) -> None:
        """A piece of this message's time that ends now."""
        trace = self._open.get(message_id)
        if trace is not None:
            trace.parts.append(Part(name=name, began=began, ended=monotonic(), facts=facts))

    def end(self, trace: Trace, outcome: Outcome) -> None:
        """It was answered: hand it on."""
        self._open.pop(trace.message_id, None)
        trace.ended = monotonic()
        trace.facts["outcome"] = outcome.name.lower()
        trace.failed = outcome in (Outcome.OVERLOADED, Outcome.UNAVAILABLE)
        if self._hand_on is not None:
            self._hand_on(trace)


TRACES = Traces()
"""Of this process."""
