"""Regions around a simulated hub, in one process and without sockets: lines, doors, papers, clocks.

What the deterministic simulation of two regions is made of. Each region has its own clock, which
may be ahead of the hub's or behind it, and keys that are the same in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loadtest.simulators.hub import HubCarrier, HubSimulator, at_door
from loadtest.simulators.hub_party import HubParty
from protocol.hub.certificates import (
    HUB,
    Authority,
    Certificate,
    SecretKeys,
    read_certificate,
    read_request,
    request_of,
)
from protocol.hub.post import Post
from settlement.chart import REGION_BASE, REGION_STRIDE
from settlement.clock import Clock
from settlement.elsewhere.counterpart import Counterpart
from settlement.region.hub import HubDesk
from settlement.region.hub_door import PostDoor
from settlement.region.hub_line import PostLine
from settlement.region.hub_wire import Registry

_LONG = timedelta(days=36_500)
AUTHORITY = Authority(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"hub").digest()))
"""Of simulated hubs; its key is in the source, so nobody else may trust it."""


class SkewedClock:
    """A region's clock: the hub's, so many seconds ahead (below zero: behind)."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self._clock = clock
        self.seconds = seconds

    def __call__(self) -> datetime:
        return self._clock() + timedelta(seconds=self.seconds)


class HubRegion:
    """A region at the hub: `line` asks others, `desk` is who answers; None: nobody does."""

    def __init__(self, code: str, hub: HubSimulator, others: Sequence[str]) -> None:
        self.code = code
        self.clock = SkewedClock(hub.clock)
        self.desk: HubDesk | None = None
        self.counterparts = {
            region: Counterpart(
                region=region, name=f"测试统筹区{region}",
                account_base=REGION_BASE + REGION_STRIDE * number,
            )
            for number, region in enumerate(sorted(others), 1)
        }  # fmt: skip
        self.identity = _keys(code), _certificate(code)
        self.registry = Registry(
            post=Post(
                code, identities=[self.identity],
                certificates=[_certificate(party) for party in (*others, HUB)],
            ),
            counterparts=self.counterparts,
        )  # fmt: skip
        self.line = PostLine(lambda: self.registry, HubCarrier(hub), self.clock)
        self.door = PostDoor(lambda: self.registry, lambda: self.desk, self.clock)


def hub_regions(hub: HubSimulator, codes: Sequence[str]) -> dict[str, HubRegion]:
    """These regions, connected to the hub and known to each other; the hub answers for itself."""
    own = Post(
        HUB, identities=[(_keys(HUB), _certificate(HUB))], certificates=map(_certificate, codes)
    )
    hub.answer_itself(HubParty(lambda: own, hub.book, hub.clock))
    regions = {code: HubRegion(code, hub, [one for one in codes if one != code]) for code in codes}
    for code, region in regions.items():
        hub.connect(code, at_door(region.door))
    return regions


def certificate_text(party: str) -> str:
    """The certificate of a region, or of the hub, as it is imported."""
    since = datetime.fromisoformat("2020-01-01T00:00:00+08:00")
    return AUTHORITY.issue(
        read_request(request_of(_keys(party), party, at=since)), serial=f"{party}-1",
        not_before=since, not_after=since + _LONG,
    )  # fmt: skip


def _keys(code: str) -> SecretKeys:
    def key(use: str) -> bytes:
        return hashlib.sha256(f"{use} {code}".encode()).digest()

    return SecretKeys(signing=key("signing"), sealing=key("sealing"))


def _certificate(code: str) -> Certificate:
    return read_certificate(certificate_text(code), AUTHORITY.root)
