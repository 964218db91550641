"""Locust as a runner of a load: people with roles and time to think, in a program of its own.

Locust changes sockets and threads of its whole process, so it has one for itself. It writes the
same book as the lean runner, and beside it an event for every message, which are counted here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from loadtest.generator.counts import Counts
from loadtest.load.run import Plan, Sender
from loadtest.world import World

LOCUSTFILE = Path(__file__).parent.parent / "locustfile.py"
FINISH_SECONDS = 120
"""So long a customer who is at a counter may take to the end: a payment whose answer was lost takes
up to a minute until it is known."""
LOOK_SECONDS = 1.0
_RAN = (0, 1)
"""Exit statuses: one means that some requests failed, which is counted."""


class Event(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One message that was sent, or one customer who came (`kind`)."""

    at_seconds: float
    name: str = ""
    kind: str = ""
    latency_us: int = 0
    status: int = 0
    """of HTTP; 0 where there was no answer"""
    is_done: bool = False
    settles: bool = False
    hung_up: bool = False
    said: str = ""
    """what came back where it was not done"""


def locust(*, users: int, is_mine: bool = False) -> Sender:
    """A runner with so many people in the fullest hour."""

    def send(
        plan: Plan, world: World, address: tuple[str, int], counts: Counts, book: Path,
        stop: Callable[[], str],
    ) -> str:  # fmt: skip
        events = book.with_suffix(".events")
        command = _command(plan, address, book, events, users=users, is_mine=is_mine)
        log = book.with_suffix(".locust.log")
        with log.open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                command, stdout=said, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(LOCUSTFILE.parent.parent)},
            )  # fmt: skip
            why = _until_ended(process, plan.seconds, stop)
        if events.exists():
            count(read_events(events), counts)
        if process.returncode not in _RAN and not why:
            why = f"Locust ended with {process.returncode}: {log.read_text('utf-8')[-500:]}"
        return why

    return send


def count(events: Iterator[Event], counts: Counts) -> None:
    """What Locust's people saw, in the words of the lean runner."""
    for one in events:
        if one.kind:
            counts.kinds[one.kind] += 1
            counts.at(one.at_seconds).arrived += 1
            continue
        if one.hung_up:
            continue
        of = counts.of(one.name)
        if not one.status:
            of.broken += 1
            counts.at(one.at_seconds).failed += 1
            counts.complain(f"{one.name}: {one.said}")
            continue
        counts.answered(one.name, one.at_seconds, one.latency_us)
        if one.status != 200:
            of.errors += 1
            counts.at(one.at_seconds).failed += 1
            counts.complain(f"{one.name}: HTTP {one.status}: {one.said}")
        elif not one.is_done:
            of.refused += 1
            counts.refusals[f"{one.name} {one.said}"] += 1
        else:
            of.done += 1
            counts.at(one.at_seconds).settled += one.settles


def read_events(path: Path) -> Iterator[Event]:
    """In the order in which they happened."""
    decoder = msgspec.json.Decoder(Event)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)


def _command(
    plan: Plan, address: tuple[str, int], book: Path, events: Path, *, users: int, is_mine: bool
) -> list[str]:
    command = [
        sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary",
        "--stop-timeout", str(FINISH_SECONDS), "--host", f"http://{address[0]}:{address[1]}",
        "--load-preset", plan.preset.name, "--load-period", plan.period.value,
        "--load-season", plan.season.value, "--load-seconds", str(plan.seconds),
        "--load-users", str(users), "--load-seed", str(plan.seed),
        "--load-persons", str(plan.persons), "--load-book", str(book),
        "--load-events", str(events),
    ]  # fmt: skip
    return [*command, "--i-own-this-target"] if is_mine else command


def _until_ended(
    process: subprocess.Popen[bytes], seconds: float, stop: Callable[[], str]
) -> str:
    """Why it was ended early, or nothing."""
    until = time.monotonic() + seconds + 2 * FINISH_SECONDS
    while True:
        try:
            process.wait(LOOK_SECONDS)
            return ""
        except subprocess.TimeoutExpired:
            why = stop()
            if not why and time.monotonic() > until:
                why = "Locust did not end in time"
            if why:
                process.terminate()
                process.wait()
                return why
