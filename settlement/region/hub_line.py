"""The line to other regions: a question is written, carried over the hub, and its answer proved.

What was not carried says NOT_SENT only where no byte can have left. Whatever came back and is not
the proved answer to this very question is WORTHLESS: counted, told, and as good as no answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from msgspec import Struct

from protocol.hub.messages import Kind, Question, Refused, Told
from protocol.hub.post import Post, Unwritable, Worthless
from settlement.clock import Clock
from settlement.counterpart import Counterpart
from settlement.region.hub import NoAnswer, Why
from settlement.region.kept_http import KeptHttp, NotAnswered
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.hub")

MESSAGES_PATH = "/hub/v1/messages"
FOR_ACTIVE = frozenset({Kind.PERSON, Kind.QUOTE, Kind.SETTLE})
"""Not asked of a region that is not active; the rest brings to its end what is under way."""


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


class PostLine:
    """`settlement.region.hub.HubLine`."""

    def __init__(self, registry: Callable[[], Registry], carrier: Carrier, clock: Clock) -> None:
        self._registry = registry
        self._carrier = carrier
        self._clock = clock

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """See the port."""
        registry = self._registry()
        counterpart = registry.counterparts.get(to)
        if counterpart is None or (kind in FOR_ACTIVE and not counterpart.active):
            return _not_sent(f"{to} is {'unknown' if counterpart is None else 'not active'}")
        post = registry.post
        written = post.ask(question, to=to, kind=kind, correlation=correlation, at=self._clock())
        if isinstance(written, Unwritable):
            return _not_sent(written.text)
        METRICS.hub_asked += 1
        came = await self._carrier.carry(counterpart.route, written.message, seconds=seconds)
        if isinstance(came, NoAnswer):
            METRICS.hub_unanswered += 1
            return came
        said = post.read_answer(came, written, at=self._clock())
        if isinstance(said, Worthless):
            METRICS.hub_unanswered += 1
            report(said, "an answer of another region is worth nothing")
            return NoAnswer(why=Why.WORTHLESS, text=said.fault)
        return said


class HttpCarrier:
    """Over HTTP, with kept connections to each hub."""

    def __init__(self, address: str, *, connect_seconds: float) -> None:
        self._address = address
        self._connect_seconds = connect_seconds
        self._hubs: dict[str, KeptHttp] = {}

    async def carry(self, address: str, message: bytes, *, seconds: float) -> bytes | NoAnswer:
        """See `Carrier`."""
        hub = self._hub(address or self._address)
        reply = await hub.post(MESSAGES_PATH, message, seconds=seconds)
        if isinstance(reply, NotAnswered):
            why = Why.NO_ANSWER if reply.sent else Why.NOT_SENT
            return NoAnswer(why=why, text=reply.reason)
        if reply.status != HTTPStatus.OK:
            return NoAnswer(why=Why.NO_ANSWER, text=f"HTTP {reply.status}")
        return reply.body

    def close(self) -> None:
        """Give back the connections."""
        for one in self._hubs.values():
            one.close()
        self._hubs.clear()

    def _hub(self, address: str) -> KeptHttp:
        found = self._hubs.get(address)
        if found is None:
            found = KeptHttp(address, connect_seconds=self._connect_seconds)
            self._hubs[address] = found
        return found


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


def _not_sent(text: str) -> NoAnswer:
    return NoAnswer(why=Why.NOT_SENT, text=text)
