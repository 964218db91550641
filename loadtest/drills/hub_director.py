"""The director's entrance of a simulated hub in another process: whom it reaches, its faults, its
book."""

from __future__ import annotations

import hashlib
import urllib.request

import msgspec
from msgspec import Struct

from loadtest.simulators.hub_book import HubCase
from loadtest.simulators.hub_faults import Plan

ANSWER_SECONDS_MAX = 120
DELAYS_SECONDS = (4.0, 9.0, 20.0, 70.0)
"""What comes late comes while the counter waits, before the first question of the resolver, after
it, or after the case was given up."""


class HubSays(Struct, frozen=True):
    """What the hub's own book has."""

    totals: dict[str, dict[str, int]]
    """by `treated>insured`"""
    cases: list[HubCase]


class HubTimes(Struct, frozen=True):
    """Seconds that messages took, from the question's last byte at the hub on, in order."""

    whole: list[float]
    """until the answer leaves the hub"""
    at_regions: list[float]
    """of that, from forwarding it to the answer"""


class _Faults(Struct, frozen=True):
    happened: dict[str, int]


class HubDirector:
    """Tells one hub what to do."""

    def __init__(self, url: str) -> None:
        if not url.startswith("http://127.0.0.1:"):
            raise ValueError(f"not a simulated hub: {url}")
        self.url = url

    def reach(self, region: str, address: str) -> None:
        """Deliver to a region from now on."""
        self._ask("region", {"region": region, "address": address})

    def fail(self, *, seed: int, share_ppm: int) -> None:
        """So many questions in a million meet a fault; the seed says which, and what late is."""
        drawn = hashlib.sha256(f"{seed}:hub".encode()).digest()
        delay = DELAYS_SECONDS[drawn[6] % len(DELAYS_SECONDS)]
        number = int.from_bytes(drawn[:6], "big")
        self._ask("faults", Plan(seed=number, share_ppm=share_ppm, delay_seconds=delay))

    def mend(self) -> None:
        """No more faults."""
        self._ask("faults", {})

    def take_down(self, region: str, seconds: float) -> None:
        """A region is not reached for so long."""
        self._ask("down", {"region": region, "seconds": seconds})

    def advance(self, seconds: float) -> None:
        """So much time passes for the hub alone: what it was to deliver in it, it delivers."""
        self._ask("clock", {"advance_seconds": seconds})

    def happened(self) -> dict[str, int]:
        """How many questions met which fault."""
        return msgspec.json.decode(self._ask("faults"), type=_Faults).happened

    def times(self) -> HubTimes:
        """Of the messages since the last look."""
        return msgspec.json.decode(self._ask("times"), type=HubTimes)

    def book(self) -> HubSays:
        """What it knows of all cases."""
        return msgspec.json.decode(self._ask("cases"), type=HubSays)

    def _ask(self, what: str, told: object = None) -> bytes:
        body = None if told is None else msgspec.json.encode(told)
        with urllib.request.urlopen(  # noqa: S310 - a simulated hub on this machine
            f"{self.url}/_sim/{what}", body, timeout=ANSWER_SECONDS_MAX
        ) as reply:
            content: bytes = reply.read()
        return content
