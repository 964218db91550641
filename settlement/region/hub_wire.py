"""What the line to other regions and the door for them share: who is there, how a message travels,
and what is done about one that is worth nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from protocol.hub.post import Post, Worthless
from settlement.elsewhere.counterpart import Counterpart
from settlement.region.hub import NoAnswer, Why
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.hub")


class Registry(Struct, frozen=True, kw_only=True):
    """Who is there, and what their messages are proved with; replaced as a whole."""

    post: Post
    counterparts: Mapping[str, Counterpart]


class Carrier(Protocol):
    """Takes a message to a hub and brings what comes back."""

    async def carry(self, address: str, message: bytes, *, seconds: float) -> bytes | NoAnswer:
        """What the hub answers, whatever that is. `address` is the hub's, empty for the usual
        one."""
        ...


def report(worthless: Worthless, message: str) -> None:
    """Count and log a message without effect; what no honest sender makes is an alarm. Nothing in
    it is about a person."""
    METRICS.hub_worthless += 1
    attack = worthless.fault.is_attack
    METRICS.hub_alarms += attack
    logger.log(
        logging.ERROR if attack else logging.WARNING, message,
        extra={
            "event": "hub.message.attack" if attack else "hub.message.refused",
            "fault": worthless.fault.value, "origin": worthless.origin,
            "certificate": worthless.certificate, "correlation": worthless.correlation,
        },
    )  # fmt: skip


def not_sent(text: str) -> NoAnswer:
    """It had no effect."""
    return NoAnswer(why=Why.NOT_SENT, text=text)
