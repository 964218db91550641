"""The simulated hub between regions: stores, forwards, keeps its own book, and fails as it is told.

In one process without sockets (`HubSimulator.carry`), or over HTTP (hub_server.py). It proves no
signature, so that what is forged reaches the regions, which are to refuse it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from msgspec import Struct

from loadtest.simulators.hub_book import HubBook
from loadtest.simulators.hub_faults import Fault, Faults, Met
from loadtest.simulators.hub_party import HubParty
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.hub.bundle import passing
from protocol.hub.certificates import HUB
from protocol.hub.envelope import Envelope, UnreadableError
from settlement.gateway import HubDoor, Overloaded, Unavailable
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS
from settlement.region.hub import NoAnswer, Why

EARLIER_KEPT = 50
"""Answers of two regions that may come in place of another."""


class Passed(Struct, frozen=True):
    """What a region, or the hub itself, answers over HTTP."""

    status: int
    body: bytes = b""


Receiver = Callable[[bytes], Awaitable[Passed | None]]
"""A region's door; None where the line to it broke."""


class HubSimulator:
    """The hub with all regions that are connected to it."""

    def __init__(
        self, *, clock: VirtualClock, book: HubBook | None = None, faults: Faults | None = None
    ) -> None:
        self.clock = clock
        self.book = book or HubBook()
        self.faults = faults or Faults()
        self.party: HubParty | None = None
        """who answers for the hub itself"""
        self._receivers: dict[str, Receiver] = {}
        self._down_until: dict[str, datetime] = {}
        self._earlier: dict[tuple[str, str], deque[bytes]] = {}

    def connect(self, region: str, receiver: Receiver) -> None:
        """Forward to a region; another receiver takes the place of an earlier one."""
        self._receivers[region] = receiver

    def answer_itself(self, party: HubParty) -> None:
        """From now on the hub answers for its own book; before it is one that cannot."""

        async def receive(message: bytes) -> Passed:
            said = await party.take(message)
            if isinstance(said, HTTPStatus):
                return Passed(said)
            return Passed(HTTPStatus.OK, said)

        self.party = party
        self.connect(HUB, receive)

    def take_down(self, region: str, seconds: float) -> None:
        """A region is not reached for so long; 0 brings it back."""
        self._down_until[region] = self.clock() + timedelta(seconds=seconds)

    async def carry(self, message: bytes, *, seconds: float | None = None) -> Passed | None:
        """A question of a region, and what comes back: None where nothing does. Whoever asks waits
        `seconds`; None: as long as it takes."""
        try:
            questions = passing(message)
        except UnreadableError:
            return Passed(HTTPStatus.BAD_REQUEST)
        question = questions[0]
        if question.to not in self._receivers:
            return Passed(HTTPStatus.NOT_FOUND)
        self._note(questions, message)
        met = self.faults.meet(*questions)
        if met is None:
            return await self._deliver(question, message)
        return await self._fail(met, question, message, seconds)

    async def _fail(
        self, met: Met, question: Envelope, message: bytes, seconds: float | None
    ) -> Passed | None:
        async def again() -> None:
            await self._deliver(question, message)

        match met.fault:
            case Fault.BUSY:
                return Passed(HTTPStatus.SERVICE_UNAVAILABLE)
            case Fault.LOST_BEFORE:
                return None
            case Fault.ARRIVES_LATE:
                self.clock.after(met.delay_seconds, again)
                return None
            case Fault.OTHER_ANSWER:
                earlier = self._earlier.get((question.to, question.origin))
                other = earlier[0] if earlier else None
                passed = await self._deliver(question, message)
                return passed if other is None else Passed(HTTPStatus.OK, other)
        passed = await self._deliver(question, message)
        match met.fault:
            case Fault.LOST_AFTER:
                return None
            case Fault.ANSWERS_LATE:
                if seconds is not None and met.delay_seconds >= seconds:
                    return None
                await self.clock.wait(met.delay_seconds)
            case Fault.TWICE:
                passed = await self._deliver(question, message)
            case Fault.AGAIN_LATER:
                self.clock.after(met.delay_seconds, again)
            case Fault.FORGED if passed is not None:
                passed = Passed(passed.status, _forged(passed.body))
        return passed

    async def _deliver(self, question: Envelope, message: bytes) -> Passed | None:
        """To its region, unless that is down; its answer is in the book before it is passed on."""
        until = self._down_until.get(question.to)
        if until is not None and self.clock() < until:
            return Passed(HTTPStatus.BAD_GATEWAY)
        passed = await self._receivers[question.to](message)
        if passed is None or passed.status != HTTPStatus.OK:
            return passed
        try:
            answers = passing(passed.body)
        except UnreadableError:
            return Passed(HTTPStatus.BAD_GATEWAY)
        self._note(answers, passed.body)
        pair = answers[0].origin, answers[0].to
        self._earlier.setdefault(pair, deque(maxlen=EARLIER_KEPT)).append(passed.body)
        return passed

    def _note(self, envelopes: Sequence[Envelope], message: bytes) -> None:
        at, digest = self.clock(), hashlib.sha256(message).hexdigest()
        for envelope in envelopes:
            if HUB in (envelope.origin, envelope.to):
                continue  # said to the hub itself, or by it: it did not pass
            self.book.write(envelope, at=at, digest=digest)


class HubCarrier:
    """`settlement.region.hub_line.Carrier` through a hub in this process."""

    def __init__(self, hub: HubSimulator) -> None:
        self._hub = hub

    async def carry(self, address: str, message: bytes, *, seconds: float) -> bytes | NoAnswer:
        """See the port; the hub has no address here."""
        passed = await self._hub.carry(message, seconds=seconds)
        if passed is None:
            return NoAnswer(why=Why.NO_ANSWER, text="nothing came back")
        if passed.status != HTTPStatus.OK:
            return NoAnswer(
                why=Why.NO_ANSWER, text=f"HTTP {int(passed.status)}", status=int(passed.status)
            )
        return passed.body


def at_door(door: HubDoor) -> Receiver:
    """A region's door in this process, as the web layer opens it."""

    async def receive(message: bytes) -> Passed:
        try:
            reply = await door.take(message)
        except (Overloaded, Unavailable):
            return Passed(HTTPStatus.SERVICE_UNAVAILABLE)
        if isinstance(reply, Refusal):
            return Passed(REFUSALS[reply.code].http_status)
        return Passed(HTTPStatus.NOT_FOUND) if reply is None else Passed(HTTPStatus.OK, reply)

    return receive


_BODY = b'"body":"'


def _forged(message: bytes) -> bytes:
    """The same with another letter in the middle, where it is one: of the body, so that only the
    signature can tell."""
    begin = message.find(_BODY) + len(_BODY)
    end = message.find(b'"', begin)
    at = (begin + end) // 2 if _BODY in message else len(message) // 2
    other = b"A" if message[at : at + 1] != b"A" else b"B"
    return message[:at] + other + message[at + 1 :]
