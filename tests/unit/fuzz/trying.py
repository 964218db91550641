"""One input on one parser: refused as declared, read, a crash, or too slow.

Slow is told by processor time against a loop of known work on the same processor at the same
moment, so that a loaded or an old machine judges as a new one does.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable

from msgspec import Struct

from tests.unit.fuzz.parsers import Parser

LOOP_ROUNDS = 20_000
LIMIT_LOOPS = 100
"""A loop is a millisecond on the machine that these figures come from: so 100 ms."""
SURE_AFTER = 3
"""What was slow is tried again; only what is slow every time is slow."""


class Outcome(Struct, frozen=True):
    """What came of it."""

    said: str
    """in which way it was read or refused, without what was in it: new ways are worth keeping"""
    fault: str = ""
    """empty where all is well"""


def tried(parser: Parser, content: bytes, *, loop_seconds: float) -> Outcome:
    """Read it once; where that took long, a few times more."""
    began = time.thread_time()
    outcome = _read(parser, content)
    if outcome.fault or time.thread_time() - began < loop_seconds * LIMIT_LOOPS / 4:
        return outcome
    for _ in range(SURE_AFTER):
        loops = _seconds(lambda: _read(parser, content)) / loop()
        if loops <= LIMIT_LOOPS:
            return outcome
    return Outcome(outcome.said, f"slow: {loops:.0f} loops, and {LIMIT_LOOPS} are allowed")


def loop() -> float:
    """How long the known work takes here and now; the best of three."""
    return min(_seconds(work) for _ in range(3))


def work() -> None:
    """What a loop is."""
    total = 0
    for number in range(LOOP_ROUNDS):
        total += number & 7


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _read(parser: Parser, content: bytes) -> Outcome:
    try:
        value = parser.read(content)
    except parser.refusals as refused:
        return Outcome(f"refused {type(refused).__name__} {_shape(str(refused))}")
    except Exception:
        return Outcome("crash", traceback.format_exc(limit=-3))
    return Outcome(f"read {type(value).__name__}")


def _shape(text: str) -> str:
    """A refusal without figures and what it quotes."""
    return "".join(c for c in text[:60] if c.isalpha() or c == " ")
