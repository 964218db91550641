"""The director's entrance of the simulated channels: their faults, and what their books say."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from loadtest.simulators.channel_book import BookEntry
from loadtest.simulators.channel_faults import LINE_FAULTS, Fault, Plan

ANSWER_SECONDS_MAX = 120
FOUND_BY_THE_BILL = frozenset({Fault.GHOST, Fault.PHANTOM})
"""Nothing that a channel says tells them before its next day's bill: reconciling finds them."""
PAYMENT_FAULTS: Mapping[Fault, int] = {
    fault: LINE_FAULTS.get(fault, 1)
    for fault in Fault
    if fault not in FOUND_BY_THE_BILL and not fault.startswith("bill_")
}
"""Everything that may happen to a payment, a query, an undo, a refund or a notification."""
DELAYS_SECONDS = (4.0, 12.0, 25.0, 50.0)
"""What comes late comes before the first question, between two, or after it was given up."""


class ChannelBooks(Struct, frozen=True):
    """What a channel says of the money, and what went wrong with it."""

    net_fen: int
    totals: dict[str, int]
    entries: list[BookEntry]
    happened: dict[str, int]


class _Book(Struct, frozen=True):
    totals: dict[str, int]
    entries: list[BookEntry] = []


class _Faults(Struct, frozen=True):
    happened: dict[str, int]


def set_faults(urls: Mapping[str, str], *, seed: int, share_ppm: int) -> None:
    """So many calls in a million of each channel meet a fault; the seed says which."""
    for channel, url in urls.items():
        drawn = hashlib.sha256(f"{seed}:{channel}".encode()).digest()
        plan = Plan(
            seed=int.from_bytes(drawn[:6], "big"), share_ppm=share_ppm,
            weights=dict(PAYMENT_FAULTS), delay_seconds=DELAYS_SECONDS[drawn[6] % 4],
        )  # fmt: skip
        _asked(f"{url}/_sim/faults", msgspec.json.encode(plan))


def mend(urls: Mapping[str, str]) -> None:
    """No more faults."""
    for url in urls.values():
        _asked(f"{url}/_sim/faults", b"{}")


def advance_clocks(urls: Mapping[str, str], seconds: float) -> None:
    """So much time passes for the channels alone: what they were to do in it, they do."""
    for url in urls.values():
        _asked(f"{url}/_sim/clock", msgspec.json.encode({"advance_seconds": seconds}))


def read_clock(url: str) -> datetime:
    """What time it is at a channel."""
    return msgspec.json.decode(_asked(f"{url}/_sim/clock"), type=_Clock).now


def answering_ms(urls: Mapping[str, str]) -> dict[str, float]:
    """How long each channel took to answer, on average since it began, in milliseconds."""
    shown = {
        channel: msgspec.json.decode(_asked(f"{url}/_sim/times"), type=_Times)
        for channel, url in urls.items()
    }
    return {
        channel: round(one.answering_seconds * 1e3 / max(one.answers, 1), 2)
        for channel, one in shown.items()
    }


def read_books(urls: Mapping[str, str]) -> dict[str, ChannelBooks]:
    """All of them, by channel."""
    books = {}
    for channel, url in urls.items():
        book = msgspec.json.decode(_asked(f"{url}/_sim/book"), type=_Book)
        faults = msgspec.json.decode(_asked(f"{url}/_sim/faults"), type=_Faults)
        books[channel] = ChannelBooks(
            book.totals.get("net_fen", 0), book.totals, book.entries, faults.happened
        )
    return books


class _Clock(Struct, frozen=True):
    now: datetime


class _Times(Struct, frozen=True):
    answers: int
    answering_seconds: float


def _asked(url: str, body: bytes | None = None) -> bytes:
    if not url.startswith("http://127.0.0.1:"):
        raise ValueError(f"not a simulated channel: {url}")
    with urllib.request.urlopen(  # noqa: S310 - on this machine, as was checked
        url, body, timeout=ANSWER_SECONDS_MAX
    ) as reply:
        content: bytes = reply.read()
    return content
